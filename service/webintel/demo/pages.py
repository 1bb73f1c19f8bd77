"""The demo shop's HTML."""
# ruff: noqa: E501 - markup reads better unbroken

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote_plus, urlencode

from webintel.demo.catalog import (
    BRANDS,
    COLOURS,
    DEPARTMENTS,
    POSTS,
    PRODUCTS,
    Department,
    Group,
    Post,
    Product,
)

NAME = "Tidewrack Supply"
SORTS = {"featured": "Featured", "price-asc": "Price, low to high", "price-desc": "Price, high to low"}
Crumb = tuple[str, str]
HOME: Crumb = ("Home", "/")


def layout(title: str, main: str, *, crumbs: Sequence[Crumb] = (), head: str = "", description: str = "") -> bytes:
    """Put a page's own part between the header and the footer that all pages share."""
    menu = "".join(
        f'<li class="menu__item"><a href="{department.path}">{escape(department.name)}</a><ul class="menu__groups">'
        + "".join(f'<li><a href="{group.path}">{escape(group.name)}</a></li>' for group in department.groups)
        + "</ul></li>"
        for department in DEPARTMENTS
    )
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} | {NAME}</title>
<meta name="description" content="{escape(description or title)}">
<link rel="stylesheet" href="/assets/shop.css">
<link rel="alternate" type="application/rss+xml" title="Journal" href="/journal/feed.xml">
{head}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="site-header">
<a class="site-header__logo" href="/">{NAME}</a>
<nav class="menu" aria-label="Main"><ul class="menu__list">{menu}</ul></nav>
<form class="search" action="/search" role="search"><input type="search" name="q" aria-label="Search"><button>Go</button></form>
<ul class="site-header__tools"><li><a href="/account/login">Sign in</a></li><li><a href="/cart">Cart (0)</a></li></ul>
</header>
{_breadcrumbs(crumbs)}
<main id="main">
{main}
</main>
<footer class="site-footer">
<ul><li><a href="/about">About us</a></li><li><a href="/contact">Contact</a></li><li><a href="/delivery">Delivery</a></li>
<li><a href="/journal">Journal</a></li><li><a href="/lookbook">Lookbook</a></li></ul>
<p>Tidewrack Supply is a demonstration. Nothing here is for sale.</p>
</footer>
</body>
</html>
"""
    return html.encode()


def _breadcrumbs(crumbs: Sequence[Crumb]) -> str:
    if not crumbs:
        return ""
    links = "".join(f'<li><a href="{path}">{escape(name)}</a></li>' for name, path in crumbs[:-1])
    return (
        '<nav class="breadcrumbs" aria-label="Breadcrumb"><ol>'
        f'{links}<li aria-current="page">{escape(crumbs[-1][0])}</li></ol></nav>'
    )


def _price(product: Product) -> str:
    if product.on_sale:
        return (
            f'<p class="price price--sale"><del class="price__was">£{product.list_price}</del> '
            f'<ins class="price__now">£{product.price}</ins></p>'
        )
    return f'<p class="price"><span class="price__now">£{product.price}</span></p>'


def _card(product: Product) -> str:
    return (
        f'<li class="product-card" data-sku="{product.sku}"><a class="product-card__link" href="{product.path}">'
        f'<img class="product-card__image" src="{product.image}" alt="" width="300" height="300" loading="lazy">'
        f'<h3 class="product-card__name">{escape(product.name)}</h3></a>{_price(product)}'
        f'<p class="product-card__rating">{product.rating} of 5</p></li>'
    )


def _grid(products: Iterable[Product]) -> str:
    return f'<ul class="product-grid">{"".join(map(_card, products))}</ul>'


def home() -> bytes:
    """The front page."""
    teasers = "".join(
        f'<li class="teaser"><a href="{department.path}"><h2>{escape(department.name)}</h2></a>'
        f"<p>{escape(department.blurb)}</p></li>"
        for department in DEPARTMENTS
    )
    main = f"""<h1>Plain things, well made</h1>
