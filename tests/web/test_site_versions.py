"""A blueprint's versions: what changed, and the way back."""

import msgspec
from playwright.async_api import expect

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs
from tests.web.platform import Platform
from tests.web.scanned import Publish, category, content, publish, selector

__all__ = ["publish"]


async def test_versions_are_compared_and_an_old_one_comes_back(
    open_as: OpenAs, api_as: ApiAs, publish: Publish
) -> None:
    kitchen, garden = category("Kitchen"), category("Garden")
    first = content(categories=[kitchen], confidence_score=0.9)
    second = content(
        categories=[msgspec.structs.replace(kitchen, name="Kitchen and table"), garden],
        selectors=[selector("name", "h1"), selector("price", "b.amount", test_pass_rate=0.4)],
        endpoints=[],
        confidence_score=0.4,
    )
    site = await publish(first, second)
    page = await open_as("scraper_engineer", f"/sites/{site.id}")
    await expect(page.locator("#site-state")).to_contain_text("Version 2 needs a person's eyes")
    await page.get_by_role("link", name="Versions").click()
    row = page.get_by_role("row").filter(has_text="v2")
    await expect(row).to_contain_text("In use")
    await expect(row).to_contain_text("Categories +1 added ~1 changed")
    await expect(row).to_contain_text("Endpoints \u22121 removed")
    await inspect(page, "site-versions")
    await page.get_by_role("button", name="Compare the two").press("Enter")
    await expect(page.get_by_role("heading", name="From version 1 to version 2")).to_be_visible()
    price = page.get_by_role("listitem").filter(has_text="price")
    await expect(price.locator("del").first).to_have_text("span.price")
    await expect(price.locator("ins").first).to_have_text("b.amount")
    await expect(page.locator("#categories-added")).to_contain_text("Garden")
    await expect(page.locator("#endpoints-removed")).to_contain_text("https://shop.example/feed")
    await inspect(page, "site-comparison")
    await page.get_by_role("link", name="the other way round").click()
    await expect(page.locator("#categories-removed")).to_contain_text("Garden")
    await page.get_by_role("link", name="All versions").click()
    await page.get_by_role("link", name="Roll back to version 1").click()
    await page.get_by_label("Reason").fill("   ")
    page.watch.expected.add(400)  # type: ignore[attr-defined]
    await page.get_by_role("button", name="Roll back").click()
    await expect(page.get_by_label("Reason")).to_have_attribute("aria-invalid", "true")
    await inspect(page, "site-rollback")
    await page.get_by_label("Reason").fill("The price of v2 fails <i>")
    await page.get_by_role("button", name="Roll back").click()
    await expect(page.get_by_text("Version 3 brings version 1 back")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="v3")
    await expect(row).to_contain_text("Brings v1 back: The price of v2 fails <i>")
    await expect(row).to_contain_text("In use")
    newest = (await (await api_as("viewer")).get(f"/api/v1/sites/{site.id}/blueprint")).json()
    assert (newest["version"], newest["restored_version"]) == (3, 1)
    await page.get_by_role("link", name="v1", exact=True).click()
    await expect(page.get_by_text("Old", exact=True)).to_be_visible()


async def test_a_difference_without_end_comes_part_by_part(open_as: OpenAs, publish: Publish) -> None:
    many = [category(f"Category {number}") for number in range(120)]
    site = await publish(content(categories=[]), content(categories=many))
    page = await open_as("viewer", f"/sites/{site.id}/versions/compare?old={site.versions[0]}&new={site.versions[1]}")
    shown = page.locator("#categories-added li")
    await expect(shown).to_have_count(50)
    await page.get_by_role("link", name="Next 50").click()
    await page.get_by_role("link", name="Next 20").click()
    await expect(shown).to_have_count(20)
    await page.get_by_role("link", name="Back").click()
    await expect(shown).to_have_count(50)


async def test_equal_versions_say_so_and_a_choice_of_none_leads_back(open_as: OpenAs, publish: Publish) -> None:
    same = content()
    site = await publish(same, same)
    page = await open_as("viewer", f"/sites/{site.id}/versions")
    await expect(page.get_by_text("Nothing changed")).to_be_visible()
    await page.get_by_role("button", name="Compare the two").click()
    await expect(page.get_by_role("heading", name="No differences")).to_be_visible()
    await inspect(page, "site-comparison-same")
    await page.goto(f"/sites/{site.id}/versions/compare?old=nonsense")
    await expect(page.get_by_text("Choose two versions to compare.")).to_be_visible()


async def test_a_site_without_versions_says_what_to_do(open_as: OpenAs, publish: Publish) -> None:
    site = await publish(status="fingerprinted")
    page = await open_as("product_lead", f"/sites/{site.id}")
    await expect(page.locator("#site-state")).to_contain_text("Start a discovery")
    await page.get_by_role("link", name="Versions").click()
    await expect(page.get_by_role("heading", name="No blueprint yet")).to_be_visible()
    await expect(page.get_by_label("What to start").locator("option")).to_have_count(2)
    await inspect(page, "site-no-versions")


async def test_pages_are_light_and_nothing_on_them_jumps(open_as: OpenAs, publish: Publish, platform: Platform) -> None:
    site = await publish(content(), content(selectors=[selector("name", "h2")]))
    page = await open_as("admin", "/sites/new")
    old, new = site.versions
    for path in (f"versions/compare?old={old}&new={new}", f"versions/{old}/rollback", f"blueprint/{old}"):
        octets, shift = await weigh(page.context, f"{platform.web.url}/sites/{site.id}/{path}")
        assert 5_000 < octets < MOST_BYTES, path
        assert shift < 0.01, path
