"""What a scan finds on sites whose truth is known."""

import asyncio
import re
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import msgspec
import pytest

from tests.engine.scan.visits import category_paths, f1, options_for, visit
from tests.sites import blog, docs, forum, recipes, shop
from tests.sites.player import Truth, play
from webintel.demo.server import Reply, Request, Site
from webintel.engine.model import Blueprint
from webintel.engine.page import Page
from webintel.engine.progress import Progress
from webintel.engine.scan import ScanResult, fingerprint_domain, scan, verify
from webintel.engine.selectors import apply_selectors, match_page_type


class Place(NamedTuple):
    site: Site
    domain: str
    truth: Truth

    def page(self, path: str) -> Page:
        body = self.site(Request("GET", self.domain, path, {}, {})).body
        assert isinstance(body, bytes)
        return Page.from_bytes(f"http://{self.domain}{path}", body)


PLACES = {
    "shop": Place(shop.shop, shop.SHOP_DOMAIN, shop.TRUTH),
    "blog": Place(blog.blog, blog.BLOG_DOMAIN, blog.TRUTH),
    "docs": Place(docs.docs, docs.DOCS_DOMAIN, docs.TRUTH),
    "forum": Place(forum.forum, forum.FORUM_DOMAIN, forum.TRUTH),
    "recipes": Place(recipes.recipes, recipes.RECIPES_DOMAIN, recipes.TRUTH),
}
_results: dict[str, ScanResult] = {}


async def scanned(name: str) -> ScanResult:
    """Scan each site once for all the tests of this module."""
    if name not in _results:
        place = PLACES[name]
        _results[name] = await visit(place.site, place.domain)
    return _results[name]


def fetched_paths(name: str, result: ScanResult) -> set[str]:
    start = f"http://{PLACES[name].domain}"
    return {fetch.url.removeprefix(start) for fetch in result.fetches if fetch.outcome == "ok"}


@pytest.mark.parametrize(
    ("name", "least"), [("shop", 1.0), ("blog", 0.9), ("docs", 0.6), ("forum", 0.9), ("recipes", 0.9)]
)
async def test_categories(name: str, least: float) -> None:
    blueprint = (await scanned(name)).blueprint
    assert f1(category_paths(blueprint), PLACES[name].truth.categories) >= least


async def test_the_category_tree_has_its_levels() -> None:
    blueprint = (await scanned("shop")).blueprint
    by_id = {category.id: category for category in blueprint.categories}
    knives = next(category for category in blueprint.categories if category.url.endswith("/c/kitchen/knives"))
    assert (knives.name, knives.depth) == ("Knives", 1)
    assert knives.parent_id is not None
    assert by_id[knives.parent_id].name == "Kitchen"


@pytest.mark.parametrize("name", PLACES)
async def test_every_page_is_given_to_a_type_of_its_kind(name: str) -> None:
    blueprint = (await scanned(name)).blueprint
    kinds = {page_type.name: page_type.kind for page_type in blueprint.page_types}
    total = right = 0
    for kind, paths in PLACES[name].truth.kinds.items():
        for path in list(paths)[:20]:
            page = PLACES[name].page(path)
            found = match_page_type(blueprint, page.url, page)
            total += 1
            right += found is not None and kinds[found] == kind
    assert right / total >= 0.9


@pytest.mark.parametrize("name", PLACES)
async def test_selectors_give_the_true_values_on_pages_never_fetched(name: str) -> None:
    result = await scanned(name)
    seen = fetched_paths(name, result)
    unseen = [path for path in PLACES[name].truth.values if path not in seen][:20]
    wrong: list[tuple[str, str, object, str]] = []
    total = 0
    for path in unseen or list(PLACES[name].truth.values)[:20]:
        values = extracted(result.blueprint, PLACES[name].page(path))
        for field, expected in PLACES[name].truth.values[path].items():
            total += 1
            if not agrees(field, values.get(field), expected):
                wrong.append((path, field, values.get(field), expected))
    assert len(wrong) <= 0.05 * total, wrong[:10]


def extracted(blueprint: Blueprint, page: Page) -> dict[str, object]:
    name = match_page_type(blueprint, page.url, page)
    return dict(apply_selectors([found for found in blueprint.selectors if found.page_type == name], page))


def agrees(field: str, found: object, expected: str) -> bool:
    if not isinstance(found, str):
        return False
    if field == "availability":
        return ("out" in found.lower()) == (expected == "out_of_stock")
    if field == "published_at":
        return found.startswith(expected)
    if field == "price":
        return found.strip("£ ") == expected
    return found.removesuffix("¶") == expected


@pytest.mark.parametrize("name", PLACES)
async def test_a_pass_rate_is_what_the_site_bears_out(name: str) -> None:
    blueprint = (await scanned(name)).blueprint
    truth = PLACES[name].truth.values
    right: Counter[tuple[str, str]] = Counter()
    tried: Counter[tuple[str, str]] = Counter()
    for path in list(truth)[::3]:
        page = PLACES[name].page(path)
        page_type = match_page_type(blueprint, page.url, page)
        assert page_type is not None
        values = extracted(blueprint, page)
        for field, expected in truth[path].items():
            tried[page_type, field] += 1
            right[page_type, field] += agrees(field, values.get(field), expected)
    for selector in blueprint.selectors:
        assert 0.0 <= selector.test_pass_rate <= 1.0
        place = (selector.page_type, selector.field_name)
        if selector.pages_tested and tried[place] >= 10:
            assert selector.test_pass_rate == pytest.approx(right[place] / tried[place], abs=0.15), selector