<ul class="teasers">{teasers}</ul>
<section class="featured"><h2>On our table this week</h2>{_grid(PRODUCTS[4:300:40])}</section>
<section class="latest"><h2>From the journal</h2><ul>{"".join(map(_post_link, POSTS[:3]))}</ul></section>"""
    organisation = {"@context": "https://schema.org", "@type": "Store", "name": NAME, "currenciesAccepted": "GBP"}
    return layout(
        "Plain things, well made", main, head=_json_ld(organisation), description="A small shop of plain things."
    )


@dataclass(frozen=True)
class Results:
    """One page of what a category holds under the facets and the order chosen."""

    products: Sequence[Product]
    total: int
    page: int
    pages: int
    chosen: Mapping[str, str]


def listing(place: Department | Group, results: Results) -> bytes:
    """One page of a category."""
    chosen, page = results.chosen, results.page
    department = place if isinstance(place, Department) else place.department
    crumbs = [HOME, (department.name, department.path)]
    if isinstance(place, Group):
        crumbs.append((place.name, place.path))
    groups = "".join(f'<li><a href="{group.path}">{escape(group.name)}</a></li>' for group in department.groups)
    main = f"""<h1 class="listing__title">{escape(place.name)}</h1>
<p class="listing__blurb">{escape(department.blurb)}</p>
<div class="listing">
<aside class="filters" aria-label="Filters"><h2>Within {escape(department.name)}</h2><ul class="filters__groups">{groups}</ul>
{_facet(place.path, "brand", "Brand", BRANDS, chosen)}{_facet(place.path, "colour", "Colour", COLOURS, chosen)}
<form action="{place.path}" class="sort"><label>Sort by <select name="sort">{_sort_options(chosen)}</select></label>
<label><input type="checkbox" name="in_stock" value="1"> In stock only</label><button>Apply</button></form></aside>
<section class="results"><p class="results__count">{results.total} products</p>{_grid(results.products)}{_pager(place.path, results)}</section>
</div>"""
    api = "/api/products.json?" + urlencode({"category": place.path.removeprefix("/c/"), "page": page})
    head = f'<link rel="alternate" type="application/json" href="{escape(api)}">'
    return layout(f"{place.name}{f', page {page}' if page > 1 else ''}", main, crumbs=crumbs, head=head)


def _facet(path: str, param: str, label: str, values: Sequence[str], chosen: Mapping[str, str]) -> str:
    links = "".join(
        f'<li><a rel="nofollow" href="{escape(path + "?" + urlencode({**chosen, param: value}))}">{escape(value)}</a></li>'
        for value in values
    )
    return f'<details class="facet" open><summary>{label}</summary><ul class="facet__values">{links}</ul></details>'


def _sort_options(chosen: Mapping[str, str]) -> str:
    return "".join(
        f'<option value="{value}"{" selected" if chosen.get("sort") == value else ""}>{label}</option>'
        for value, label in SORTS.items()
    )


def _pager(path: str, results: Results) -> str:
    page, pages = results.page, results.pages
    if pages <= 1:
        return ""

    def link(number: int, text: str, extra: str = "") -> str:
        query = {**results.chosen, "page": str(number)} if number > 1 else dict(results.chosen)
        target = escape(path + ("?" + urlencode(query) if query else ""))
        return f'<li><a{extra} href="{target}">{text}</a></li>'

    items = [link(page - 1, "Previous", ' rel="prev" class="pager__prev"')] if page > 1 else []
    items += [
        f'<li><span aria-current="page">{number}</span></li>' if number == page else link(number, str(number))
        for number in range(1, pages + 1)
    ]
    if page < pages:
        items.append(link(page + 1, "Next", ' rel="next" class="pager__next"'))
    return f'<nav class="pager" aria-label="Pages"><ul>{"".join(items)}</ul></nav>'


def product(item: Product) -> bytes:
    """One product."""
    group = item.group
    crumbs = [HOME, (group.department.name, group.department.path), (group.name, group.path), (item.name, item.path)]
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in item.specifications)
    related = [PRODUCTS[(item.number - 1 + step) % len(PRODUCTS)] for step in (1, 2, 3, 4)]
    stock = "In stock" if item.in_stock else "Out of stock"
    main = f"""<article class="product" data-product-id="{item.number}">
