import re
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.engine.discover.newshop import COLLECTIONS, NewShop
from tests.engine.discover.newshop import PRODUCTS as NEW_PRODUCTS
from tests.engine.discover.oldshop import PRODUCTS, OldShop
from tests.engine.discover.serving import Answer, visit
from webintel.engine import discover
from webintel.engine.discover import Crawl
from webintel.engine.discover.store import PageStore
from webintel.engine.page import Page


def products_fetched(shop: OldShop, within: int) -> set[str]:
    pages = [target for target in shop.requests if not target.startswith(("/robots.txt", "/sitemap"))][:within]
    return {parse_qs(urlsplit(page).query)["products_id"][0] for page in pages if page.startswith("/product_info.php")}


async def test_every_product_of_an_old_shop_within_its_budget() -> None:
    shop = OldShop()
    crawled = await visit(shop, shop.home, max_pages=300)
    assert len(products_fetched(shop, 300)) == PRODUCTS
    seen: set[str] = set()
    for page in crawled.facts[:160]:
        seen |= {number for link in page.links for number in re.findall(r"product_info.*products_id=(\d+)", link.url)}
    assert len(seen) >= 0.9 * PRODUCTS


async def test_an_old_shop_is_known_after_the_default_visit_without_touching_anything() -> None:
    shop = OldShop()
    crawled = await visit(shop, shop.home)
    assert len(crawled.facts) < 100
    found = {
        parse_qs(urlsplit(one.url).query)["cPath"][0]: one for one in discover.categories(crawled) if "cPath" in one.url
    }
    assert set(found) == set(shop.categories)
    for path, one in found.items():
        parent = path.rpartition("_")[0]
        assert one.name == shop.categories[path]
        assert one.parent_id == (found[parent].id if parent else None)
    assert not [
        target for target in shop.requests if re.search("action=|osCsid|sort=|currency=|language=|compare", target)
    ]
    types = {one.name: one for one in discover.page_types(crawled)}
    assert types["detail"].kind == "product"
    assert types["detail"].page_count == PRODUCTS
    assert types["listing"].kind == "collection"
    assert discover.pagination(crawled).url_pattern == "?page={page}"
    assert [one.param for one in discover.filters(crawled) if one.kind == "sort"] == ["sort"]


async def test_sitemaps_and_links_together_show_the_whole_new_shop() -> None:
    shop = NewShop()
    crawled = await visit(shop, shop.home)
    known = {urlsplit(url).path for url in crawled.known_urls}
    assert {f"/products/{name}" for name in shop.products} <= {
        path[path.index("/products/") :] for path in known if "/products/" in path
    }
    categories = discover.categories(crawled)
    assert {one.slug for one in categories} == set(shop.collections)
    assert len(categories) == COLLECTIONS
    endpoints = {urlsplit(one.url).path: one for one in discover.endpoints(crawled)}
    assert endpoints["/products.json"].response_schema is not None
    assert "/sitemap_products_1.xml" in endpoints
    assert len(crawled.facts) < NEW_PRODUCTS


async def test_two_crawls_of_the_same_bytes_are_equal() -> None:
    def outcome(crawled: Crawl) -> bytes:
        parts = (discover.page_types, discover.categories, discover.pagination, discover.filters, discover.endpoints)
        return msgspec.json.encode([part(crawled) for part in parts] + [crawled.known_urls])

    first, second = OldShop(), OldShop()
    one, other = await visit(first, first.home, max_pages=40), await visit(second, second.home, max_pages=40)
    assert first.requests == second.requests
    assert outcome(one) == outcome(other)


async def test_an_endless_calendar_and_growing_paths_end_by_themselves() -> None:
    def site(target: str) -> Answer:
        path = urlsplit(target).path
        year = int(parse_qs(urlsplit(target).query).get("year", ["2026"])[0])
        links = f"<a href='/events?year={year + 1}'>next</a><a href='/events?year={year - 1}'>before</a>"
        links += f"<a href='{path.rstrip('/')}/deeper'>deeper</a><a href='/x{len(target)}?color=a{len(target)}'>x</a>"
        return 200, "text/html", f"<html><title>{target}</title><main><h1>{target}</h1>{links}</main></html>"

    crawled = await visit(site, "http://trap.test/")
    assert len(crawled.facts) < 60


async def test_pages_that_fail_are_written_down_and_end_nothing() -> None:
    def site(target: str) -> Answer:
        if target == "/":
            links = "".join(f"<a href='/items/thing-{number}'>Thing {number}</a>" for number in range(10))
            return 200, "text/html", f"<html><main><h1>Front</h1>{links}<a href='/file'>File</a></main></html>"
        if target == "/file":
            return 200, "application/pdf", "%PDF"
        number = int(target.rpartition("-")[2]) if target.startswith("/items") else 0
        return (
            (404, "text/html", "no")
            if number % 2 == 0
            else (200, "text/html", f"<h1>{target}</h1>" + f"w{number} " * 99)
        )

    crawled = await visit(site, "http://half.test/")
    assert {urlsplit(page.url).path for page in crawled.facts} >= {"/", "/items/thing-1", "/items/thing-9"}
    assert crawled.failures["http://half.test/items/thing-4"] == "http_status"
    assert "http://half.test/file" not in {page.url for page in crawled.facts}


async def test_the_budget_of_pages_is_never_exceeded() -> None:
    shop = OldShop()
    crawled = await visit(shop, shop.home, max_pages=7)
    assert len(crawled.facts) == 7
    assert len(crawled.pages) == 7


def test_the_store_keeps_some_pages_of_every_template_and_no_more_bytes_than_it_may() -> None:
    store = PageStore(per_template=3, max_bytes=6_000)
    bodies = ["".join(f"{number * other % 9973} " for other in range(1, 400)) for number in range(3, 40)]
    kept = [
        store.add(Page(f"http://s.test/a{number}", body), "article", "/a") for number, body in enumerate(bodies[:6])
    ]
    assert kept.count(True) <= 3
    assert store.add(Page("http://s.test/b", bodies[20]), "product", "/b")
    assert "http://s.test/b" in store
    assert store.bytes_kept <= 6_000
    page = store.get("http://s.test/b")
    assert page is not None
    assert page.html == bodies[20]
    assert store.get("http://s.test/none") is None
    assert not store.add(Page("http://s.test/b", "again"), "product", "/b")
    assert [page.url for page in store] == list(store.kinds())
