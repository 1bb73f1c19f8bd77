"""A blueprint, as people read, copy and download it."""

import csv
import io
import json

import msgspec
import yaml
from playwright.async_api import Page, expect

from tests.web.browser import MOST_BYTES, check_accessible, check_fits, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs
from tests.web.platform import Platform
from tests.web.scanned import Publish, Scanned, category, content, publish, scanned, selector
from webintel.engine.model import Category, Endpoint, Filter, Fingerprint, PageType

__all__ = ["publish", "scanned"]

SCRIPT = "<script>window.hacked = true</script><img src=x onerror='window.hacked=true'>"
LINK = "javascript:window.hacked=true//https://shop.example/"
LONG = "x" * 400 + "\u202eabc" + "WordWithoutAnEnd" * 30


async def test_a_blueprint_shows_how_to_scrape_the_site(open_as: OpenAs, scanned: Scanned, api_as: ApiAs) -> None:
    stored = (await (await api_as("viewer")).get(f"/api/v1/sites/{scanned.id}/blueprint")).json()
    page = await open_as("viewer", f"/sites/{scanned.id}")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("navigation", name="This site").get_by_role("link", name="Blueprint").click()
    await expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    first = min(stored["selectors"], key=lambda one: one["page_type"])
    what = f"{first['field_name']} of {first['page_type']}"
    for kind, name in (("css", "CSS selector"), ("xpath", "XPath")):
        await page.get_by_role("button", name=f"Copy the {name} of {what}", exact=True).press("Enter")
        await expect(page.get_by_text("Copied")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == first[kind]
        await expect(page.get_by_text("Copied")).to_have_count(0)
    top = next(one for one in stored["categories"] if one["parent_id"] is None)
    under = next(one for one in stored["categories"] if one["parent_id"] == top["id"])
    tree = page.get_by_role("list", name="Category tree")
    await expect(tree.get_by_text(under["name"], exact=True).first).to_be_hidden()
    await tree.locator("summary").filter(has_text=top["name"]).first.press("Enter")
    await expect(tree.get_by_text(under["name"], exact=True).first).to_be_visible()
    example = stored["page_types"][0]["example_urls"][0]
    await expect(page.get_by_role("link", name=example).first).to_be_visible()
    await inspect(page, "site-blueprint")


async def test_a_blueprint_is_exported_as_a_file(
    open_as: OpenAs, scanned: Scanned, api_as: ApiAs, platform: Platform
) -> None:
    stored = (await (await api_as("viewer")).get(f"/api/v1/sites/{scanned.id}/blueprint")).json()
    page = await open_as("viewer", f"/sites/{scanned.id}/blueprint")
    texts = {}
    for name in ("json", "yaml", "csv"):
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name=f"{name.upper()} file of this version").click()
        download = await waiting.value
        assert download.suggested_filename == f"{scanned.domain}-v1.{name}"
        assert download.url == f"{platform.web.url}/sites/{scanned.id}/blueprint/{stored['id']}/export/{name}"
        texts[name] = (await download.path()).read_text()
    assert json.loads(texts["json"])["selectors"] == stored["selectors"]
    assert yaml.safe_load(texts["yaml"])["categories"] == stored["categories"]
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert len([row for row in rows if row["section"] == "selectors"]) == len(stored["selectors"])
    answer = await page.context.request.get(f"/sites/{scanned.id}/blueprint/{stored['id']}/export/exe")
    assert answer.status == 404


async def test_thousands_of_categories_are_fetched_branch_by_branch(
    open_as: OpenAs, publish: Publish, platform: Platform
) -> None:
    tops = [category(f"Top {number}") for number in range(130)]
    middle = [category(f"Middle {number}", tops[0]) for number in range(150)]
    deep = [category("Deep 0", middle[0])]
    for number in range(1, 400):
        deep.append(category(f"Deep {number}", deep[-1]))
    wide = [category(f"Wide {number}", middle[number % 150]) for number in range(1300)]
    site = await publish(content(categories=[*tops, *middle, *deep, *wide]))
    page = await open_as("viewer", f"/sites/{site.id}/blueprint")
    octets, _ = await weigh(page.context, f"{platform.web.url}/sites/{site.id}/blueprint")
    assert octets < MOST_BYTES
    tree = page.get_by_role("list", name="Category tree")
    await expect(tree.locator(":scope > li")).to_have_count(101)
    await tree.locator("summary").filter(has_text="Top 0").press("Enter")
    await expect(tree.get_by_text("Middle 99", exact=True)).to_be_visible()
    await tree.get_by_role("link", name="Show more: 50 left").click()
    await expect(tree.get_by_text("Middle 149", exact=True)).to_be_visible()
    await tree.locator("summary").filter(has_text="Middle 0").press("Enter")
    await tree.locator("summary").filter(has_text="Deep 0").press("Enter")
    await expect(tree.get_by_text("Deep 1", exact=True)).to_be_visible()
    await tree.get_by_role("link", name="Show more: 30 left").click()
    await expect(tree.get_by_text("Top 129", exact=True)).to_be_visible()
    await check_accessible(page)
    # The address of a branch, as one has it without a script.
    await page.goto(f"/sites/{site.id}/blueprint?category={deep[399].id}#categories")
    await expect(page.get_by_role("navigation", name="The way to this category")).to_contain_text("Deep 398")
    await check_fits(page)


