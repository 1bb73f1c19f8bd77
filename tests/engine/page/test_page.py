import pytest

from webintel.engine.fetch import Response
from webintel.engine.page import Page

URL = "https://shop.example/a/b.html"


def region_of(html: str) -> str:
    page = Page(URL, html)
    return next(link.region for link in page.links if link.text == "x")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("<p>žluťoučký".encode(), None, "žluťoučký"),
        ("<p>žluťoučký".encode("utf-16"), "text/html; charset=iso-8859-2", "žluťoučký"),
        (b"\xef\xbb\xbf<p>\xc3\xa9", "text/html; charset=latin1", "é"),
        ("<p>žluťoučký".encode("iso-8859-2"), 'text/html; charset="ISO-8859-2"', "žluťoučký"),
        ('<meta charset="windows-1251"><p>Привет'.encode("cp1251"), None, "Привет"),
        ('<?xml version="1.0" encoding="euc-jp"?><html><p>日本'.encode("euc-jp"), None, "日本"),
        ("<p>naïve café".encode("cp1252"), None, "naïve café"),
        ("<p>“quoted”".encode("cp1252"), "text/html; charset=iso-8859-1", "“quoted”"),
        ("<meta charset=utf-16><p>é".encode(), None, "é"),
        ("<p>é".encode(), "text/html; charset=no-such-thing", "é"),
        ("<p>é".encode(), "text/html; charset=base64", "é"),
    ],
)
def test_the_charset_is_found(body: bytes, content_type: str | None, expected: str) -> None:
    assert Page.from_bytes(URL, body, content_type).text == expected


def test_one_bad_byte_does_not_change_the_charset() -> None:
    body = "<p>Größe über alles".encode() + b"\xff" + b"<p>" + b"x" * 100
    assert "Größe" in Page.from_bytes(URL, body, "text/html; charset=utf-8").text


def test_a_response_becomes_a_page_with_its_final_address_and_charset() -> None:
    response = Response(
        requested_url="https://shop.example/old",
        url=URL,
        status=200,
        headers=(("content-type", "text/html; charset=windows-1251"),),
        body="<title>Привет</title>".encode("cp1251"),
        redirects=(),
        elapsed_seconds=0.1,
    )
    page = Page.from_response(response)
    assert (page.url, page.status, page.title) == (URL, 200, "Привет")


def test_metas_title_language_and_canonical() -> None:
    page = Page(
        URL,
        """<html lang="de-AT"><head><title> A
        title </title><meta name="Description" content=" d "><meta property="og:title" content="one">
        <meta property="og:title" content="two"><link rel="shortlink canonical" href="/a/"></head>
        <svg><title>drawing</title></svg>""",
    )
    assert page.title == "A title"
    assert page.language == "de-at"
    assert page.meta["description"] == ["d"]
    assert page.meta["og:title"] == ["one", "two"]
    assert page.canonical_url == "https://shop.example/a/"


def test_links_are_absolute_by_the_base_and_leave_the_page() -> None:
    page = Page(
        URL,
        """<base href="/shop/"><a href="x.html?utm_source=mail">One</a><a href="#top">Top</a>
        <a href="mailto:a@b.example">Mail</a><a href="javascript:void(0)">No</a><a href="//other.example/y">Two</a>
        <a href="/plain"><img alt="Three"></a><a href="/label" aria-label="Four"></a>
        <template><a href="/t">T</a></template>""",
    )
    assert [(link.url, link.text) for link in page.links] == [
        ("https://shop.example/shop/x.html", "One"),
        ("https://other.example/y", "Two"),
        ("https://shop.example/plain", "Three"),
        ("https://shop.example/label", "Four"),
    ]
    assert page.links[0].href == "x.html?utm_source=mail"