<div class="product__gallery"><img class="product__image" src="{item.image}" alt="{escape(item.name)}" width="800" height="800"></div>
<div class="product__info"><h1 class="product__title">{escape(item.name)}</h1>
<p class="product__brand">by <a href="/search?q={quote_plus(item.brand)}">{escape(item.brand)}</a></p>
<div class="product__price">{_price(item)}</div>
<p class="product__stock product__stock--{"in" if item.in_stock else "out"}">{stock}</p>
<p class="product__sku">SKU: <span class="product__sku-value">{item.sku}</span></p>
<p class="product__rating"><span class="product__stars">{item.rating}</span> of 5 from <a href="#reviews">{item.review_count} reviews</a></p>
<form class="product__buy" method="post" action="/cart"><input type="hidden" name="sku" value="{item.sku}">
<button{"" if item.in_stock else " disabled"}>Add to cart</button></form>
<div class="product__description"><h2>Description</h2><p>{escape(item.description)}</p></div>
<table class="product__specifications"><caption>Specifications</caption><tbody>{rows}</tbody></table></div>
</article>
<section class="related"><h2>Stands well beside</h2>{_grid(related)}</section>"""
    head = _json_ld(_product_data(item)) if item.has_json_ld else ""
    return layout(item.name, main, crumbs=crumbs, head=head, description=item.description)


def _product_data(item: Product) -> dict[str, object]:
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": item.name,
        "sku": item.sku,
        "image": item.image,
        "description": item.description,
        "brand": {"@type": "Brand", "name": item.brand},
        "offers": {
            "@type": "Offer",
            "price": item.price,
            "priceCurrency": "GBP",
            "availability": f"https://schema.org/{'InStock' if item.in_stock else 'OutOfStock'}",
        },
        "aggregateRating": {"@type": "AggregateRating", "ratingValue": item.rating, "reviewCount": item.review_count},
    }


def _json_ld(data: Mapping[str, object]) -> str:
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def _post_link(post: Post) -> str:
    return (
        f'<li class="post-teaser"><a href="{post.path}">{escape(post.title)}</a> <time datetime="{post.date}">{post.date}</time>'
        f"<p>{escape(post.paragraphs[0])}</p></li>"
    )


def journal() -> bytes:
    """The list of posts."""
    main = f'<h1>Journal</h1><ul class="posts">{"".join(map(_post_link, POSTS))}</ul>'
    return layout("Journal", main, crumbs=[HOME, ("Journal", "/journal")])


def post(entry: Post) -> bytes:
    """One post."""
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in entry.paragraphs)
    main = f"""<article class="post"><header><h1 class="post__title">{escape(entry.title)}</h1>
<p class="post__byline">By <span class="post__author">{entry.author}</span>, <time class="post__date" datetime="{entry.date}">{entry.date}</time></p>
</header><div class="post__body">{body}</div></article>"""
    crumbs = [HOME, ("Journal", "/journal"), (entry.title, entry.path)]
    return layout(entry.title, main, crumbs=crumbs, head='<meta property="og:type" content="article">')


def lookbook() -> bytes:
    """A page whose content only a browser gets to see."""
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lookbook | {NAME}</title><script type="module" src="/assets/lookbook.js"></script></head>
<body><div id="root"></div><noscript>You need to enable JavaScript to run this app.</noscript></body></html>
"""
    return html.encode()


def plain(title: str, *paragraphs: str) -> bytes:
    """A page of a few sentences."""
    main = f"<h1>{escape(title)}</h1>" + "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return layout(title, main, crumbs=[HOME, (title, "/" + title.lower())])


def login() -> bytes:
    """The door to the account."""
    main = """<h1>Sign in</h1><form class="login" method="post" action="/account/login">
<label>Email <input type="email" name="email" autocomplete="username"></label>
<label>Password <input type="password" name="password" autocomplete="current-password"></label>
<button>Sign in</button></form><p><a href="/account/reset">Forgotten your password?</a></p>"""
    return layout("Sign in", main)


def search(query: str, products: Sequence[Product]) -> bytes:
    """What the search finds."""
    main = f'<h1>Results for “{escape(query)}”</h1><p class="results__count">{len(products)} products</p>{_grid(products[:24])}'
    return layout("Search", main, head='<meta name="robots" content="noindex">')


def not_found() -> bytes:
    """No such page."""
    return layout("Not found", "<h1>We looked everywhere</h1><p>There is no such page.</p>")
