"""A shop of our own whose templates vary as real ones do: sales, missing fields, decoys, generated names, redesigns."""

import json
from dataclasses import dataclass, field

from webintel.engine.model import Blueprint, Fingerprint, PageType, Pagination, RenderHints, Selector
from webintel.engine.page import Page

SITE = "https://shop.example"


@dataclass(frozen=True)
class Style:
    """One design of the shop: the names its templates use."""

    title: str = "product-title"
    price_box: str = "price-box"
    price: str = "price"
    sku: str = "sku"
    stock: str = "stock"
    wrapper: str = "summary"
    card: str = "product-card"


OLD = Style()
NEW = Style(
    title="detail-headline",
    price_box="buy-panel",
    price="amount-now",
    sku="article-code",
    stock="delivery-state",
    wrapper="detail",
    card="tile",
)


@dataclass(frozen=True)
class Product:
    number: int
    structured: bool = True
    sale: bool = False
    has_sku: bool = True
    in_stock: bool = True
    style: Style = field(default=OLD)
    generated: bool = False
    broken: bool = False

    @property
    def title(self) -> str:
        return f"{('Oak', 'Walnut', 'Steel', 'Linen')[self.number % 4]} lamp no. {self.number}"

    @property
    def price(self) -> str:
        return f"{20 + self.number * 3}.90"

    @property
    def sku(self) -> str:
        return f"LMP-{4000 + self.number * 7}"

    @property
    def url(self) -> str:
        return f"{SITE}/p/{self.number}"

    def page(self) -> Page:
        return Page(self.url, self.html())

    def html(self) -> str:
        style = self.style
        noise = f"css-{self.number * 7919 % 99991:x}q" if self.generated else style.wrapper
        title = f"css-{self.number * 104729 % 99991:x}z" if self.generated else style.title
        old = f'<del class="{style.price}">${99 + self.number}.00</del>' if self.sale else ""
        sku = f'<p>Item <span class="{style.sku}">{self.sku}</span></p>' if self.has_sku else ""
        stock = "In stock" if self.in_stock else "Sold out"
        related = "".join(
            f'<li class="related-item"><a href="/p/{other}"><img src="/i/lamp-{other:04}.jpg">'
            f'<b class="related-name">Other {other}</b></a><span class="price">${other}.50</span></li>'
            for other in range(self.number + 1, self.number + 4)
        )
        # Unclosed paragraphs and rows are read differently by parsers, and real pages are full of them.
        row_end = "" if self.broken else "</td></tr>"
        open_tag = "<p><div><span>" if self.broken else ""
        return f"""<!doctype html><html lang="en"><head><title>{self.title} | Lamp House</title>{self._json_ld()}</head>
<body><header><a class="logo" href="/">Lamp House</a>
<span class="price">Free delivery from $50.00</span>
<nav class="breadcrumbs"><a href="/">Home</a> <a href="/c/lamps">Lamps</a> <span>{self.title}</span></nav></header>
<main class="{noise}">{open_tag}<h1 class="{title}">{self.title}</h1>
<img class="main-image" src="/i/lamp-{self.number:04}-800x800.jpg" alt="{self.title}">
<div class="{style.price_box}">{old}<ins><span class="{style.price}">${self.price}</span></ins></div>
<p class="{style.stock}">{stock}</p>{sku}
<table class="specs"><tr><th>Weight</th><td>{self.number / 10 + 1:.1f} kg{row_end}
<tr><th>Colour</th><td>{("red", "green", "blue")[self.number % 3]}{row_end}</table></main>
<section class="related"><h2>You may also like</h2><ul>{related}</ul></section>
<footer>Lamp House, 1 Main Street</footer></body></html>"""

    def _json_ld(self) -> str:
        if not self.structured:
            return ""
        state = "InStock" if self.in_stock else "OutOfStock"
        data: dict[str, object] = {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": self.title,
            "image": f"{SITE}/i/lamp-{self.number:04}.jpg",
            "offers": {
                "@type": "Offer",
                "price": self.price,
                "priceCurrency": "USD",
                "availability": f"https://schema.org/{state}",
            },
        }
        if self.has_sku:
            data["sku"] = self.sku
        return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def listing(number: int, style: Style = OLD, size: int = 12) -> Page:
    """One page of a category; every third product is reduced."""
    cards = "".join(_card(product, style) for product in range(number * size + 1, number * size + size + 1))
    menu = "".join(f'<li class="menu-item"><a href="/c/{name}">{name}</a></li>' for name in "abcdefgh")
    return Page(
        f"{SITE}/c/lamps?page={number + 1}",
        f"""<!doctype html><html><head><title>Lamps</title></head><body><nav><ul>{menu}</ul></nav><h1>Lamps</h1>
<ul class="grid">{cards}</ul><footer><ul><li><a href="/a">About</a></li><li><a href="/b">Jobs</a></li>
<li><a href="/d">Press</a></li></ul></footer></body></html>""",
    )