@pytest.mark.parametrize(
    ("html", "region"),
    [
        ("<a href=/x>x</a>", "main"),
        ("<header><a href=/x>x</a></header>", "header"),
        ("<header><nav><a href=/x>x</a></nav></header>", "nav"),
        ("<div class='site-footer'><ul class=menu><li><a href=/x>x</a></ul></div>", "footer"),
        ("<div role=navigation><a href=/x>x</a></div>", "nav"),
        ("<main><article><header><a href=/x>x</a></header></article></main>", "main"),
        ("<main><nav class=pagination><a href=/x>x</a></nav></main>", "main"),
        ("<nav aria-label='Breadcrumbs'><a href=/x>x</a></nav>", "breadcrumb"),
        ("<ol itemtype='https://schema.org/BreadcrumbList'><li><a href=/x>x</a></ol>", "breadcrumb"),
        ("<div class=sidebar><a href=/x>x</a></div>", "aside"),
        ("<body class='has-sidebar nav-open'><div><a href=/x>x</a></div>", "main"),
    ],
)
def test_links_know_their_region(html: str, region: str) -> None:
    assert region_of(html) == region


def test_visible_text_has_a_line_a_block_and_nothing_hidden() -> None:
    page = Page(
        URL,
        "<h1>A <b>b</b>c</h1><script>no()</script><style>no{}</style><noscript>no</noscript><!-- no -->"
        "<p>one<br>two</p><svg><text>no</text></svg><ul><li>x<li>y</ul><template>no</template>tail",
    )
    assert page.text.split("\n") == ["A bc", "one", "two", "x", "y", "tail"]


def test_text_for_visitors_without_scripts_counts_where_there_is_no_other() -> None:
    plain = "<p>The whole thread, for readers without scripts.</p>" * 20
    assert Page(URL, f"<div id=app></div><noscript>{plain}</noscript>").text.count("thread") == 20
    assert "thread" not in Page(URL, f"{'<p>Shown.</p>' * 100}<noscript>{plain}</noscript>").text


def test_the_lxml_tree_has_the_structure_of_the_page() -> None:
    page = Page(URL, "<table><tr><td>a\x00<td>b</table><p>x<p>y")
    assert [cell.text for cell in page.lxml_root.xpath("//tbody/tr/td")] == ["a", "b"]
    assert len(page.lxml_root.xpath("//body/p")) == 2


def test_a_function_is_asked_once_a_page() -> None:
    asked: list[str] = []

    def count(page: Page) -> int:
        asked.append(page.url)
        return len(asked)

    page = Page(URL, "")
    assert [page.remember(count), page.remember(count)] == [1, 1]


HOSTILE = {
    "empty": "",
    "nested": "<div>" * 100_000 + "<a href=/deep>deep</a>",
    "nested and closed": "<div>" * 50_000 + "x" + "</div>" * 50_000,
    "attributes": "<a " + " ".join(f"a{i}=1" for i in range(60_000)) + " href=/x>x</a><p>end",
    "quoted attributes": "<a " + " ".join(f'a{i}=">"' for i in range(30_000)) + ">x</a><p>end",
    "options": "<select>" + "<option>x" * 50_000,
    "open formatting": "".join(f"<p><b id=b{i}>x" for i in range(30_000)),
    "open formatting first": "<b><i><u>" * 50 + "<p>x" * 200_000,
    "long text": "x" * 10_000_000,
    "open tags": "<" * 500_000,
    "open quote": '<a x="' * 100_000,
    "open comments": "<!--" * 100_000,
    "open scripts": "<script>" * 100_000,
    "many paragraphs": "<p>x" * 1_000_000,
    "control characters": "<p>\x00\x01\ud800\ufffe</p>" * 100,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_pages_end_small(name: str) -> None:
    page = Page(URL, HOSTILE[name])
    nodes = sum(1 for _ in page.tree.root.traverse()) if page.tree.root is not None else 0
    assert nodes <= 2_000_000
    assert len(page.text) <= 2_100_000 or name == "long text"
    assert len(page.links) <= 20_000
    assert page.meta == {}
    assert page.structured.items == []


def test_cutting_keeps_what_is_around() -> None:
    page = Page(URL, "<p>before</p>" + HOSTILE["attributes"] + "<div>" * 30_000 + "<p>after")
    assert page.text.split("\n")[0] == "before"
    assert page.text.split("\n")[-1] == "after"


def test_a_large_honest_page_is_left_alone() -> None:
    html = (
        "<ul>" + "".join(f"<li class='c{i}'><a href='/p/{i}'>Item <b>{i}</b></a></li>" for i in range(6_000)) + "</ul>"
    )
    page = Page(URL, html)
    assert len(page.links) == 6_000
    assert page.links[-1].text == "Item 5999"
