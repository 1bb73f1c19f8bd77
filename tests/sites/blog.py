"""A blog as WordPress makes them."""
# ruff: noqa: E501 - markup reads better unbroken

from tests.sites.player import Truth, document, link_list, static

BLOG_DOMAIN = "blog.test"
_CATEGORIES = {"rivers": "Rivers", "rivers/upper": "Upper reaches", "hills": "Hills", "towns": "Towns"}
_AUTHORS = {"mara": "Mara Quill", "jon": "Jon Easter"}
_WORDS = ("Heron", "Mill", "Bridge", "Ferry", "Weir", "Lock", "Beacon", "Quarry", "Market", "Gate")
_POSTS = range(1, 41)
_PER_PAGE = 8


def _category(number: int) -> str:
    return list(_CATEGORIES)[number % len(_CATEGORIES)]


def _author(number: int) -> str:
    return list(_AUTHORS)[number % 2]


def _date(number: int) -> str:
    return f"2024-{1 + number % 12:02d}-{1 + number % 28:02d}"


def _title(number: int) -> str:
    return f"The {_WORDS[number % 10]} at mile {number}"


def _path(number: int) -> str:
    year, month, _day = _date(number).split("-")
    return f"/{year}/{month}/{_title(number).lower().replace(' ', '-')}/"


def _page(title: str, main: str, head: str = "") -> bytes:
    menu = link_list([("/", "Home")] + [(f"/category/{slug}/", name) for slug, name in _CATEGORIES.items()], "menu")
    aside = link_list([(_path(number), _title(number)) for number in range(1, 6)], "wp-block-latest-posts__list")
    head = (
        '<meta name="generator" content="WordPress 6.6.1">'
        '<link rel="alternate" type="application/rss+xml" title="Feed" href="/feed/">'
        '<link rel="https://api.w.org/" href="http://blog.test/wp-json/">'
        f'<link rel="stylesheet" href="/wp-content/themes/millrace/style.css">{head}'
    )
    body = (
        f'<header class="site-header"><p class="site-title"><a href="/" rel="home">Millrace</a></p>'
        f'<nav class="main-navigation">{menu}</nav></header><main id="primary" class="site-main">{main}</main>'
        f'<aside class="widget-area"><h2>Recent</h2>{aside}</aside>'
        '<footer class="site-footer"><a href="/about/">About</a> <a href="/privacy/">Privacy</a></footer>'
    )
    return document(f"{title} - Millrace", body, head)


def _post(number: int) -> bytes:
    category, author = _category(number), _author(number)
    text = (
        f"We walked past mile {number} early, before the mist had gone, and found the place much as it was left. "
        "The path keeps to the bank here and the stones are older than anything written about them. "
    )
    main = (
        f'<article id="post-{number}" class="post type-post hentry"><header class="entry-header">'
        f'<h1 class="entry-title">{_title(number)}</h1><div class="entry-meta">'
        f'<time class="entry-date published" datetime="{_date(number)}T08:00:00+00:00">{_date(number)}</time> by '
        f'<span class="author vcard"><a class="url fn n" href="/author/{author}/">{_AUTHORS[author]}</a></span></div></header>'
        f'<div class="entry-content">{f"<p>{text}</p>" * (3 + number % 3)}</div>'
        f'<footer class="entry-footer"><span class="cat-links"><a href="/category/{category}/" rel="category tag">'
        f"{_CATEGORIES[category]}</a></span></footer></article>"
    )
    return _page(_title(number), main, '<meta property="og:type" content="article">')


def _archive(title: str, base: str, numbers: list[int]) -> dict[str, bytes]:
    count = max(1, -(-len(numbers) // _PER_PAGE))
    found = {}
    for page in range(1, count + 1):
        shown = numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        teasers = "".join(
            f'<article class="post hentry"><h2 class="entry-title"><a href="{_path(number)}" rel="bookmark">'
            f'{_title(number)}</a></h2><div class="entry-summary"><p>Notes from mile {number}.</p></div></article>'
            for number in shown
        )
        older = f'<a class="next page-numbers" href="{base}page/{page + 1}/">Next</a>' if page < count else ""
        newer = f'<a class="prev page-numbers" href="{base}page/{page - 1}/">Previous</a>' if page > 2 else ""
        pager = f'<nav class="navigation pagination"><div class="nav-links">{newer}{older}</div></nav>'
        heading = f'<h1 class="page-title">{title}</h1>' if base != "/" else ""
        found[base if page == 1 else f"{base}page/{page}/"] = _page(title, heading + teasers + pager)
    return found


def _pages() -> dict[str, bytes]:
    pages = _archive("Millrace", "/", list(_POSTS))
    for slug, name in _CATEGORIES.items():
        members = [number for number in _POSTS if _category(number).startswith(slug)]
        pages |= _archive(name, f"/category/{slug}/", members)
    for slug, name in _AUTHORS.items():
        pages |= _archive(name, f"/author/{slug}/", [number for number in _POSTS if _author(number) == slug])
    pages |= {_path(number): _post(number) for number in _POSTS}
    pages["/about/"] = _page("About", "<h1>About</h1><p>Two people and a river.</p>")
    pages["/privacy/"] = _page("Privacy", "<h1>Privacy</h1><p>We keep nothing.</p>")
    return pages


blog = static(_pages(), BLOG_DOMAIN)
TRUTH = Truth(
    categories=frozenset(f"/category/{slug}/" for slug in _CATEGORIES),
    kinds={"article": [_path(number) for number in _POSTS], "listing": [f"/category/{slug}/" for slug in _CATEGORIES]},
    values={
        _path(number): {"title": _title(number), "author": _AUTHORS[_author(number)], "published_at": _date(number)}
        for number in _POSTS
    },
)
