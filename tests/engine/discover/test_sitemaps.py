import gzip

import pytest

from webintel.engine.discover.sitemaps import (
    SitemapLimits,
    evenly,
    order_children,
    parse_sitemap,
    sitemap_hint,
    survey_sitemaps,
)
from webintel.engine.errors import EngineError, ErrorCode

HERE = "https://shop.example/sitemap.xml"
XML = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    "<!-- <url><loc>https://shop.example/hidden</loc></url> -->"
    "<url><loc> https://shop.example/a?x=1&amp;y=2 </loc><lastmod>2026-05-01</lastmod>"
    "<image:image><image:loc>https://shop.example/a.jpg</image:loc></image:image></url>"
    "<url><loc><![CDATA[https://shop.example/b]]></loc></url><url><loc>mailto:x@shop.example</loc></url></urlset>"
)


def urls(body: bytes, **limits: int) -> list[str]:
    return [entry.url for entry in parse_sitemap(body, HERE, SitemapLimits(**limits)).entries]


@pytest.mark.parametrize("body", [XML.encode(), gzip.compress(XML.encode()), XML.encode("utf-16")])
def test_url_sets_plain_gzipped_and_wide(body: bytes) -> None:
    sitemap = parse_sitemap(body, HERE)
    assert sitemap.kind == "urlset"
    assert sitemap.complete
    assert [(entry.url, entry.last_modified) for entry in sitemap.entries] == [
        ("https://shop.example/a?x=1&y=2", "2026-05-01"),
        ("https://shop.example/b", None),
    ]


def test_prefixed_names_and_broken_markup_are_read() -> None:
    assert urls(b'<sm:urlset xmlns:sm="s"><sm:url><sm:loc>https://shop.example/a</sm:loc></sm:url>') == [
        "https://shop.example/a"
    ]
    assert urls(b"<urlset><url><loc>https://shop.example/a?x&y</loc><url><loc>/b</loc>") == [
        "https://shop.example/a?x&y",
        "https://shop.example/b",
    ]


def test_index_text_feeds_and_what_is_no_sitemap() -> None:
    index = parse_sitemap(b"<sitemapindex><sitemap><loc>/s1.xml.gz</loc></sitemap></sitemapindex>", HERE)
    assert (index.kind, [entry.url for entry in index.entries]) == ("index", ["https://shop.example/s1.xml.gz"])
    text = parse_sitemap(b"\xef\xbb\xbfhttps://shop.example/a\r\nhttps://shop.example/b", HERE)
    assert (text.kind, len(text.entries)) == ("text", 2)
    rss = b"<rss><channel><link>https://shop.example/</link><item><link>https://shop.example/p1</link></item></channel></rss>"
    assert urls(rss) == ["https://shop.example/p1"]
    atom = b'<feed><entry><link rel="edit" href="/e"/><link href="https://shop.example/p2"/><updated>2026</updated></entry></feed>'
    assert urls(atom) == ["https://shop.example/p2"]
    for nothing in (b"", b"   ", b"<!DOCTYPE html><html><body>404</body></html>", b"just words"):
        assert parse_sitemap(nothing, HERE).kind == "none"


def test_entities_are_not_expanded() -> None:
    bomb = (
        b'<!DOCTYPE u [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
        b"<urlset><url><loc>https://shop.example/&b;&c;</loc></url></urlset>"
    )
    assert all("aaaa" not in url and "root" not in url for url in urls(bomb))


def test_limits_of_one_file() -> None:
    many = b"<urlset>" + b"".join(b"<url><loc>https://shop.example/%d</loc></url>" % number for number in range(9_000))
    cut = parse_sitemap(many, HERE, SitemapLimits(urls_per_file=100))
    assert len(cut.entries) == 100
    assert not cut.complete
    assert len(urls(many)) == 9_000
    bomb = gzip.compress(b"<urlset>" + b"\0" * 3_000_000 + b"<url><loc>https://shop.example/late</loc></url>")
    inflated = parse_sitemap(bomb, HERE, SitemapLimits(inflated_bytes_per_file=1_000_000))
    assert (inflated.entries, inflated.complete) == ([], False)
    broken = parse_sitemap(gzip.compress(XML.encode() * 50)[:-20], HERE)
    assert not broken.complete


class Files:
    """Sitemaps by URL; counts how often each is asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.files:
            raise EngineError(ErrorCode.HTTP_STATUS, f"{url} answers 404")
        return self.files[url]


def index_of(*names: str) -> bytes:
    return b"<sitemapindex>" + b"".join(b"<sitemap><loc>%s</loc></sitemap>" % name.encode() for name in names)


async def test_an_index_that_lists_itself_ends_and_failures_are_recorded() -> None:
    files = Files({HERE: index_of(HERE, "/a.xml", "/gone.xml"), "https://shop.example/a.xml": XML.encode()})
    survey = await survey_sitemaps(files, [HERE])
    assert sorted(files.asked) == [HERE[:-11] + "a.xml", HERE[:-11] + "gone.xml", HERE]
    assert list(survey.urls) == ["https://shop.example/a?x=1&y=2", "https://shop.example/b"]
    assert [file.error for file in survey.files if file.url.endswith("gone.xml")] == ["http_status"]


async def test_endless_nesting_ends() -> None:
    class Endless:
        asked = 0

        async def __call__(self, url: str) -> bytes:
            self.asked += 1
            return index_of(*(f"{url}/{child}.xml" for child in range(30)))

    endless = Endless()
    survey = await survey_sitemaps(endless, [HERE], SitemapLimits(files=40))
    assert endless.asked == len(survey.files) <= 40


async def test_total_is_shared_fairly_between_files() -> None:
    body = {
        f"https://shop.example/products-{number}.xml": b"".join(
            b"<url><loc>https://shop.example/p%d-%d</loc></url>" % (number, item) for item in range(1_000)
        )
        for number in range(10)
    }
    files = Files({HERE: index_of(*body), **{url: b"<urlset>" + text for url, text in body.items()}})
    survey = await survey_sitemaps(files, [HERE], SitemapLimits(urls_in_total=2_000))
    assert len(survey.urls) <= 2_000
    per_file = [sum(url.startswith(f"https://shop.example/p{number}-") for url in survey.urls) for number in range(10)]
    assert min(per_file) >= 150


def test_a_short_budget_takes_some_of_every_kind() -> None:
    children = [f"https://shop.example/sitemap_products_{number}.xml" for number in range(50)]
    children += ["https://shop.example/sitemap_collections_1.xml", "https://shop.example/sitemap_blogs_1.xml"]
    chosen = order_children(children, 6)
    assert len(chosen) == 6
    assert chosen[0] == "https://shop.example/sitemap_collections_1.xml"
    assert "https://shop.example/sitemap_blogs_1.xml" in chosen
    assert (
        "https://shop.example/sitemap_products_25.xml" in chosen
        or "https://shop.example/sitemap_products_0.xml" in chosen
    )
    assert evenly(list(range(10)), 3) == [0, 3, 6]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("product_cat-sitemap.xml", "category"),
        ("sitemap_products_1.xml", "product"),
        ("post-sitemap2.xml", "article"),
        ("post_tag-sitemap.xml", "minor"),
        ("author-sitemap.xml", "minor"),
        ("page-sitemap.xml", "page"),
        ("docs.xml", "documentation"),
    ],
)
def test_hints(name: str, hint: str) -> None:
    assert sitemap_hint(f"https://shop.example/{name}") == hint
