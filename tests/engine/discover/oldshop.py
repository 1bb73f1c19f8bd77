"""An old shop of the osCommerce kind: 131 products behind thousands of URLs that lead nowhere new."""

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

PRODUCTS = 131
TOP = ["Hardware", "Software", "Films", "Music", "Garden", "Toys"]
SUB = ["Basic", "Classic", "Premium", "Vintage"]
MAKERS = 14
PER_PAGE = 8
INFORMATION = ("shipping.php", "privacy.php", "conditions.php", "contact_us.php", "login.php", "shopping_cart.php")


class OldShop:
    """Pages by URL; every page carries a session id, switchers, boxes, sort links and things one must not click."""

    def __init__(self, host: str = "oldshop.test") -> None:
        self.home = f"http://{host}/"
        self.categories = {str(top + 1): name for top, name in enumerate(TOP)}
        for top in range(len(TOP)):
            for sub, name in enumerate(SUB):
                self.categories[f"{top + 1}_{10 + top * 4 + sub}"] = f"{name} {TOP[top]}"
        leaves = [path for path in self.categories if "_" in path]
        self.category_of = {number: leaves[number * 7 % len(leaves)] for number in range(1, PRODUCTS + 1)}
        self.requests: list[str] = []

    def __call__(self, target: str) -> tuple[int, str, str]:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        self.requests.append(target)
        if parts.path == "/robots.txt":
            return 200, "text/plain", "User-agent: *\nDisallow: /admin/\n"
        if "action" in query:
            return 500, "text/html", "must not be fetched"
        body = self._body(parts.path, query)
        if body is None:
            return 404, "text/html", "<h1>Not found</h1>"
        return 200, "text/html", self._page(*body, current=target)

    def _body(self, path: str, query: dict[str, str]) -> tuple[str, str] | None:
        number = query.get("products_id", "1")
        title = path[1:-4].replace("_", " ").title()
        if path in ("/", "/index.php"):
            return self._index(query)
        if path == "/product_info.php" and int(number) in self.category_of:
            return self._product(int(number))
        main = None
        if path == "/product_reviews.php":
            main = "<p>No reviews yet.</p>" + self._link("product_reviews_write.php", products_id=number)
        elif path in ("/specials.php", "/products_new.php"):
            main = self._listing(list(range(1, PRODUCTS + 1, 5)), path[1:], query, {})
        elif path[1:] in INFORMATION:
            main = f"<p>All about {title}. " + "Words that fill a page of text. " * 20 + "</p>"
        return (title, main) if main else None

    def _index(self, query: dict[str, str]) -> tuple[str, str]:
        if "cPath" in query:
            return self._category(query)
        return self._maker(query) if "manufacturers_id" in query else self._front()

    def _link(self, script: str, text: str = "", **query: str | int) -> str:
        query["osCsid"] = "0123456789abcdef0123456789abcdef"
        return f'<a href="{self.home}{script}?{escape(urlencode(query))}">{text or script}</a>'

    def _page(self, title: str, main: str, current: str) -> str:
        parts = urlsplit(current)
        query = {name: value for name, value in parse_qsl(parts.query) if name != "osCsid"}
        script = parts.path[1:] or "index.php"
        new = sum(ord(letter) for letter in title) % PRODUCTS + 1
        makers = [self._link("index.php", f"Maker {maker}", manufacturers_id=maker) for maker in range(1, MAKERS)]
        switches = [self._link(script, name, **{**query, "language": name}) for name in ("en", "de", "es")]
        switches += [self._link(script, name, **{**query, "currency": name}) for name in ("USD", "EUR")]
        side = [self._link(name) for name in (*INFORMATION[:4], "specials.php", "products_new.php")]
        notify = self._link(script, "Tell a friend", **{**query, "action": "notify"})
        top = self._link("index.php", "Top") + self._link("login.php", "My Account")
        return (
            f"<html><head><title>{title} - Old Shop</title></head><body><table class='header'><tr><td>{top}"
            f"{self._link('shopping_cart.php', 'Cart Contents')}</td></tr></table><table><tr><td class='sidebar'>"
            f"<div class='infoBox' id='categories'>{self._boxes(query)}</div>"
            f"<div class='infoBox'>{''.join(makers)}</div>"
            f"<div class='infoBox'>{self._product_link(new)}{notify}</div><div class='infoBox'>{''.join(side)}</div>"
            f"{''.join(switches)}</td><td class='content'><h1>{title}</h1>{main}</td></tr></table></body></html>"
        )

    def _boxes(self, query: dict[str, str]) -> str:
        opened = query.get("cPath", "").split("_")[0]
        boxes = []
        for path, name in self.categories.items():
            if "_" not in path or path.split("_")[0] == opened:
                count = sum(leaf == path or leaf.startswith(path + "_") for leaf in self.category_of.values())
                link = self._link("index.php", name if "_" in path else name + "-&gt;", cPath=path)
                boxes.append(f"{'&nbsp;' * 2 * path.count('_')}{link}&nbsp;({count})<br>")
        return "".join(boxes)

    def _front(self) -> tuple[str, str]:
        return "Welcome", "<p>What is new here this month</p>" + "".join(
            self._product_link(number) for number in (3, 50, 90)
        )

    def _product_link(self, number: int, **context: str | int) -> str:
        return self._link("product_info.php", f"Product {number}", **context, products_id=number)

    def _category(self, query: dict[str, str]) -> tuple[str, str]:
        path = query["cPath"]
        name = self.categories.get(path, "Nothing")
        below = [sub for sub in self.categories if sub.startswith(path + "_")]
        if below:
            return name, "<p>Choose:</p>" + "".join(
                self._link("index.php", self.categories[sub], cPath=sub) for sub in below
            )
        numbers = [number for number, leaf in self.category_of.items() if leaf == path]
        return name, self._listing(numbers, "index.php", query, {"cPath": path})

    def _maker(self, query: dict[str, str]) -> tuple[str, str]:
        maker = int(query["manufacturers_id"])
        numbers = [number for number in self.category_of if number % MAKERS == maker]
        return f"Maker {maker}", self._listing(numbers, "index.php", query, {"manufacturers_id": maker})

    def _listing(self, numbers: list[int], script: str, query: dict[str, str], context: dict[str, str | int]) -> str:
        page = int(query.get("page", 1))
        shown = numbers[(page - 1) * PER_PAGE : page * PER_PAGE]
        kept: dict[str, str | int] = {**context, **({"sort": query["sort"]} if "sort" in query else {})}
        sorts = [
            self._link(script, f"by {column}", **{**context, "sort": f"{column}{way}", "page": page})
            for column in "123"
            for way in "ad"
        ]
        rows = [
            f"<tr class='productListing'><td><img src='/images/{number}.jpg'></td>"
            f"<td>{self._product_link(number, **context)}</td><td>${number}.99</td>"
            f"<td>{self._link(script, 'Buy Now', **{**kept, 'action': 'buy_now', 'products_id': number})}"
            f"{self._link('compare.php', 'Compare', products_id=number, add=shown[0])}</td></tr>"
            for number in shown
        ]
        last = -(-len(numbers) // PER_PAGE)
        pages = [self._link(script, str(number), **{**kept, "page": number}) for number in range(1, last + 1)]
        if page < last:
            pages.append(self._link(script, "[Next&nbsp;&gt;&gt;]", **{**kept, "page": page + 1}))
        return (
            f"<table class='productListing'><tr><th>{''.join(sorts)}</th></tr>{''.join(rows)}</table>"
            f"<div class='pageResults'>{''.join(pages)}</div>"
        )

    def _product(self, number: int) -> tuple[str, str]:
        leaf = self.category_of[number]
        above = leaf.split("_")[0]
        crumbs = [self._link("index.php", self.categories[path], cPath=path) for path in (above, leaf)]
        related = [
            self._product_link(other, cPath=leaf)
            for other, at in self.category_of.items()
            if at == leaf and other != number
        ]
        more = [
            self._link("product_reviews.php", "Reviews", products_id=number),
            self._link("tell_a_friend.php", "Tell", products_id=number),
            self._link("popup_image.php", "Bigger", pID=number),
        ]
        text = " ".join(f"detail{number}word{word}" for word in range(60))
        return f"Product {number}", (
            f"<div class='breadcrumb'>{' &raquo; '.join(crumbs)}</div><span class='productPrice'>${number}.99</span>"
            f"<p>Model: M-{number}</p><form action='/product_info.php?products_id={number}&action=add_product'"
            f" method='post'><button>Add to Cart</button></form><img src='/images/{number}.jpg'><p>{text}</p>"
            f"{''.join(more)}<div>{''.join(related)}</div>"
        )
