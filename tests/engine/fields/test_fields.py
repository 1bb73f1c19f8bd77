# ruff: noqa: E501 - markup reads better unbroken
import msgspec
import pytest

from webintel.engine.fields import extract_fields, labels, repeated_items, same_value
from webintel.engine.model import ExtractedField, PageKind
from webintel.engine.page import Page

URL = "https://shop.example/p/1"


def fields(html: str, kind: PageKind, url: str = URL) -> dict[str, ExtractedField]:
    return {field.name: field for field in extract_fields(Page(url, html), kind)}


def values(html: str, kind: PageKind, url: str = URL) -> dict[str, str | list[str]]:
    return {name: field.value for name, field in fields(html, kind, url).items()}


PRODUCT_LD = """<script type="application/ld+json">{"@graph": [{"@type": "ItemList", "itemListElement":
[{"@type": "Product", "name": "Chair", "offers": {"price": 1}}]},
{"@type": "Product", "name": "Oak table", "sku": "T-1", "gtin13": "4006381333931", "brand": {"@type": "Brand", "name": "Acme"},
"image": "/i/table.jpg", "description": "<p>Solid.</p>", "aggregateRating": {"ratingValue": "4.5", "reviewCount": 12},
"offers": {"@type": "AggregateOffer", "lowPrice": "199.00", "priceCurrency": "EUR",
"offers": [{"@type": "Offer", "price": "199.00", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"}]}},
{"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": {"@id": "/", "name": "Home"}},
{"@type": "ListItem", "position": 2, "name": "Tables"}, {"@type": "ListItem", "position": 3, "name": "Oak table"}]}]}</script>"""


def test_a_product_by_what_it_says_about_itself() -> None:
    found = fields(
        f"{PRODUCT_LD}<h1 class=title>Oak table</h1><span class=price>199,00 €</span><span class=sku>T-1</span>",
        "product",
    )
    assert {name: field.value for name, field in found.items()} == {
        "title": "Oak table",
        "price": "199.00",
        "currency": "EUR",
        "availability": "InStock",
        "sku": "T-1",
        "brand": "Acme",
        "rating": "4.5",
        "review_count": "12",
        "gtin": "4006381333931",
        "image": "https://shop.example/i/table.jpg",
        "description": "Solid.",
        "category_path": ["Home", "Tables"],
    }
    assert found["price"].source == "json_ld"
    assert (found["title"].css, found["price"].css, found["sku"].css) == ("h1.title", "span.price", "span.sku")


def test_variants_count_where_the_group_has_no_offer() -> None:
    html = """<script type="application/ld+json">{"@type": "ProductGroup", "name": "Shirt", "hasVariant": [
    {"@type": "Product", "sku": "S-1", "offers": {"price": "20", "priceCurrency": "USD", "availability": "OutOfStock"}}]}</script>"""
    found = values(html, "product")
    assert (found["price"], found["sku"], found["availability"]) == ("20", "S-1", "OutOfStock")


def test_a_product_by_what_it_shows() -> None:
    html = """<div class=breadcrumbs><a href=/>Home</a><a href=/t>Tables</a></div><div class=mini-cart><span class=price>€ 1,00</span></div>
    <h1>Oak table</h1><p><del class=price>249,00 €</del> <ins class=price>1.199,00 €</ins></p><p>Item No.: T-77/b</p>
    <div class=stock>Auf Lager</div><button>In den Warenkorb</button><p>4,5 von 5, 12 Bewertungen</p>
    <div class=related><span class=price>€ 5,00</span></div>"""
    found = values(html, "product")
    assert (found["title"], found["price"], found["currency"]) == ("Oak table", "1199.00", "EUR")
    assert (found["sku"], found["availability"], found["category_path"]) == ("T-77/b", "InStock", ["Home", "Tables"])
    assert (found["rating"], found["review_count"]) == ("4.5", "12")


def test_a_sold_out_button_means_out_of_stock() -> None:
    assert values("<h1>X</h1><button disabled>Sold out</button>", "product")["availability"] == "OutOfStock"