def _card(number: int, style: Style) -> str:
    old = f'<del><span class="amount">${number + 40}.00</span></del> ' if number % 3 == 0 else ""
    now = f'<span class="amount">${number}.25</span>'
    return (
        f'<li class="{style.card}"><a class="picture" href="/p/{number}"><img src="/i/{number}.jpg"></a>'
        f'<h3><a href="/p/{number}">Lamp {number}</a></h3>'
        f'<div class="cost">{old}{f"<ins>{now}</ins>" if old else now}</div><a href="/cart?add={number}">Add</a></li>'
    )


RECIPE_STEPS = (
    "Heat the oven to 200 degrees and butter a tin.",
    "Whisk eggs and sugar until the mixture is pale and thick.",
    "Fold in the flour with a light hand, then pour everything into the tin.",
    "Bake until a needle comes out clean, and let it cool.",
)


def recipe(number: int) -> Page:
    """A recipe whose author, ingredients and steps stand in the page and in its JSON-LD."""
    ingredients = [
        f"{number + 1} eggs",
        f"{100 + number} g sugar",
        f"{200 + number} g flour",
        f"{number} pinch of salt",
    ]
    steps = [f"{step} ({number})" for step in RECIPE_STEPS[: 3 + number % 2]]
    author = ("Ann Miller", "Bo Larsen", "Chris Okafor")[number % 3]
    data = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": f"Cake {number}",
        "author": {"@type": "Person", "name": author},
        "recipeIngredient": ingredients,
        "recipeInstructions": [{"@type": "HowToStep", "text": step} for step in steps],
    }
    amounts = "".join(
        f'<li class="ingredient"><b>{text.split(" ", 1)[0]}</b> <span>{text.split(" ", 1)[1]}</span></li>'
        for text in ingredients
    )
    listed = "".join(f"<li>{step}</li>" for step in steps)
    return Page(
        f"https://food.example/r/{number}",
        f"""<!doctype html><html><head><title>Cake {number} - Food</title>
<script type="application/ld+json">{json.dumps(data)}</script></head><body>
<ul class="menu"><li><a href="/">Home</a></li></ul>
<article><h1>Cake {number}</h1><p class="byline">By <a class="author-link" href="/a/{number % 3}">{author}</a></p>
<ul class="ingredients">{amounts}</ul><ol class="method">{listed}</ol></article>
<section class="comments"><ol><li>Lovely!</li><li>Too sweet.</li></ol></section></body></html>""",
    )


def find(selectors: list[Selector], field_name: str, page_type: str | None = None) -> Selector | None:
    """The selector of a field, if there is one."""
    return next(
        (one for one in selectors if one.field_name == field_name and page_type in (None, one.page_type)),
        None,
    )


def blueprint(selectors: list[Selector]) -> Blueprint:
    """A blueprint of the shop around some selectors."""
    return Blueprint(
        domain="shop.example",
        start_url=f"{SITE}/",
        discovery_method="static",
        confidence_score=0.8,
        fingerprint=Fingerprint(
            platform=None,
            requires_js=False,
            requires_js_confidence=0.9,
            requires_js_reasons=[],
            technologies=[],
            complexity_score=0.1,
            complexity_reasons=[],
        ),
        categories=[],
        page_types=[
            PageType(
                name=name,
                kind=kind,
                url_pattern=pattern,
                example_urls=[],
                page_count=10,
                confidence=0.9,
            )
            for name, kind, pattern in (
                ("detail", "product", r"https://shop\.example/p/\d+"),
                ("listing", "collection", r"https://shop\.example/c/[a-z]+(\?page=\d+)?"),
            )
        ],
        selectors=selectors,
        endpoints=[],
        pagination=Pagination(kind="none", url_pattern=None, next_selector=None),
        filters=[],
        render_hints=RenderHints(requires_js=False, wait_for_selector=None, infinite_scroll=False, timeout_seconds=30),
    )
