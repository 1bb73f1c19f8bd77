"""Pages as they are: values spelt otherwise than stated, menus that look like listings, places that mislead."""

import json

import pytest
from lxml import html as lxml_html

from tests.engine.selectors.shop import find
from webintel.engine.model import Selector
from webintel.engine.page import Page
from webintel.engine.selectors import apply_selectors, induce_selectors
from webintel.engine.selectors.values import list_similarity

FOOD = ("oats", "rye", "millet", "spelt", "barley", "wheat", "rice")


def recipe(number: int, *, stated: bool = True, group: bool = False) -> Page:
    """Amounts stand after what they are of, fractions are one character, and some lists have a heading."""
    food, other = FOOD[number % 7], FOOD[(number + 3) % 7]
    data = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": f"Porridge {number}",
        "author": {"@type": "Person", "name": ("Ann Miller", "Bo Larsen")[number % 2]},
        "recipeIngredient": [f"1/2 cup {food} flakes", f"{number} ounces roasted {other}", "1 1/4 litres cold milk"],
        "recipeInstructions": [{"@type": "HowToStep", "text": f"Warm the milk and stir in {food} flakes slowly."}],
    }
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>' if stated else ""
    head = '<li class="ingredient">For the pot</li>' if group else ""
    rows = "".join(
        f'<li class="ingredient"><b>{name}</b> <span>{amount}</span></li>'
        for amount, name in (
            ("\u00bd cup", f"{food} flakes"), (f"{number} ounces", f"roasted {other}"), ("1\u00bc litres", "cold milk"),
        )
    )  # fmt: skip
    return Page(
        f"https://porridge.example/r/{number}",
        f"""<!doctype html><html><head><title>Porridge {number}</title>{script}</head><body>
<ul class="crumbs"><li>Home</li><li>Recipes</li></ul><h1>Porridge {number}</h1><ul>{head}{rows}</ul>
<ol class="method"><li>Warm the milk and stir in {food} flakes slowly.</li></ol></body></html>""",
    )


def induce(pages: list[Page], kind: str, name: str = "page") -> list[Selector]:
    return induce_selectors({name: pages}, {name: kind})


def test_lists_in_another_order_of_words_are_found():
    selectors = induce([recipe(number) for number in range(1, 7)], "article")
    ingredients = find(selectors, "ingredients")
    assert ingredients is not None
    assert "ingredient" in ingredients.css
    values = apply_selectors([ingredients], recipe(40, stated=False))
    assert values["ingredients"] == ["wheat flakes \u00bd cup", "roasted rye 40 ounces", "cold milk 1\u00bc litres"]


def test_a_recipe_is_called_what_its_card_says():
    pages = [
        Page(
            page.url,
            page.html.replace("<h1>", f"<h1>{word} and very warming bowl of </h1><h2>").replace("</h1><ul", "</h2><ul"),
        )
        for page, word in ((recipe(n), ("Quick", "Slow", "Rich")[n % 3]) for n in range(1, 8))
    ]
    title = find(induce(pages[:6], "article"), "title")
    assert title is not None
    assert apply_selectors([title], pages[6])["title"] == "Porridge 7"


def test_a_heading_in_some_lists_spoils_no_selector():
    pages = [recipe(number, group=number % 2 == 0) for number in range(1, 9)]
    ingredients = find(induce(pages, "article"), "ingredients")
    assert ingredients is not None
    assert ingredients.css.endswith(".ingredient")
    assert len(apply_selectors([ingredients], recipe(41, stated=False))["ingredients"]) == 3


def test_fractions_are_the_same_in_one_character_and_in_three():
    assert (
        list_similarity("ingredients", ["\u00bd cup milk", "1\u00bc onions"], ["1/2 cup milk", "1 1/4 onions"]) == 1.0
    )
    assert list_similarity("ingredients", ["\u00bd cup milk"], ["3/4 cup milk"]) < 0.9


def test_lists_shown_twice_are_not_the_list():
    once = ["two cups of flour", "a pinch of salt", "four ripe plums"]
    assert list_similarity("ingredients", once, once) == 1.0
    assert list_similarity("ingredients", once * 2, once) < 0.9


def test_two_pages_suffice_for_a_selector_of_lower_confidence():
    two = find(induce([recipe(1), recipe(2)], "article"), "title")
    many = find(induce([recipe(number) for number in range(1, 9)], "article"), "title")
    assert two is not None
    assert many is not None
    assert two.confidence < many.confidence
    assert apply_selectors([two], recipe(30))["title"] == "Porridge 30"


