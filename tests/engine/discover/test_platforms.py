"""What shop systems, blogs and manuals do in ways of their own, each in its smallest form."""

import re

from webintel.engine.discover.categories import build_categories
from webintel.engine.discover.controls import page_controls
from webintel.engine.discover.facts import Crumb, LinkFact, PageFacts, page_facts
from webintel.engine.discover.frontier import Frontier
from webintel.engine.discover.params import ParameterModel, path_page_number
from webintel.engine.discover.patterns import paging_suffix, path_pattern
from webintel.engine.discover.plan import CrawlPlan
from webintel.engine.discover.settle import Settler
from webintel.engine.discover.templates import cluster_pages
from webintel.engine.discover.words import is_information
from webintel.engine.model import PageKind
from webintel.engine.page import Page

SITE = "https://fabric.example"
FRAME = frozenset(range(100, 110))


def fact(path: str, kind: PageKind, *links: LinkFact, **more: object) -> PageFacts:
    more.setdefault("signature", FRAME)
    return PageFacts(url=SITE + path, requested_url=SITE + path, kind=kind, confidence=0.8, links=links, **more)


def to(path: str, text: str, region: str = "main") -> LinkFact:
    return LinkFact(SITE + path, text, region)


def paths(facts: list[PageFacts]) -> set[str]:
    return {one.url.removeprefix(SITE) for one in build_categories(facts, ParameterModel())}


def test_goods_and_categories_in_one_frame_stay_apart_where_their_addresses_say_so() -> None:
    goods = [to(f"/products/bolt-{number}", f"Bolt {number}") for number in range(6)]
    facts = [fact("/", "home")]
    facts += [fact(f"/products/bolt-{number}", "product") for number in range(6)]
    facts += [fact(f"/collections/{name}", "collection", *goods) for name in ("linen", "felt")]
    kinds = {page.url.removeprefix(SITE): page.kind for page in Settler(ParameterModel()).settle(facts)}
    assert kinds["/collections/linen"] == "collection"
    assert kinds["/products/bolt-3"] == "product"


def test_buttons_beside_every_item_are_not_what_a_page_lists() -> None:
    goods = [to(f"/cloth/roll-{number}.html", f"Roll {number}") for number in range(6)]
    buttons = [to(f"/app/Peek?ref_id={number}", "Look inside") for number in range(6)]
    facts = [fact("/", "home"), *(fact(f"/cloth/roll-{number}.html", "product") for number in range(4))]
    facts += [fact(f"/{name}/", "collection", *goods, *buttons, signature=frozenset({7})) for name in ("linen", "felt")]
    assert [page.kind for page in Settler(ParameterModel()).settle(facts)[-2:]] == ["collection", "collection"]


def test_a_category_parameter_on_a_category_narrows_it() -> None:
    model = ParameterModel()
    page = SITE + "/cloth/plain.html"
    for number in range(4):
        model.observe_link(page, f"{page}?cat={number}")
    assert model.key(f"{page}?cat=2") == model.key(page)
    script = SITE + "/index.php?cat="
    for number in range(4):
        model.observe_link(SITE + "/index.php", script + str(number))
    assert model.key(script + "1") != model.key(script + "2")


def test_choosing_a_currency_makes_no_other_page() -> None:
    model = ParameterModel()
    assert model.key(f"{SITE}/3-linen?SubmitCurrency=1&id_currency=2") == model.key(f"{SITE}/3-linen")


def test_links_that_search_within_a_listing_are_a_filter() -> None:
    html = '<main><a href="?q=Width-140">140 cm</a> <a href="?q=Width-200">200 cm</a></main>'
    (control,) = page_controls(Page(SITE + "/3-linen", html))
    assert (control.param, control.kind, control.values) == ("q", "facet", ("Width-140", "Width-200"))


def test_a_menu_without_links_on_its_headings_still_tells_parents() -> None:
    html = """<header><nav><ul>
      <li><details><summary>Linen</summary><ul><li><a href="/c/raw">Raw</a></li><li><a href="/c/dyed">Dyed</a></li>
      </ul></details></li></ul>
      <ul><li><details><summary>Linen</summary><ul><li><a href="/c/linen">All Linen</a></li>
      <li><a href="/c/raw">Raw</a></li><li><a href="/c/dyed">Dyed</a></li></ul></details></li></ul></nav></header>"""
    menu = page_facts(Page(SITE + "/", html), ("home", 0.9), None).menu
    parents = {link.url.removeprefix(SITE): link.parent for link in menu}
    assert parents == {"/c/linen": None, "/c/raw": SITE + "/c/linen", "/c/dyed": SITE + "/c/linen"}


def test_tags_are_the_categories_of_a_blog_that_has_no_others() -> None:
    tags = [to(f"/tag/{name}/", name, "nav") for name in ("weaving", "dyeing")]
    facts = [fact("/", "home", *tags), fact("/tag/weaving/", "listing", *tags), fact("/tag/dyeing/", "listing", *tags)]
    assert paths(facts) == {"/tag/weaving/", "/tag/dyeing/"}
    assert paths([*facts, fact("/category/looms/", "listing")]) == {"/category/looms/"}


