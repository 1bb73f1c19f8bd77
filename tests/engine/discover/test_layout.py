"""Page types, categories, paging, filters and endpoints from plain facts, without any HTTP."""

import re
from collections.abc import Sequence

from webintel.engine.discover.categories import build_categories
from webintel.engine.discover.controls import merge_filters, page_controls
from webintel.engine.discover.endpoints import build_endpoints
from webintel.engine.discover.facts import Crumb, LinkFact, MenuLink, PageFacts, page_facts
from webintel.engine.discover.paging import build_pagination
from webintel.engine.discover.params import ParameterModel
from webintel.engine.discover.probes import Probe, json_schema, probe_urls
from webintel.engine.discover.sitemaps import SitemapFile, SitemapSurvey
from webintel.engine.discover.sources import page_sources
from webintel.engine.discover.templates import cluster_pages
from webintel.engine.model import PageKind
from webintel.engine.page import Page

SHOP = "https://shop.example"
PLAIN, GRID, GOODS = frozenset({1, 2}), frozenset({1, 3, 4}), frozenset({1, 5, 6})


def fact(
    path: str, kind: PageKind, signature: frozenset[int] = PLAIN, links: Sequence[LinkFact] = (), **more: object
) -> PageFacts:
    return PageFacts(
        url=SHOP + path,
        requested_url=SHOP + path,
        kind=kind,
        confidence=0.9,
        signature=signature,
        links=tuple(links),
        **more,
    )


def to(path: str, text: str, region: str = "main") -> LinkFact:
    return LinkFact(SHOP + path, text, region)


def test_types_of_a_shop_whose_goods_and_categories_share_a_route() -> None:
    listings = [fact(f"/{name}.html", "collection", GRID) for name in ("women", "men", "kids")]
    goods = [fact(f"/red-{name}-17.html", "product", GOODS) for name in ("shoe", "sock", "hat", "belt")]
    known = [page.url for page in (*listings, *goods)] + [f"{SHOP}/blue-thing-{number}.html" for number in range(30)]
    types = {one.name: one for one in cluster_pages([fact("/", "home"), *listings, *goods], known, ParameterModel())}
    assert set(types) == {"home", "listing", "detail"}
    detail, listing = re.compile(types["detail"].url_pattern), re.compile(types["listing"].url_pattern)
    assert types["detail"].page_count == 34
    for page in listings:
        assert listing.match(page.url)
        assert not detail.match(page.url)
    for url in known[3:]:
        assert detail.match(url)
        assert not listing.match(url)


def test_patterns_are_anchored_and_keep_types_apart() -> None:
    facts = [fact("/", "home")]
    facts += [fact(f"/collections/{name}", "collection", GRID) for name in ("hats", "bags")]
    facts += [fact(f"/products/{name}", "product", GOODS) for name in ("red-hat", "bag")]
    facts += [fact(f"/blogs/news/{name}", "article") for name in ("we-open", "new")]
    types = cluster_pages(facts, [page.url for page in facts], ParameterModel())
    for one in types:
        expression = re.compile(one.url_pattern)
        matched = [page.kind for page in facts if expression.search(page.url)]
        assert matched == [one.kind] * one.page_count
        assert not expression.search("https://other.example/?u=" + facts[1].url)
    by_name = {one.name: re.compile(one.url_pattern) for one in types}
    assert by_name["detail"].match(SHOP + "/products/never-seen?variant=3#top")
    assert not by_name["detail"].match(SHOP + "/products/a/reviews")


def test_two_templates_of_one_kind_get_two_names() -> None:
    facts = [fact("/", "home")]
    facts += [fact(f"/c/{name}", "collection", GRID) for name in ("a-b", "c-d", "e-f")]
    facts += [fact(f"/topics/{name}", "collection", frozenset({7, 8, 9})) for name in ("g-h", "i-j")]
    names = [one.name for one in cluster_pages(facts, [page.url for page in facts], ParameterModel())]
    assert names == ["home", "listing", "listing_2"]


def test_a_stray_among_look_alikes_is_one_of_them() -> None:
    goods = [fact(f"/p/{number}", "product", GOODS) for number in range(6)] + [fact("/p/7", "other", GOODS)]
    types = cluster_pages([fact("/", "home"), *goods], [page.url for page in goods], ParameterModel())
    assert [(one.name, one.page_count) for one in types] == [("home", 1), ("detail", 7)]


