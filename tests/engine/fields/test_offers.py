"""Fields of pages that show one thing for sale, as shops of several languages make them."""

import pytest

from webintel.engine.classify import classify_page
from webintel.engine.fields import extract_fields
from webintel.engine.fields.one_offer import one_offer
from webintel.engine.model import PageKind
from webintel.engine.page import Page


def fields(body: str, kind: PageKind = "product", url: str = "https://shop.example/lamp") -> dict[str, str | list[str]]:
    page = Page(url, f"<html><head><title>Desk lamp</title></head><body><main>{body}</main></body></html>")
    return {field.name: field.value for field in extract_fields(page, kind)}


OFFER = "<h1>Desk lamp</h1><p class=price>€ 24.90</p>"
BUTTON = "<button>{}</button>"


@pytest.mark.parametrize(
    "label", ["Add to cart", "In den Warenkorb", "Ajouter au panier", "Do koszyka", "カートに入れる", "장바구니 담기"]
)
def test_thing_with_its_own_button_is_in_stock(label: str) -> None:
    assert fields(OFFER + BUTTON.format(label))["availability"] == "InStock"


def test_thing_with_price_and_no_word_of_stock_is_in_stock() -> None:
    assert fields(OFFER)["availability"] == "InStock"


def test_thing_without_price_or_button_has_no_availability() -> None:
    assert "availability" not in fields("<h1>Desk lamp</h1><p>A lamp for desks.</p>")


def test_sold_out_button_outweighs_price() -> None:
    assert fields(OFFER + "<button disabled>Sold out</button>")["availability"] == "OutOfStock"


def test_stated_stock_outweighs_button() -> None:
    found = fields(OFFER + "<p class=stock>Out of stock</p>" + BUTTON.format("Add to cart"))
    assert found["availability"] == "OutOfStock"


@pytest.mark.parametrize(
    "other",
    [
        "<div class=variation-picker><span class=availability>Unavailable</span></div>",
        "<div class=related><p class=stock>Out of stock</p></div>",
        "<p class=stock style='display: none'>Out of stock</p>",
    ],
)
def test_stock_of_other_things_does_not_count(other: str) -> None:
    assert fields(OFFER + other + BUTTON.format("Add to cart"))["availability"] == "InStock"


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("<p>Product code: 83810610</p>", "83810610"),
        ("<div>Artikel-Nr. <span>AB-1200</span></div>", "AB-1200"),
        ("<p>Réf : XX802</p>", "XX802"),
        ("<li><strong>Šifra:</strong> 0638</li>", "0638"),
        ("<table><tr><td>Item No :</td><td>awe299</td></tr></table>", "awe299"),
        ("<p>Артикул: 73556</p>", "73556"),
    ],
)
def test_labelled_article_number(shown: str, number: str) -> None:
    assert fields(OFFER + shown)["sku"] == number


def test_number_in_address_counts_where_the_page_uses_it_too() -> None:
    url = "https://shop.example/p/desk-lamp-418295.html"
    assert fields(OFFER + "<form><input type=hidden name=product_id value=418295></form>", url=url)["sku"] == "418295"
    assert "sku" not in fields(OFFER, url=url)


def test_article_number_of_another_thing_does_not_count() -> None:
    found = fields("<div class=related-items><p>SKU: 777123</p></div>" + OFFER + "<p>SKU: 555</p>")
    assert found["sku"] == "555"


CARDS = "".join(
    f"<div class=card><a href=/thing-{n}>Thing {n}</a> <img src=/{n}.jpg><span class=price>€ {n}.50</span>"
    "<button>Add to cart</button></div>"
    for n in range(10, 22)
)


def test_page_of_cards_is_no_single_offer() -> None:
    page = Page("https://shop.example/lamps", f"<body><main><h1>Lamps</h1><div>{CARDS}</div></main></body>")
    offer = page.remember(one_offer)
    assert not offer.is_sure
    assert not offer.has_price
    assert classify_page(page)[0] != "product"
    assert "price" not in {field.name for field in extract_fields(page, "collection")}


def test_offer_above_cards_of_others_has_a_products_fields_whatever_its_type() -> None:
    body = OFFER + BUTTON.format("Add to cart") + f"<section class=more>{CARDS}</section>"
    found = fields(body, kind="collection")
    assert (found["price"], found["availability"]) == ("24.90", "InStock")


def test_article_that_names_a_price_has_no_price() -> None:
    assert "price" not in fields("<h1>Why lamps cost more</h1><p>€ 24.90</p>" + "<p>Long story.</p>" * 20, "article")