def test_months_are_no_categories() -> None:
    months = [to("/2031/04/", "April 2031", "aside"), to("/category/looms/", "Looms", "aside")]
    facts = [fact("/", "home", *months), fact("/2031/04/", "listing"), fact("/category/looms/", "listing")]
    assert paths(facts) == {"/category/looms/"}


def test_what_a_shop_calls_its_own_pages_are_no_categories() -> None:
    links = [to("/index.php?info_id=4", "About us", "footer"), to("/shelf/felt", "Felt", "nav")]
    facts = [fact("/", "home", *links), *(fact(f"/item/{number}", "product") for number in range(3))]
    facts += [fact("/index.php?info_id=4", "listing", *links), fact("/shelf/felt", "collection", *links)]
    assert paths(facts) == {"/shelf/felt"}
    assert is_information(SITE + "/content/2-legal-notice")


def test_a_copy_of_the_home_page_is_no_category() -> None:
    content = tuple(range(1, 30))
    facts = [fact("/", "home", content=content), fact("/shop/site/", "collection", content=content)]
    assert paths([*facts, fact("/shop/site/felt/", "collection", content=(5, 6, 7))]) == {"/shop/site/felt/"}


def test_a_box_of_links_on_every_listing_puts_nothing_under_anything() -> None:
    names = ("felt", "linen", "silk", "wool")
    box = [to(f"/shelf/{name}", name) for name in names]
    facts = [fact("/", "home", *box), *(fact(f"/shelf/{name}", "collection", *box) for name in names)]
    assert {one.parent_id for one in build_categories(facts, ParameterModel())} == {None}


def test_the_landing_page_above_categories_is_one_whatever_it_looks_like() -> None:
    crumbs = (Crumb("Cloth", SITE + "/cloth.html"),)
    facts = [fact("/", "home"), fact("/cloth.html", "article")]
    facts += [fact(f"/cloth/{name}.html", "collection", crumbs=crumbs) for name in ("felt", "linen")]
    assert "/cloth.html" in paths(facts)


def test_goods_under_their_category_and_on_their_own_are_one_type() -> None:
    facts = [fact("/", "home")]
    for shelf, name in (("felt", "bolt-1"), ("linen", "bolt-2")):
        own = f"{SITE}/products/{name}"
        facts.append(fact(f"/collections/{shelf}/products/{name}", "product", canonical=own))
    (detail,) = (one for one in cluster_pages(facts, [], ParameterModel()) if one.kind == "product")
    assert re.match(detail.url_pattern, f"{SITE}/products/bolt-9")
    assert re.match(detail.url_pattern, f"{SITE}/collections/silk/products/bolt-9")
    assert not re.match(detail.url_pattern, f"{SITE}/collections/silk")


def test_a_wide_pattern_leaves_out_the_more_exact_one_of_another_kind() -> None:
    facts = [fact("/", "home")]
    facts += [fact(f"/thing/bolt-{number}/", "product") for number in range(3)]
    for name in ("goods-of/felt", "made-from/silk"):
        facts.append(fact(f"/{name}/", "collection", signature=frozenset({1}), next_page=f"{SITE}/{name}/page/2/"))
    (listing,) = (one for one in cluster_pages(facts, [], ParameterModel()) if one.kind == "collection")
    assert re.match(listing.url_pattern, f"{SITE}/goods-of/felt/page/2/")
    assert not re.match(listing.url_pattern, f"{SITE}/thing/bolt-1/")


def test_paths_of_several_lengths_keep_them_all() -> None:
    urls = [f"{SITE}/a/{rest}" for rest in ("one", "two", "b/three", "b/four")]
    expression = re.compile(path_pattern(urls) + "$")
    for path in ("/a/five", "/a/b/six"):
        assert expression.match(path)
    for path in ("/a", "/a/b/c/d"):
        assert not expression.match(path)


def test_a_page_number_may_be_all_of_a_path() -> None:
    assert path_page_number(SITE + "/page3/") == 3
    assert path_page_number(SITE + "/p3/") is None


def test_large_sitemaps_wait_as_a_sample_but_are_known_in_full() -> None:
    frontier = Frontier(SITE + "/", CrawlPlan(waiting_per_template=5, details=50, details_per_template=50))
    frontier.add_sitemap({f"{SITE}/products/bolt-{number}": "product" for number in range(100)})
    taken = 0
    while frontier.next() is not None:
        taken += 1
    assert (taken, len(frontier.known)) == (5, 100)


def test_pages_in_files_of_their_own_belong_to_the_listing_and_are_no_categories() -> None:
    urls = [f"https://shop.example/c/mugs/page-{number}.html" for number in (2, 3)]
    suffix = paging_suffix(urls)
    assert re.fullmatch(f"/c/mugs/{suffix}", "/c/mugs/page-17.html")
    assert re.fullmatch(f"/c/mugs/{suffix}", "/c/mugs/")
    assert not re.fullmatch(f"/c/mugs/{suffix}", "/c/mugs/red-mug.html")


def test_a_path_that_pages_by_directory_keeps_its_form() -> None:
    suffix = paging_suffix(["https://blog.example/news/page/4/"])
    assert re.fullmatch(f"/news/{suffix}", "/news/page/12/")
    assert paging_suffix(["https://blog.example/news/"]) == ""