async def test_the_ways_through_the_shop() -> None:
    blueprint = (await scanned("shop")).blueprint
    assert blueprint.pagination.kind in ("query", "next_link")
    assert {found.param for found in blueprint.filters} >= {"brand", "colour", "sort"}
    endpoints = {
        (found.kind, found.url.removeprefix(f"http://{shop.SHOP_DOMAIN}").split("?")[0])
        for found in blueprint.endpoints
    }
    assert ("feed", "/journal/feed.xml") in endpoints
    assert ("rest", "/api/products.json") in endpoints
    assert any(kind == "sitemap" for kind, _ in endpoints)


async def test_what_the_sites_run_on() -> None:
    assert (await scanned("blog")).blueprint.fingerprint.platform == "WordPress"
    assert any(found.name == "Sphinx" for found in (await scanned("docs")).blueprint.fingerprint.technologies)
    for name in PLACES:
        assert not (await scanned(name)).blueprint.render_hints.requires_js


@pytest.mark.parametrize("name", PLACES)
async def test_confidence_follows_its_formula_and_is_worth_something(name: str) -> None:
    assert 0.5 <= (await scanned(name)).blueprint.confidence_score <= 1.0


@pytest.mark.parametrize("name", ["shop", "forum"])
async def test_the_same_bytes_give_the_same_blueprint(name: str) -> None:
    again = await visit(PLACES[name].site, PLACES[name].domain)
    first = await scanned(name)
    assert msgspec.json.encode(again.blueprint) == msgspec.json.encode(first.blueprint)


async def test_what_robots_forbids_is_never_asked_for() -> None:
    with play(shop.shop) as site:
        await scan(f"http://{shop.SHOP_DOMAIN}", options_for(shop.SHOP_DOMAIN, site.port, max_pages=60))
        asked = list(site.requests)
    assert "/robots.txt" in asked
    assert not [path for path in asked if path.startswith(("/cart", "/account/", "/search")) or "sort=" in path]


@pytest.mark.parametrize("limits", [{"max_pages": 1}, {"max_pages": 8}, {"max_seconds": 2.0, "delay": 0.2}])
async def test_a_small_budget_still_gives_a_blueprint(limits: dict[str, float]) -> None:
    with play(shop.shop) as site:
        result = await scan(f"http://{shop.SHOP_DOMAIN}", options_for(shop.SHOP_DOMAIN, site.port, **limits))
    assert result.blueprint.page_types
    others = ("/robots.txt", "/sitemap", "/api/", "feed.xml")
    pages = [fetch.url for fetch in result.fetches if fetch.outcome == "ok" and not any(o in fetch.url for o in others)]
    assert 1 <= len(pages) <= limits.get("max_pages", 20)


async def test_progress_is_told_step_by_step() -> None:
    seen: list[Progress] = []
    await visit(shop.shop, shop.SHOP_DOMAIN, seen.append, max_pages=20)
    percentages = [progress.percentage for progress in seen]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100.0
    steps = list(dict.fromkeys(progress.step for progress in seen))
    assert steps == ["connecting", "fingerprinting", "discovering", "inducing selectors", "assembling", "done"]


async def test_the_event_loop_stays_alive_during_the_analysis() -> None:
    beats = 0
    beats_at: dict[str, int] = {}

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    def note(progress: Progress) -> None:
        beats_at.setdefault(progress.step, beats)

    heart = asyncio.ensure_future(beat())
    await visit(shop.shop, shop.SHOP_DOMAIN, note, max_pages=30)
    heart.cancel()
    assert beats_at["assembling"] > beats_at["inducing selectors"] + 10


async def test_cancelling_ends_a_visit() -> None:
    with play(shop.shop) as site:
        options = options_for(shop.SHOP_DOMAIN, site.port, delay=5.0)
        started = asyncio.Event()
        task = asyncio.ensure_future(scan(f"http://{shop.SHOP_DOMAIN}", options, lambda _progress: started.set()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_fingerprint_by_itself() -> None:
    with play(blog.blog) as site:
        fingerprint, fetches = await fingerprint_domain(
            f"http://{blog.BLOG_DOMAIN}", options_for(blog.BLOG_DOMAIN, site.port)
        )
    assert fingerprint.platform == "WordPress"
    assert 1 <= len([fetch for fetch in fetches if fetch.outcome == "ok"]) <= 5


async def test_a_blueprint_is_measured_again() -> None:
    blueprint = (await scanned("recipes")).blueprint
    with play(recipes.recipes) as site:
        unchanged = await verify(blueprint, options_for(recipes.RECIPES_DOMAIN, site.port))
    assert unchanged.pages_tested > 0
    assert unchanged.broken == []

    def redesigned(request: Request) -> Reply:
        reply = recipes.recipes(request)
        assert isinstance(reply.body, bytes)
        return replace(
            reply, body=re.sub(rb"<(/?)(h1|li|ul|ol)\b", rb"<\1span", reply.body).replace(b"recipe", b"dish")
        )

    with play(redesigned) as site:
        changed = await verify(blueprint, options_for(recipes.RECIPES_DOMAIN, site.port))
    assert changed.broken