def test_an_article_by_metas_and_bylines() -> None:
    html = (
        "<title>Cold harvest | The Paper</title><meta property=og:title content='Cold harvest'>"
        "<meta property=og:site_name content='The Paper'><body><h1>The Paper</h1><h2 class=title>Cold harvest</h2>"
        "<p class=byline>By Ann Smith | 3 May 2024</p><time datetime=2024-05-03T08:00:00Z>3 May</time><div class=text>"
        + "<p>The year had been good for apples, and it would stay so for a while, said the miller.</p>" * 8
        + "</div><a rel=tag href=/t/1>Apples</a><div class=comments><p>First!</p></div>"
    )
    found = values(html, "article")
    assert (found["title"], found["author"], found["published_at"]) == (
        "Cold harvest",
        "Ann Smith",
        "2024-05-03T08:00:00Z",
    )
    assert found["tags"] == ["Apples"]
    assert str(found["body"]).count("miller") == 8


def test_authors_that_are_only_referred_to() -> None:
    html = """<script type="application/ld+json">{"@graph": [{"@type": "Article", "headline": "H", "author": {"@id": "#ann"},
    "datePublished": "2024-05-03"}, {"@type": "Person", "@id": "#ann", "name": "Ann Smith"}]}</script><h1>H</h1>"""
    found = values(html, "article")
    assert (found["author"], found["published_at"]) == ("Ann Smith", "2024-05-03")


def test_a_recipe_by_what_it_says_about_itself() -> None:
    html = """<script type="application/ld+json">{"@type": "Recipe", "name": "Bread", "author": "Ann",
    "recipeIngredient": ["500 g flour", "1 tsp salt"], "recipeInstructions": [{"@type": "HowToSection", "name": "Dough",
    "itemListElement": [{"@type": "HowToStep", "text": "Mix."}, {"@type": "HowToStep", "text": "Wait."}]}, "<b>Bake.</b>"]}</script>
    <h1>Bread</h1>"""
    found = values(html, "article")
    assert found["ingredients"] == ["500 g flour", "1 tsp salt"]
    assert found["instructions"] == ["Mix.", "Wait.", "Bake."]


@pytest.mark.parametrize(
    "html",
    [
        "<h2>Ingredients</h2><ul><li>500 g flour<li>1 tsp salt</ul><h2>Method</h2><ol><li>Mix it well.<li>Bake it long.</ol>",
        (
            "<div><h3>Zutaten:</h3></div><ul><li>500 g flour<li>1 tsp salt</ul><h3>Zubereitung</h3><div><ol><li>Mix it well."
            "<li>Bake it long.</ol></div>"
        ),
        (
            "<ul class=recipe-ingredients><li>500 g flour<li>1 tsp salt</ul><ol class=recipe-instructions><li>Mix it well."
            "<li>Bake it long.</ol>"
        ),
    ],
)
def test_a_recipe_by_what_it_shows(html: str) -> None:
    found = values(f"<h1>Bread</h1>{html}", "article")
    assert found["ingredients"] == ["500 g flour", "1 tsp salt"]
    assert found["instructions"] == ["Mix it well.", "Bake it long."]


def test_a_thread() -> None:
    html = "<h1>Stove smokes</h1>" + "".join(
        f"<div class=post><a class=username href=/u/{i}>user{i}</a><time datetime=2024-05-0{i}>x</time>"
        f"<div class=post-body>The text of post {i}</div></div>"
        for i in range(1, 5)
    )
    found = values(html, "forum")
    assert (found["title"], found["author"], found["published_at"]) == ("Stove smokes", "user1", "2024-05-01")
    assert found["body"] == "The text of post 1"
    assert found["replies"] == ["The text of post 2", "The text of post 3", "The text of post 4"]


def test_headings_of_a_manual() -> None:
    html = "<nav><h2>Menu</h2></nav><h1>Guide¶</h1><h2>Install ¶</h2><h3>Linux</h3><h2>Use</h2>"
    found = values(html, "documentation")
    assert (found["title"], found["headings"]) == ("Guide", ["Install", "Linux", "Use"])


CARDS = "".join(
    f"<li class='card card-{i}'><a href='/p/{i}'><img data-src='/i/{i}.jpg' src='data:,'></a><h3><a href='/p/{i}'>Thing number {i}</a>"
    f"</h3><span class=old-price>$ {i + 20}.00</span><span class=price>$ {i}.50</span></li>"
    for i in range(1, 13)
)
MENU = "<nav><ul>" + "".join(f"<li><a href=/c/{i}>Category of things {i}</a></li>" for i in range(40)) + "</ul></nav>"


