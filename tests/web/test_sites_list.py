"""The list of sites, as people use it."""

import re
from collections.abc import Callable

from playwright.async_api import expect

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs
from tests.web.platform import Platform
from webintel.db import Database
from webintel.sites.models import Site
from webintel.web.form_sizes import DOMAIN_LENGTH, NOTES_LENGTH

NewDomain = Callable[[], str]


async def test_a_site_is_added_and_its_row_changes_until_the_blueprint_is_there(
    open_as: OpenAs, new_domain: NewDomain
) -> None:
    domain = new_domain()
    page = await open_as("product_lead", "/sites/new")
    await inspect(page, "sites-new")
    await page.get_by_label("Domain").fill(domain)
    await page.get_by_label("Business value").fill("0.85")
    await page.get_by_role("button", name="Add the site").click()
    await expect(page.get_by_text(f"{domain} is registered")).to_be_visible()
    row = page.get_by_role("row").filter(has_text=domain)
    await expect(row).to_contain_text("0.85")
    # Nobody reloads the page.
    await expect(row).to_contain_text(re.compile("Ready|Review"), timeout=180_000)
    await expect(row).to_contain_text("v1", timeout=60_000)
    await page.reload()
    await expect(page.get_by_text("is registered")).to_have_count(0)
    await inspect(page, "sites-list")


async def test_what_cannot_be_added_is_explained_at_its_field(open_as: OpenAs, new_domain: NewDomain) -> None:
    domain = new_domain()
    page = await open_as("admin", "/sites/new")
    for text in (domain, domain, "no domain"):
        page.watch.expected |= {400, 409}  # type: ignore[attr-defined]
        await page.goto("/sites/new")
        await page.get_by_label("Domain").fill(text)
        await page.get_by_label("Notes").fill("Keep this.")
        await page.keyboard.press("Tab")
        await page.get_by_role("button", name="Add the site").click()
        if text == "no domain":
            await expect(page.get_by_label("Domain")).to_have_attribute("aria-invalid", "true")
        elif page.url.endswith("/sites/new"):
            await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("Domain")).to_have_value("no domain")
    await expect(page.get_by_label("Notes")).to_have_value("Keep this.")
    await inspect(page, "sites-new-refused")


async def test_a_list_of_a_hundred_is_added_with_a_result_for_each_line(
    open_as: OpenAs, new_domain: NewDomain, api_as: ApiAs
) -> None:
    admin = await api_as("admin")
    known, added = new_domain(), [new_domain() for _ in range(3)]
    await admin.post("/api/v1/sites", json={"domain": known})
    page = await open_as("admin", "/sites/import")
    await page.get_by_label("Domains").fill("\n".join([*added, "", known, "not a domain", added[0]]))
    await page.get_by_role("button", name="Add the sites").click()
    results = page.get_by_role("row")
    await expect(results).to_have_count(1 + 5)
    await expect(page.get_by_text("3 of 5 added.")).to_be_visible()
    await expect(results.filter(has_text=known)).to_contain_text("Known")
    await expect(results.filter(has_text="not a domain")).to_contain_text("Wrong")
    await inspect(page, "sites-import")
    page.watch.expected.add(400)  # type: ignore[attr-defined]
    await page.get_by_label("Domains").fill("\n".join(f"site-{number}.example" for number in range(101)))
    await page.get_by_role("button", name="Add the sites").click()
    await expect(page.get_by_role("alert")).to_contain_text("These are 101; give 100 at a time.")


