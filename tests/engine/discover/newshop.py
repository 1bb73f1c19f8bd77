"""A shop of the Shopify kind: its sitemaps lack a fifth of the products, its links a third of the collections."""

from urllib.parse import parse_qs, urlsplit

from tests.engine.discover.serving import Answer

COLLECTIONS = 24
PRODUCTS = 120
PER_PAGE = 12


class NewShop:
    home = "http://newshop.test/"

    def __init__(self) -> None:
        names = ("hats", "bags", "coats", "socks", "rugs", "lamps", "pans", "mugs", "desks", "beds", "toys", "soaps")
        self.collections = [f"{names[number % 12]}{'-for-kids' * (number // 12)}" for number in range(COLLECTIONS)]
        self.products = [f"fine-thing-{number}" for number in range(PRODUCTS)]
        self.linked = self.collections[: COLLECTIONS * 2 // 3]
        self.mapped = self.collections[COLLECTIONS // 2 :]

    def __call__(self, target: str) -> Answer:
        parts = urlsplit(target)
        if parts.path == "/robots.txt":
            return 200, "text/plain", f"User-agent: *\nDisallow: /cart\nSitemap: {self.home}sitemap.xml\n"
        if parts.path.startswith("/sitemap"):
            return 200, "application/xml", self._sitemap(parts.path)
        if parts.path == "/products.json":
            return (
                200,
                "application/json",
                '{"products": [{"id": 1, "title": "Fine thing 1", "variants": [{"price": "9"}]}]}',
            )
        body = self._body(parts.path.strip("/").split("/"), int(parse_qs(parts.query).get("page", ["1"])[0]))
        if body is None:
            return 404, "text/html", "gone"
        menu = "".join(f"<li><a href='/collections/{name}'>{name.title()}</a></li>" for name in self.linked[:12])
        title, template, main = body
        return (
            200,
            "text/html",
            (
                f"<html lang='en'><head><title>{title}</title></head><body class='{template}'>"
                f"<header><nav><ul>{menu}</ul></nav><a href='/account/login'>Log in</a></header>"
                f"<main><h1>{title}</h1>{main}</main><footer><a href='/pages/about'>About us</a>"
                "<a href='/policies/privacy-policy'>Privacy</a></footer></body></html>"
            ),
        )

    def _sitemap(self, path: str) -> str:
        if path == "/sitemap.xml":
            names = [f"/sitemap_{part}.xml" for part in ("products_1", "pages_1", "collections_1")]
            return f"<sitemapindex>{''.join(f'<sitemap><loc>{name}</loc></sitemap>' for name in names)}</sitemapindex>"
        paths = {
            "/sitemap_products_1.xml": [f"products/{name}" for at, name in enumerate(self.products) if at % 5],
            "/sitemap_collections_1.xml": [f"collections/{name}" for name in self.mapped],
        }.get(path, ["pages/about"])
        return f"<urlset>{''.join(f'<url><loc>{self.home}{name}</loc></url>' for name in paths)}</urlset>"

    def _body(self, path: list[str], page: int) -> tuple[str, str, str] | None:
        if path == [""]:
            cards = "".join(f"<a href='/collections/{name}'>{name}</a>" for name in self.linked[10:])
            return "New Shop", "template-index", f"<p>Welcome</p>{cards}"
        if path[0] == "collections" and path[-1] in self.collections:
            return path[-1].title(), "template-collection", self._grid(path[-1], page)
        if path[0] == "products" and path[-1] in self.products:
            return path[-1].title(), "template-product", self._product(path[-1])
        return (
            ("About", "template-page", "<p>" + "We make fine things. " * 30 + "</p>")
            if path[0] in ("pages", "policies")
            else None
        )

    def _grid(self, name: str, page: int) -> str:
        own = [
            product for number, product in enumerate(self.products) if number % 12 == self.collections.index(name) % 12
        ]
        shown = own[(page - 1) * PER_PAGE :][:PER_PAGE]
        cards = "".join(
            f"<li class='card'><a href='/collections/{name}/products/{product}'><img src='/{product}.jpg'>{product}</a>"
            f"<span class='price'>$ {len(product)}.00</span></li>"
            for product in shown
        )
        facets = "".join(
            f"<a href='/collections/{name}?filter.v.colour={colour}'>{colour}</a>" for colour in ("red", "blue")
        )
        sort = "<form><select name='sort_by'><option value='price'>Price</option></select></form>"
        return f"{sort}{facets}<ul class='grid'>{cards}</ul>"

    def _product(self, name: str) -> str:
        offer = '{"price": "9.00", "priceCurrency": "USD"}'
        data = f'{{"@context": "https://schema.org", "@type": "Product", "name": "{name}", "offers": {offer}}}'
        words = " ".join(f"{name}{word}" for word in range(40))
        return (
            f"<script type='application/ld+json'>{data}</script><span class='price'>$ 9.00</span>"
            f"<form action='/cart/add' method='post'><button>Add to cart</button></form><p>{words}</p>"
        )
