import pytest

from webintel.engine.classify import next_page_url
from webintel.engine.page import Page

SITE = "https://site.example"


def following(path: str, html: str) -> str | None:
    found = next_page_url(Page(SITE + path, html))
    return found.removeprefix(SITE) if found else None


@pytest.mark.parametrize(
    ("path", "html", "expected"),
    [
        ("/list", '<link rel="next" href="/list?page=2">', "/list?page=2"),
        ("/list", '<a href="/list?page=2" rel="next">more</a>', "/list?page=2"),
        ("/list?page=3", '<a href="?page=2">\u2039</a><a href="?page=4">\u203a</a>', "/list?page=4"),
        ("/list?page=3", '<a href="?page=2">2</a><a href="?page=4">4</a><a href="?page=5">5</a>', "/list?page=4"),
        ("/list?color=red", '<a href="/list?color=red&p=2">2</a>', "/list?color=red&p=2"),
        ("/blog/", '<a href="/blog/page/2/">Older posts</a>', "/blog/page/2/"),
        ("/blog/page/2/", '<a href="/blog/">Newer</a><a href="/blog/page/3/">Older posts</a>', "/blog/page/3/"),
        ("/produits", '<a href="/produits?page=2">Page suivante</a>', "/produits?page=2"),
        ("/artikel", '<a href="/artikel?seite=2">Weiter</a>', "/artikel?seite=2"),
        ("/c", '<a href="/c?page=2" aria-label="次へ"><svg></svg></a>', "/c?page=2"),
        ("/c", '<a class="pagination-next" href="/c?page=2"><svg></svg></a>', "/c?page=2"),
        ("/t.php?t=1&start=20", '<a href="?t=1&start=0">1</a><a href="?t=1&start=40">3</a>', "/t.php?t=1&start=40"),
        ("/index.php?topic=5.0", '<a href="/index.php?topic=5.15">»</a>', "/index.php?topic=5.15"),
        ("/threads/a.12/", '<a class="pageNav-jump" href="/threads/a.12/page-2">Next</a>', "/threads/a.12/page-2"),
        ("/feed", '<a href="/feed?after=t3_abc">next</a>', "/feed?after=t3_abc"),
        ("/tags/x", '<a rel="next" href="/tags/x?page=1">Next page</a>', "/tags/x?page=1"),
        ("/games/", '<a class="load" href="/games/2/">Load more</a>', "/games/2/"),
        ("/l?utm_source=mail", '<a href="/l?utm_source=mail&page=2">2</a>', "/l?utm_source=mail&page=2"),
    ],
)
def test_the_next_page_is_found(path: str, html: str, expected: str) -> None:
    assert following(path, html) == expected


@pytest.mark.parametrize(
    ("path", "html"),
    [
        ("/list", "<p>nothing</p>"),
        ("/list?page=3", '<a href="?page=1">1</a><a href="?page=2">2</a>'),
        ("/list?page=3", '<a rel="prev" href="?page=2">Previous</a>'),
        ("/docs/a.html", '<link rel="next" href="/docs/b.html"><a href="/docs/b.html">Next</a>'),
        ("/2024/05/post", '<a rel="next" href="/2024/06/other-post">Next article</a>'),
        ("/item-123", '<a rel="next" href="/item-124">Next</a>'),
        ("/p/shoe", '<a class="carousel-next" href="#">Next</a><button class="next">\u203a</button>'),
        ("/post", '<a href="/post/comment-page-2/">Older comments</a><a href="/post/comment-page-2/">2</a>'),
        ("/list", '<a href="https://other.example/list?page=2">Next</a>'),
        ("/calendar", '<a href="/calendar?month=2024-06">Next</a>'),
        ("/list", '<a href="/other?page=2">2</a><a href="/reviews/2">2</a>'),
        ("/list?page=2", '<a href="/list?page=2">Next</a>'),
        ("/list", '<a href="javascript:next()">Next</a>'),
    ],
)
def test_what_only_looks_like_a_next_page_is_not(path: str, html: str) -> None:
    assert following(path, html) is None


def test_the_base_counts() -> None:
    assert following("/a/b", '<base href="/a/"><a href="b?page=2">2</a>') == "/a/b?page=2"


def test_many_links_end() -> None:
    html = "".join(f'<a href="/list?page={i}">{i}</a>' for i in range(30_000))
    assert following("/list", html) == "/list?page=2"