async def test_searching_sorting_and_paging_have_addresses_that_the_back_button_knows(
    open_as: OpenAs, stored: Database
) -> None:
    domains = [f"paged-{number:03}.example" for number in range(52)]
    async with stored.transaction() as session:
        session.add_all(
            Site(domain=domain, domain_unicode=domain, business_value_score=number / 100, platform="woocommerce")
            for number, domain in enumerate(domains)
        )
    page = await open_as("viewer", "/sites")
    await page.get_by_label("Domain", exact=True).fill("paged-")
    await page.wait_for_url("**/sites?search=paged-**")
    shown = page.locator("tbody th")
    await expect(shown).to_have_count(50)
    await expect(page.get_by_label("Domain", exact=True)).to_be_focused()
    await page.get_by_role("link", name="Value").click()
    await expect(shown.first).to_have_text("paged-051.example")
    await expect(page.get_by_role("columnheader", name="Value")).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("link", name="Next page").click()
    await expect(shown).to_have_text(["paged-001.example", "paged-000.example"])
    await page.go_back()
    await expect(shown).to_have_count(50)
    await expect(page.get_by_label("Domain", exact=True)).to_have_value("paged-")
    await page.go_forward()
    await expect(shown).to_have_count(2)
    await page.get_by_role("link", name="First page").click()
    await expect(shown).to_have_count(50)
    await page.get_by_label("Value at least").fill("0.5")
    await expect(shown).to_have_count(2)
    await page.get_by_label("Domain", exact=True).fill("no such site")
    await expect(page.get_by_role("heading", name="No site is like that")).to_be_visible()
    await inspect(page, "sites-none-found")


async def test_without_javascript_everything_works_too(open_as: OpenAs, new_domain: NewDomain) -> None:
    domain = new_domain()
    page = await open_as(None, "/sites", javascript=False)
    await page.get_by_label("E-mail address").fill("admin@people.example")
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("link", name="Add a site").click()
    await page.get_by_label("Domain").fill(domain)
    await page.get_by_role("button", name="Add the site").click()
    await page.get_by_label("Domain", exact=True).fill(domain)
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("tbody th")).to_have_text([domain])
    await page.get_by_text("Admin", exact=True).first.click()
    await page.get_by_role("button", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.get_by_text("Admin", exact=True).first.click()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("You have signed out.")).to_be_visible()


async def test_by_keyboard_alone_at_360_pixels(open_as: OpenAs) -> None:
    page = await open_as("admin", "/sites", width=360)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Add a site")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Domain")).to_be_focused()
    menu = page.locator("details.menu > summary")
    await menu.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Log out")).to_be_visible()
    await inspect(page, "menu")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    await expect(menu).to_be_focused()


async def test_the_longest_forms_are_read_and_longer_ones_are_told_what_to_do(open_as: OpenAs) -> None:
    page = await open_as("admin", "/sites/new")
    page.watch.expected = {400, 413}  # type: ignore[attr-defined]
    await page.get_by_label("Domain").fill("字" * DOMAIN_LENGTH)
    await page.get_by_label("Notes").fill(f"{'字' * 99}\n" * (NOTES_LENGTH // 100))
    await page.get_by_role("button", name="Add the site").click()
    await expect(page.get_by_role("alert")).to_contain_text("Domain")
    await expect(page.get_by_role("alert")).not_to_contain_text("Notes")
    await page.goto("/sites/import")
    longest = [f"{number:02}{'字' * (DOMAIN_LENGTH - 2)}" for number in range(100)]
    await page.get_by_label("Domains").fill("\n".join(longest))
    await page.get_by_role("button", name="Add the sites").click()
    await expect(page.get_by_text("0 of 100 added.")).to_be_visible()
    await page.goto("/sites/import")
    # Typing so much would take the browser minutes.
    await page.get_by_label("Domains").evaluate("area => { area.value = 'shop.example\\n'.repeat(50_000) }")
    await page.get_by_role("button", name="Add the sites").click()
    await expect(page.get_by_text("send a part of it at a time")).to_be_visible()
    await inspect(page, "sites-import-too-large")


async def test_pages_are_light_and_nothing_on_them_jumps(open_as: OpenAs, platform: Platform) -> None:
    page = await open_as("admin", "/sites")
    for path in ("/sites", "/sites/new", "/sites/import"):
        octets, shift = await weigh(page.context, f"{platform.web.url}{path}")
        assert 5_000 < octets < MOST_BYTES, path
        assert shift < 0.01, path