def test_what_one_page_of_three_states_is_learned_but_not_claimed():
    pages = [recipe(1), recipe(2, stated=False), recipe(3, stated=False)]
    for page in pages[1:]:
        assert "application/ld+json" not in page.html
    author = [
        Page(page.url, page.html.replace("<ol", f'<span itemprop="author">{name}</span><ol'))
        for page, name in zip(pages, ("Bo Larsen", "Ann Miller", "Bo Larsen"), strict=True)
    ]
    found = find(induce(author, "article"), "author")
    assert found is not None
    assert "author" in found.css
    assert apply_selectors([found], author[1])["author"] == "Ann Miller"


def rated(number: int) -> Page:
    """A product rated five of five whose brand is the shop's name, with a button to share its picture."""
    picture = f"https://lamps.example/i/lamp-number-{number}.jpg"
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": f"Desk lamp {number}",
        "image": picture,
        "brand": {"@type": "Brand", "name": "Lamphouse"},
        "aggregateRating": {"@type": "AggregateRating", "ratingValue": "5", "reviewCount": str(number + 20)},
        "offers": {"@type": "Offer", "price": f"{number}.50", "priceCurrency": "EUR"},
    }
    return Page(
        f"https://lamps.example/p/{number}",
        f"""<!doctype html><html><head><title>Desk lamp {number}</title>
<meta property="og:site_name" content="Lamphouse">
<script type="application/ld+json">{json.dumps(data)}</script></head><body><main>
<a class="share-pinterest" href="{picture}">Pin it</a><meta itemprop="bestRating" content="5">
<h1>Desk lamp {number}</h1><div class="gallery"><img src="{picture}"></div>
<p class="cost">{number}.50 EUR</p></main></body></html>""",
    )


def test_no_value_is_read_where_something_else_is_meant():
    selectors = induce([rated(number) for number in range(1, 7)], "product")
    image = find(selectors, "image")
    assert image is not None
    assert (image.attribute, "share" in image.css) == ("src", False)
    for name in ("rating", "brand"):
        one = find(selectors, name)
        assert one is None or not ("bestRating" in one.css or "site_name" in one.css)


def tiles(number: int, *, linked: bool = True) -> Page:
    """A listing of five cards below nine rich tiles that every page has."""
    menu = "".join(
        f'<div class="tile"><a href="/c/{name}"><img src="/i/{name}.jpg"><h3>All kinds of {name} lamps</h3></a></div>'
        for name in ("desk", "floor", "wall", "table", "bed", "bath", "hall", "door", "tree")
    )
    cards = "".join(
        f'<a class="card" href="/p/{key}"><b class="card-title">Lamp {key}</b></a>'
        for key in range(number * 5, number * 5 + 5)
    )
    return Page(
        f"https://lamps.example/c/all?page={number}",
        f'<!doctype html><html><body><div class="tiles">{menu if linked else ""}</div><h1>Lamps</h1>'
        f'<div class="cards">{cards}</div></body></html>',
    )


@pytest.fixture(scope="module")
def cards() -> list[Selector]:
    return [one for one in induce([tiles(number) for number in range(1, 6)], "collection") if one.scope]


def test_tiles_that_every_page_has_are_not_its_items(cards: list[Selector]):
    assert {one.scope for one in cards} == {".card"}
    items = apply_selectors(cards, tiles(9))["items"]
    assert [item["item_url"] for item in items if isinstance(item, dict)] == [
        f"https://lamps.example/p/{key}" for key in range(45, 50)
    ]


def test_an_items_own_attribute_is_read_by_every_library(cards: list[Selector]):
    url = next(one for one in cards if one.field_name == "item_url")
    assert ":scope" not in url.css
    page = tiles(9)
    root = lxml_html.document_fromstring(page.html)
    for item, other in zip(page.tree.css(url.scope or ""), root.cssselect(url.scope), strict=True):
        expected = item.attributes["href"]
        assert [node.attributes["href"] for node in item.css(url.css)] == [expected]
        assert [node.get("href") for node in other.cssselect(url.css)] == [expected]
        assert [node.get("href") for node in other.xpath(url.xpath)] == [expected]


def test_a_card_gives_its_whole_title_and_its_price_alone():
    def shelf(number: int) -> Page:
        cards = "".join(
            f'<li class="card"><a href="/b/{number}-{place}"><img src="/i/{number}-{place}.jpg"></a>'
            f'<h3><a href="/b/{number}-{place}" title="{FOOD[place]} and other grains, volume {number}">'
            f'{FOOD[place]} and ot...</a></h3><div class="box"><p class="cost">\u00a3{number + place}.50</p>'
            "<p>In stock</p><button>Add</button></div></li>"
            for place in range(6)
        )
        return Page(f"https://grain.example/shelf/{number}", f"<h1>Shelf {number}</h1><ul>{cards}</ul>")

    selectors = induce([shelf(number) for number in range(1, 6)], "collection")
    first = apply_selectors(selectors, shelf(9))["items"][0]
    assert first["item_title"] == "oats and other grains, volume 9"
    assert first["item_price"] == "\u00a39.50"