def test_items_of_a_listing() -> None:
    found = fields(f"{MENU}<h1>Things</h1><ul class=grid>{CARDS}</ul>", "collection")
    assert found["item_title"].value == [f"Thing number {i}" for i in range(1, 13)]
    assert found["item_url"].value == [f"https://shop.example/p/{i}" for i in range(1, 13)]
    assert found["item_price"].value == [f"{i}.50" for i in range(1, 13)]
    assert found["item_image"].value == [f"https://shop.example/i/{i}.jpg" for i in range(1, 13)]
    assert found["item_title"].css == "ul.grid"


def test_repeated_items_are_the_cards_and_not_the_menu() -> None:
    page = Page(URL, f"{MENU}<ul class=grid>{CARDS}</ul><footer>{MENU}</footer>")
    group = repeated_items(page)
    assert group is not None
    assert [node.attributes["class"] for node in group.items] == [f"card card-{i}" for i in range(1, 13)]
    assert (group.share_with_price, group.share_with_image, group.container_css(page)) == (1.0, 1.0, "ul.grid")


def test_rows_of_a_grid_are_one_list() -> None:
    rows = "".join(
        "<div class=row>"
        + "".join(f"<div class=col><h2><a href=/p/{r}{c}>Thing {r} and {c}</a></h2></div>" for c in "abc")
        + "</div>"
        for r in range(4)
    )
    group = repeated_items(Page(URL, rows))
    assert group is not None
    assert len(group.items) == 12


def test_nothing_repeats_on_a_plain_page() -> None:
    assert repeated_items(Page(URL, "<h1>A</h1><p>One text.</p><p>Another text.</p>")) is None


def test_labels_are_the_sure_fields_only() -> None:
    page = Page(URL, f"{PRODUCT_LD}<h1>Oak table</h1><p>Reviews: 3.0 out of 5</p>")
    assert {field.name for field in labels(page, "product")} >= {"title", "price", "sku", "availability"}
    bare = Page(URL, "<h1>Oak table</h1><p>3.0 out of 5</p><button>Add to cart</button>")
    assert {field.name for field in labels(bare, "product")} == {"title"}


@pytest.mark.parametrize(
    ("field", "one", "other", "same"),
    [
        ("price", "1.199,00 €", "1199", True),
        ("price", "$12.50", "12.5", True),
        ("price", "12.50", "12.05", False),
        ("price", "free", "free", False),
        ("published_at", "2024-05-03T23:00:00Z", "May 3, 2024", True),
        ("published_at", "2024-05-03", "2024-05-04", False),
        ("availability", "https://schema.org/InStock", "in stock", True),
        ("availability", "InStock", "Sold out", False),
        ("image", "https://a.example/i.jpg?w=2", "https://A.example/i.jpg", True),
        ("title", " Oak  Table", "oak table", True),
        ("title", "Oak", "Oak table", False),
    ],
)
def test_the_same_value_in_two_spellings(field: str, one: str, other: str, *, same: bool) -> None:
    assert same_value(field, one, other) is same


KINDS: tuple[PageKind, ...] = (
    "product",
    "article",
    "forum",
    "documentation",
    "listing",
    "collection",
    "home",
    "service",
)
HOSTILE = {
    "prices": "<span class=price>$1</span>" * 50_000,
    "long price": "<span class=price>$" + "1" * 1_000_000 + "</span>",
    "dates": "<span class=date>12 May 2024 13 May</span>" * 20_000,
    "headings": "<h1>x</h1><h2>ingredients</h2>" * 20_000,
    "nested cards": "<div class=card><a href=/x>text here</a>" * 5_000,
    "bylines": "<p class=byline>By " + "A b " * 100_000 + "</p>",
    "json": '<script type="application/ld+json">'
    + '{"@type":["Product","Recipe","Article"],"offers":[' * 2_000
    + "</script><h1>x</h1>",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_pages_end_with_bounded_values(name: str) -> None:
    for kind in KINDS:
        found = extract_fields(Page(URL, HOSTILE[name]), kind)
        assert len(msgspec.json.encode(found)) < 5_000_000
