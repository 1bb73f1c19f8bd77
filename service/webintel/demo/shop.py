"""The demo shop: which path shows what."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from webintel.demo import pages
from webintel.demo.catalog import (
    BRANDS,
    COLOURS,
    DEPARTMENTS,
    GROUPS,
    POST_BY_PATH,
    POSTS,
    PRODUCT_BY_PATH,
    PRODUCTS,
    Department,
    Group,
    Product,
)
from webintel.demo.server import Reply, Request

DOMAIN = "demo-shop.example"
LOOPBACK = "127.0.0.0/8"
"""The network that a visit must be allowed to enter."""
PAGE_SIZE = 12
PLACES: dict[str, Department | Group] = {
    **{department.path: department for department in DEPARTMENTS},
    **{group.path: group for group in GROUPS},
}
_FACETS = {"brand": BRANDS, "colour": COLOURS}
_LOOKBOOK_SCRIPT = b"""const root = document.getElementById("root");
fetch("/api/products.json?category=kitchen&page=1").then((reply) => reply.json()).then((data) => {
  root.innerHTML = data.products.map((product) => `<h2>${product.name}</h2>`).join("");
});
"""
_STYLES = b"body { font-family: sans-serif } .product-grid { display: grid; grid-template-columns: repeat(4, 1fr) }"


def demo_shop(request: Request) -> Reply:
    """Answer one request to the shop."""
    path = request.path.rstrip("/") or "/"
    if path != request.path:
        return Reply(status=301, headers={"Location": path})
    if path in PLACES:
        return _listing(PLACES[path], request.query)
    if path in PRODUCT_BY_PATH:
        return Reply(pages.product(PRODUCT_BY_PATH[path]))
    if path in POST_BY_PATH:
        return Reply(pages.post(POST_BY_PATH[path]))
    if path.startswith("/media/"):
        return Reply(b'<svg xmlns="http://www.w3.org/2000/svg"/>', content_type="image/svg+xml")
    handler = _ROUTES.get(path)
    return handler(request) if handler else Reply(pages.not_found(), status=404)


def _found(place: Department | Group, query: Mapping[str, str]) -> list[Product]:
    found = [product for product in PRODUCTS if place in (product.group, product.group.department)]
    if query.get("brand"):
        found = [product for product in found if product.brand == query["brand"]]
    if query.get("colour"):
        found = [product for product in found if product.colour == query["colour"]]
    if query.get("in_stock"):
        found = [product for product in found if product.in_stock]
    if query.get("sort", "").startswith("price-"):
        found.sort(key=lambda product: (product.price_cents, product.number), reverse=query["sort"] == "price-desc")
    return found


def _page_number(query: Mapping[str, str]) -> int:
    number = query.get("page", "1")
    return int(number) if number.isdecimal() and len(number) < 6 else 0


def _listing(place: Department | Group, query: Mapping[str, str]) -> Reply:
    found = _found(place, query)
    page, count = _page_number(query), max(1, -(-len(found) // PAGE_SIZE))
    if not 1 <= page <= count:
        return Reply(pages.not_found(), status=404)
    chosen = {name: query[name] for name in (*_FACETS, "in_stock", "sort") if query.get(name)}
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return Reply(pages.listing(place, pages.Results(shown, len(found), page, count, chosen)))


def _api(request: Request) -> Reply:
    place = PLACES.get("/c/" + request.query.get("category", ""))
    page = _page_number(request.query)
    if place is None or page < 1:
        return Reply(b'{"error": "unknown category or page"}', status=400, content_type="application/json")
    found = _found(place, request.query)
    data = {
        "category": place.name,
        "total": len(found),
        "page": page,
        "products": [
            {
                "sku": product.sku,
                "name": product.name,
                "url": product.path,
                "price": product.price,
                "currency": "GBP",
                "in_stock": product.in_stock,
            }
            for product in found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        ],
    }
    return Reply(json.dumps(data).encode(), content_type="application/json")


def _search(request: Request) -> Reply:
    wanted = request.query.get("q", "").lower()
    found = [product for product in PRODUCTS if wanted and wanted in f"{product.name} {product.brand}".lower()]
    return Reply(pages.search(request.query.get("q", ""), found))


def _robots(request: Request) -> Reply:
    lines = (
        "User-agent: *",
        "Disallow: /cart",
        "Disallow: /account/",
        "Disallow: /search",
        "Disallow: /*sort=",
        "",
        f"Sitemap: http://{request.host}/sitemap.xml",
        "",
    )
    return Reply("\n".join(lines).encode(), content_type="text/plain; charset=utf-8")


def _sitemap_index(request: Request) -> Reply:
    parts = "".join(
        f"<sitemap><loc>http://{request.host}/sitemaps/{name}</loc></sitemap>"
        for name in ("pages.xml", "products.xml.gz")
    )
    return Reply(
        _xml(f'<sitemapindex xmlns="{_SITEMAP_NAMESPACE}">{parts}</sitemapindex>'), content_type="application/xml"
    )


def _sitemap_pages(request: Request) -> Reply:
    paths = ("/", *PLACES, "/journal", *POST_BY_PATH, "/about", "/contact", "/delivery", "/lookbook")
    return Reply(_url_set(request.host, paths), content_type="application/xml")


def _sitemap_products(request: Request) -> Reply:
    # Without a time in its header, so that the bytes are the same every time.
    body = gzip.compress(_url_set(request.host, tuple(PRODUCT_BY_PATH)), mtime=0)
    return Reply(body, content_type="application/gzip")


_SITEMAP_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def _url_set(host: str, paths: Sequence[str]) -> bytes:
    urls = "".join(f"<url><loc>http://{host}{escape(path)}</loc></url>" for path in paths)
    return _xml(f'<urlset xmlns="{_SITEMAP_NAMESPACE}">{urls}</urlset>')


def _xml(body: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _feed(request: Request) -> Reply:
    items = "".join(
        f"<item><title>{escape(post.title)}</title><link>http://{request.host}{post.path}</link>"
        f"<pubDate>{format_datetime(datetime.fromisoformat(post.date).replace(tzinfo=UTC))}</pubDate>"
        f"<description>{escape(post.paragraphs[0])}</description></item>"
        for post in POSTS
    )
    channel = f"<title>Journal</title><link>http://{request.host}/journal</link><description>News</description>{items}"
    return Reply(_xml(f'<rss version="2.0"><channel>{channel}</channel></rss>'), content_type="application/rss+xml")


def _still(body: bytes, content_type: str = "text/html; charset=utf-8") -> Callable[[Request], Reply]:
    return lambda _request: Reply(body, content_type=content_type)


_ROUTES: dict[str, Callable[[Request], Reply]] = {
    "/": _still(pages.home()),
    "/journal": _still(pages.journal()),
    "/journal/feed.xml": _feed,
    "/lookbook": _still(pages.lookbook()),
    "/assets/lookbook.js": _still(_LOOKBOOK_SCRIPT, "text/javascript"),
    "/assets/shop.css": _still(_STYLES, "text/css"),
    "/about": _still(
        pages.plain(
            "About",
            "We began with a barrow, a kettle and forty mugs nobody else would stock.",
            "There are nine of us now. The kettle is the same one.",
        )
    ),
    "/contact": _still(pages.plain("Contact", "Write to hello@demo-shop.example or call in on a weekday.")),
    "/delivery": _still(pages.plain("Delivery", "Parcels leave on Tuesdays and Fridays. Heavy things come by van.")),
    "/account/login": _still(pages.login()),
    "/cart": _still(pages.plain("Cart", "Your cart is empty.")),
    "/search": _search,
    "/api/products.json": _api,
    "/robots.txt": _robots,
    "/sitemap.xml": _sitemap_index,
    "/sitemaps/pages.xml": _sitemap_pages,
    "/sitemaps/products.xml.gz": _sitemap_products,
}