async def test_without_javascript_a_large_tree_is_read_by_its_links(open_as: OpenAs, publish: Publish) -> None:
    top = category("Top")
    below = [category(f"Below {number}", top) for number in range(160)]
    site = await publish(content(categories=[top, *below, category("Lowest", below[0])]))
    page = await open_as("viewer", f"/sites/{site.id}/blueprint", javascript=False)
    await page.locator("summary").filter(has_text="Top").press("Enter")
    await page.get_by_role("link", name="Show the 160 in Top").click()
    await page.get_by_role("link", name="Show more: 60 left").click()
    await expect(page.get_by_text("Below 159", exact=True)).to_be_visible()
    way = page.get_by_role("navigation", name="The way to this category")
    await way.get_by_role("link", name="Top").click()
    await expect(page.get_by_text("Below 0", exact=True)).to_be_visible()


async def test_what_a_hostile_site_says_is_text_and_nothing_more(open_as: OpenAs, publish: Publish) -> None:
    evidence = {"kind": "html", "detail": SCRIPT + LONG, "url": LINK}
    technology = {"name": SCRIPT, "group": "platform", "version": LONG, "confidence": 1.0, "evidence": [evidence]}
    fingerprint = {
        "platform": SCRIPT,
        "requires_js": True,
        "requires_js_confidence": 1.0,
        "requires_js_reasons": [SCRIPT],
        "technologies": [technology],
        "complexity_score": 0.5,
        "complexity_reasons": [{"factor": "x", "weight": 0.5, "detail": LONG}],
    }
    hostile = content(
        fingerprint=msgspec.convert(fingerprint, Fingerprint),
        categories=[
            category(SCRIPT, url=LINK, confidence=0.5),
            category(LONG, url="https://shop.example/" + LONG),
            # A tree that bites its own tail, and an id that comes twice.
            Category(
                id="loop", name="Loop", slug="l", url=LINK, parent_id="loop", depth=0, example_url=LINK, confidence=1
            ),
            category("Twice", id="twice"),
            category("Twice again", id="twice", parent_id="twice"),
        ],
        page_types=[
            PageType(
                name=SCRIPT, kind="product", url_pattern=LONG, example_urls=[LINK, "data:text/html,x", LONG],
                page_count=1, confidence=0.5,
            )
        ],
        selectors=[
            selector(SCRIPT, LONG, sample_values=[SCRIPT, LONG], page_type=SCRIPT),
            selector("name", '"><script>window.hacked = true</script>', attribute=SCRIPT, scope=LONG),
        ],
        endpoints=[
            Endpoint(
                url=LINK, method="GET", kind="rest", params=[SCRIPT, LONG],
                response_schema={SCRIPT: LONG}, confidence=0.5,
            )
        ],
        filters=[Filter(name=SCRIPT, param=LONG, kind="facet", values=[SCRIPT, LONG])],
    )  # fmt: skip
    changed = content(categories=[category(LONG, url=LINK)], selectors=[selector(SCRIPT, "h1", page_type=SCRIPT)])
    site = await publish(changed, hostile, notes=SCRIPT + LONG)
    page = await open_as("admin", f"/sites/{site.id}", width=360)
    await page.locator(".technologies summary").first.click()
    await _harmless(page, "site-hostile-overview")
    await page.goto(f"/sites/{site.id}/edit")
    await _harmless(page, "site-hostile-edit")
    await page.goto(f"/sites/{site.id}/blueprint")
    await _harmless(page, "site-hostile-blueprint")
    await page.goto(f"/sites/{site.id}/versions")
    await page.get_by_role("button", name="Compare the two").click()
    await _harmless(page, "site-hostile-comparison")


async def _harmless(page: Page, name: str) -> None:
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("a[href^='javascript' i], a[href^='data' i]").count() == 0
    assert await page.locator("main script, main img").count() == 0
    await inspect(page, name)


async def test_another_sites_blueprint_is_not_shown_under_this_ones_name(open_as: OpenAs, publish: Publish) -> None:
    mine, other = await publish(content()), await publish(content())
    page = await open_as("admin", "/sites/new")
    theirs = other.versions[0]
    for path in (
        f"blueprint/{theirs}",
        f"blueprint/{theirs}/branch",
        f"blueprint/{theirs}/export/json",
        f"versions/{theirs}/rollback",
        f"versions/compare?old={mine.versions[0]}&new={theirs}",
        "blueprint?category=none",
    ):
        answer = await page.context.request.get(f"/sites/{mine.id}/{path}")
        assert answer.status == 404, path