def shop_facts() -> list[PageFacts]:
    menu = (
        MenuLink(SHOP + "/women", "Women", None),
        MenuLink(SHOP + "/women/shoes", "Shoes (12)", SHOP + "/women"),
        MenuLink(SHOP + "/men", "Men", None),
        MenuLink(SHOP + "/account/login", "Sign in", None),
        MenuLink(SHOP + "/blog", "Blog", None),
        MenuLink(SHOP + "/brands/acme", "Acme", None),
        MenuLink(SHOP + "/de", "Deutsch", None),
        MenuLink(SHOP + "/contact", "Contact", None),
    )
    links = [LinkFact(link.url, link.text, "nav") for link in menu]
    home = fact("/", "home", links=[*links, to("/women", "Shop now")], menu=menu)
    women = fact(
        "/women", "collection", GRID, [to("/women/shoes", "Shoes"), to("/p/1", "Boot")], heading="All for women"
    )
    shoes = fact("/women/shoes", "collection", GRID, [to("/p/1", "Boot"), to("/women/shoes?sort=price", "Price")])
    paged = fact("/women/shoes?page=2", "collection", GRID, [to("/p/2", "Clog")])
    men = fact("/men", "collection", GRID, [to("/p/3", "Belt"), to("/men/belts", "Belts")])
    belts = fact("/men/belts", "collection", GRID, [to("/p/3", "Belt")], heading="Belts")
    blog = fact("/blog", "listing", links=[to("/blog/one", "One")])
    trail = (
        Crumb("Home", SHOP + "/"),
        Crumb("Women", SHOP + "/women"),
        Crumb("Clogs", SHOP + "/women/clogs"),
        Crumb("Clog", None),
    )
    goods = [
        fact("/p/1", "product", GOODS),
        fact("/p/2", "product", GOODS, crumbs=trail),
        fact("/p/3", "product", GOODS),
    ]
    return [home, women, shoes, paged, men, belts, blog, fact("/contact", "other"), *goods]


def test_category_tree_of_a_shop() -> None:
    categories = build_categories(shop_facts(), ParameterModel())
    names = {one.id: one.name for one in categories}
    tree = {(one.name, names.get(one.parent_id or ""), one.depth, one.slug) for one in categories}
    assert tree == {
        ("Women", None, 0, "women"),
        ("Shoes", "Women", 1, "shoes"),
        ("Clogs", "Women", 1, "clogs"),
        ("Men", None, 0, "men"),
        ("Belts", "Men", 1, "belts"),
    }
    order = [one.id for one in categories]
    assert all(one.parent_id is None or order.index(one.parent_id) < order.index(one.id) for one in categories)
    by_name = {one.name: one for one in categories}
    assert by_name["Shoes"].example_url == SHOP + "/p/1"
    assert by_name["Shoes"].confidence > by_name["Clogs"].confidence


def test_category_ids_stay_the_same_from_scan_to_scan() -> None:
    first, second = (build_categories(shop_facts(), ParameterModel()) for _ in range(2))
    assert first == second


def test_breadcrumbs_that_contradict_each_other_make_no_loop() -> None:
    around = (Crumb("A", SHOP + "/a"), Crumb("B", SHOP + "/b"))
    back = (Crumb("B", SHOP + "/b"), Crumb("A", SHOP + "/a"))
    facts = [fact("/", "home"), fact("/a", "collection", crumbs=back), fact("/b", "collection", crumbs=around)]
    facts += [fact("/p/1", "product"), fact("/c", "collection")]
    categories = build_categories(facts, ParameterModel())
    assert {one.name for one in categories} >= {"A", "B"}
    assert max(one.depth for one in categories) == 1


def test_a_site_without_listings_has_no_categories() -> None:
    assert build_categories([fact("/", "home"), fact("/about", "other")], ParameterModel()) == []
    assert build_categories([], ParameterModel()) == []


def test_paging_by_parameter_path_offset_and_not_at_all() -> None:
    model = ParameterModel()
    by_query = [fact("/c", "collection", next_page=SHOP + "/c?page=2", next_selector="a.next")]
    found = build_pagination(by_query, model)
    assert (found.kind, found.url_pattern, found.next_selector) == ("query", "?page={page}", "a.next")
    found = build_pagination([fact("/c/", "listing", next_page=SHOP + "/c/page/2/")], model)
    assert (found.kind, found.url_pattern) == ("path", "/page/{page}/")
    found = build_pagination([fact("/c", "listing", next_page=SHOP + "/c?start=20")], model)
    assert (found.kind, found.url_pattern) == ("query", "?start={offset}")
    assert build_pagination([fact("/c", "listing", next_page=SHOP + "/more/abc")], model).kind == "next_link"
    assert build_pagination([fact("/c", "listing", grows="load_more")], model).kind == "load_more"
    assert build_pagination([fact("/c", "listing")], model).kind == "none"


