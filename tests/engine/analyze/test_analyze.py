# ruff: noqa: E501 - markup reads better unbroken
import msgspec
import pytest

from webintel.engine.analyze import analyze_page
from webintel.engine.page import Page

URL = "https://shop.example/collections/tables?page=2"
HTML = (
    """<html lang=en><head><title>Tables - Shop</title><meta property=og:type content=website>
    <script type="application/ld+json">{"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "name": "Home"}]}</script>
    </head><body><h1>Tables</h1><ul class=product-grid>"""
    + "".join(
        f"<li class=product-card><a href=/products/{i}><h3>Table number {i}</h3></a><span class=price>€ {i}.00</span>"
        "<button>Add to cart</button></li>"
        for i in range(1, 25)
    )
    + "</ul><a rel=next href='?page=3'>Next</a></body></html>"
)


def test_an_analysis_has_all_parts() -> None:
    result = analyze_page(Page(URL, HTML))
    assert (result.url, result.title, result.language) == (URL, "Tables - Shop", "en")
    assert result.page_type == "collection"
    assert result.next_page == "https://shop.example/collections/tables?page=3"
    assert result.requires_js is False
    assert [item["@source"] for item in result.structured_data] == ["json_ld", "open_graph"]
    assert result.structured_data[1]["og:type"] == ["website"]
    assert {field.name for field in result.fields} >= {"title", "item_title", "item_url", "item_price"}


def test_the_same_bytes_give_the_same_analysis() -> None:
    encode = msgspec.json.Encoder(order="deterministic").encode
    assert encode(analyze_page(Page(URL, HTML))) == encode(analyze_page(Page(URL, HTML)))


@pytest.mark.parametrize("html", ["", "<", "\x00", "<html>", "plain text", "<frameset><frame src=x>", "{}", "<!-- "])
def test_broken_pages_are_analysed_all_the_same(html: str) -> None:
    result = analyze_page(Page("https://shop.example/", html))
    assert 0 <= result.page_type_confidence <= 1
    assert result.next_page is None