LISTING = """<html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml">
<link rel="https://api.w.org/" href="/wp-json/"></head><body>
<nav><ul><li><a href="/women">Women</a><ul><li><a href="/women/shoes">Shoes</a></li></ul></li>
<li><a href="/men">Men</a></li></ul></nav>
<form method="get"><label for="order">Sort by</label><select name="sort" id="order">
<option value="price">Price</option><option value="new">New</option></select>
<fieldset><legend>Colour</legend><input type="checkbox" name="filter.colour" value="red">
<input type="checkbox" name="filter.colour" value="blue"></fieldset>
<input type="number" name="min_price" min="0" max="90"><input type="search" name="q"></form>
<form method="post"><select name="quantity"><option>1</option></select></form>
<a href="/women?size=s">S</a><a href="/women?size=m">M</a><a class="next" href="/women?page=2">Next</a>
<script>fetch("/api/products?page=1"); const u = "https://elsewhere.example/api/x"; axios.post('/graphql')</script>
<div data-endpoint="/ajax/reviews.json"></div></body></html>"""


def test_controls_of_a_listing_page() -> None:
    found = {one.param: one for one in merge_filters([page_controls(Page(SHOP + "/women", LISTING))])}
    assert {param: one.kind for param, one in found.items()} == {
        "sort": "sort",
        "filter.colour": "facet",
        "min_price": "range",
        "q": "search",
        "size": "facet",
    }
    assert found["sort"].name == "Sort by"
    assert found["filter.colour"].name == "Colour"
    assert found["filter.colour"].values == ["red", "blue"]
    assert found["size"].values == ["s", "m"]


def test_facts_of_a_listing_page() -> None:
    page = Page(SHOP + "/women", LISTING)
    facts = page_facts(page, ("collection", 0.9), SHOP + "/women?page=2")
    assert facts.next_selector == "a.next"
    assert {(link.url, link.parent) for link in facts.menu} == {
        (SHOP + "/women", None),
        (SHOP + "/women/shoes", SHOP + "/women"),
        (SHOP + "/men", None),
    }
    assert facts.signature
    assert page_facts(Page(SHOP, ""), ("other", 0.1), None).links == ()


def test_sources_of_a_page_and_the_endpoints_made_of_them() -> None:
    sources = page_sources(Page(SHOP + "/women", LISTING))
    assert {(source.url, source.method, source.kind) for source in sources} == {
        (SHOP + "/feed.xml", "GET", "feed"),
        (SHOP + "/wp-json/", "GET", "rest"),
        (SHOP + "/api/products?page=1", "GET", "rest"),
        (SHOP + "/graphql", "POST", "graphql"),
        (SHOP + "/ajax/reviews.json", "GET", "rest"),
    }
    facts = [fact("/women", "collection", sources=sources, json_ld=True)]
    survey = SitemapSurvey(files=[SitemapFile(url=SHOP + "/sitemap.xml", kind="urlset", hint="other", urls=3)], urls={})
    probes = [
        Probe(url=SHOP + "/api/products?page=1", answered=True, response_schema={"type": "object"}),
        Probe(url=SHOP + "/wp-json/", answered=False),
    ]
    endpoints = {one.url: one for one in build_endpoints(facts, survey, probes)}
    assert endpoints[SHOP + "/api/products?page=1"].response_schema == {"type": "object"}
    assert endpoints[SHOP + "/api/products?page=1"].params == ["page"]
    assert SHOP + "/wp-json/" not in endpoints
    assert {one.kind for one in endpoints.values()} == {"rest", "graphql", "json_ld", "feed", "sitemap"}


def test_probes_are_few_and_know_a_shop_by_its_links() -> None:
    home = fact("/", "home", links=[to("/collections/hats", "Hats"), to("/products/a-hat", "A hat")])
    assert probe_urls([home]) == [SHOP + "/products.json?limit=1"]
    assert probe_urls([]) == []


def test_schema_of_a_sample() -> None:
    sample = {"items": [{"id": 1, "price": 2.5}, {"id": "x", "tags": []}], "next": None, "ok": True}
    assert json_schema(sample) == {
        "type": "object",
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": ["integer", "string"]},
                        "price": {"type": "number"},
                        "tags": {"type": "array"},
                    },
                },
            },
            "next": {"type": "null"},
            "ok": {"type": "boolean"},
        },
    }
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    assert len(str(json_schema(deep))) < 1_000
