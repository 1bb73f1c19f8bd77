"""The overview, as people use it."""

import re
from typing import Any

import httpx
from playwright.async_api import Locator, Page, expect

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs
from tests.web.platform import Platform
from tests.web.reports.past import HOSTILE_PLATFORM, Past
from webintel.web.formats import number, percent
from webintel.web.ranges import RANGES

URL = "/api/v1/analytics/dashboard"


async def dashboard(api: httpx.AsyncClient, date_range: str = "1d") -> dict[str, Any]:
    response = await api.get(URL, params={"date_range": date_range})
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


def tile(page: Page, title: str) -> Locator:
    return page.locator(".tile").filter(has=page.locator("dt", has_text=re.compile(f"^{title}$")))


async def test_it_says_what_the_api_says_in_every_range(open_as: OpenAs, api_as: ApiAs, past: Past) -> None:
    api = await api_as("viewer")
    page = await open_as("viewer", "/")
    await expect(page).to_have_title("Overview · Web Intelligence Platform")
    for chosen in RANGES:
        await page.get_by_role("link", name=chosen.title).click()
        await page.wait_for_url(f"**/?date_range={chosen.name}")
        await expect(page.get_by_role("link", name=chosen.title)).to_have_attribute("aria-current", "true")
        report = await dashboard(api, chosen.name)
        jobs = report["jobs"]
        await expect(tile(page, "Sites").locator("strong")).to_have_text(number(report["sites"]["total"]))
        await expect(tile(page, "Jobs").locator("strong")).to_have_text(number(jobs["total"]))
        await expect(tile(page, "Success rate").locator("strong")).to_have_text(percent(jobs["success_rate"], 1))
        await expect(page.locator(".plot canvas")).to_have_count(4)
        plotted = page.locator("#jobs-by-outcome")
        await plotted.get_by_text("As a table").click()
        table = await plotted.locator("details tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.querySelectorAll('td')]"
            ".map(cell => +cell.textContent.replace(/\\D/g, '')))"
        )
        steps = report["trends"]["starts_at"]
        assert len(table) == len(steps)
        for at, status in enumerate(("success", "failed", "dead", "cancelled")):
            assert sum(row[at] for row in table) == jobs["by_status"][status], (chosen.name, status)
            by_step = [sum(one["jobs"][step] for one in jobs["series"] if one["status"] == status)
                       for step in range(len(steps))]  # fmt: skip
            assert [row[at] for row in table] == by_step
    for status, count in report["sites"]["by_status"].items():
        row = page.get_by_role("row").filter(has=page.locator(f'a[href="/sites?status={status}"]'))
        await expect(row.locator(".num")).to_have_text(number(count))
    rows = page.get_by_role("table", name="Sites of the highest value").locator("tbody tr")
    for top, row in zip(report["top_sites"], await rows.all(), strict=True):
        await expect(row).to_contain_text(top["domain_unicode"])


async def test_attention_comes_first_and_leads_to_where_something_can_be_done(
    open_as: OpenAs, api_as: ApiAs, past: Past
) -> None:
    report = await dashboard(await api_as("viewer"))
    page = await open_as("viewer", "/")
    concerns = page.locator(".concern")
    kinds = [alert["kind"] for alert in report["alerts"]]
    assert set(kinds) == {"jobs_dead", "jobs_waiting", "sites_failed", "sites_in_review", "selectors_fell",
                          "sites_not_discovered"}  # fmt: skip
    assert await concerns.evaluate_all("all => all.map(one => one.id)") == [f"concern-{kind}" for kind in kinds]
    for alert, concern in zip(report["alerts"], await concerns.all(), strict=True):
        await expect(concern).to_contain_text(alert["sentence"])
        await expect(concern.locator("li")).to_have_count(len(alert["items"]))
    links = {
        "jobs_dead": f"/jobs/{past.dead_job['id']}",
        "sites_failed": f"/sites/{past.failed['id']}/jobs",
        "sites_in_review": f"/sites/{past.best['id']}/blueprint",
        "selectors_fell": f"/sites/{past.best['id']}/versions",
    }
    for kind, href in links.items():
        items = next(alert["items"] for alert in report["alerts"] if alert["kind"] == kind)
        if any(item["site_id"] in href or (item["job_id"] and item["job_id"] in href) for item in items):
            await expect(page.locator(f'#concern-{kind} a[href="{href}"]')).to_have_count(1)
    first = await page.locator(".concern a").first.bounding_box()
    plot = await page.locator(".plot").first.bounding_box()
    assert first is not None
    assert plot is not None
    assert first["y"] < plot["y"]
    await page.locator("#concern-sites_failed").get_by_role("link", name="See all").click()
    await expect(page.get_by_label("Status")).to_have_value("failed")


async def test_names_that_mean_harm_are_text(open_as: OpenAs, past: Past) -> None:
    page = await open_as("viewer", "/?date_range=30d")
    await expect(page.get_by_role("rowheader", name=HOSTILE_PLATFORM)).to_be_visible()
    await expect(page.get_by_role("link", name=past.best["domain_unicode"], exact=True)).to_be_visible()


async def test_it_renews_itself_and_keeps_what_one_has_unfolded(
    open_as: OpenAs, api_as: ApiAs, past: Past, platform: Platform
) -> None:
    page = await open_as("admin")
    await page.clock.install()
    await page.goto("/")
    table = page.locator("#jobs-by-outcome details")
    await table.locator("summary").click()
    await page.locator("#concern-jobs_dead summary").click()
    await expect(page.locator(".plot canvas")).to_have_count(4)
    await page.evaluate(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) "
        "if (!entry.hadRecentInput) window.shift += entry.value; }).observe({type: 'layout-shift'})"
    )
    before = await tile(page, "Sites").locator("strong").inner_text()
    api = await api_as("admin")
    added = await api.post("/api/v1/sites", json={"domain": "one-more.example"})
    assert added.status_code == 201
    await page.clock.run_for(31_000)
    await expect(tile(page, "Sites").locator("strong")).to_have_text(str(int(before) + 1))
    await expect(table).to_have_attribute("open", "")
    await expect(page.locator("#concern-jobs_dead details")).to_have_attribute("open", "")
    await expect(page.locator(".plot canvas")).to_have_count(4)
    assert await page.evaluate("window.shift") < 0.01
    assert (await api.delete(f"/api/v1/sites/{added.json()['id']}")).status_code == 204


async def test_it_says_when_the_api_is_away_and_goes_on(open_as: OpenAs, past: Past, platform: Platform) -> None:
    page = await open_as("viewer")
    await page.clock.install()
    await page.goto("/")
    page.watch.expected.add(503)  # type: ignore[attr-defined]
    platform.api.stop()
    await page.clock.run_for(31_000)
    await expect(page.locator("#notice")).to_contain_text("The API does not answer")
    await expect(page.locator(".tile").first).to_be_visible()
    platform.api.start().wait()
    for _ in range(60):
        await page.clock.run_for(2_000)
        if not await page.locator("#notice p").count():
            break
        await page.wait_for_timeout(500)
    await expect(page.locator("#notice p")).to_have_count(0)


async def test_a_range_that_there_is_not_is_explained(open_as: OpenAs, past: Past) -> None:
    page = await open_as("viewer")
    page.watch.expected.add(400)  # type: ignore[attr-defined]
    response = await page.goto("/?date_range=2y")
    assert response is not None
    assert response.status == 400
    await expect(page.get_by_text("it can be 1d, 7d, 30d, 90d, 1y")).to_be_visible()


async def test_without_javascript_the_tables_tell_the_same(open_as: OpenAs, past: Past) -> None:
    page = await open_as("viewer", "/?date_range=7d", javascript=False)
    await expect(page.locator(".plot").first).to_be_hidden()
    plotted = page.locator("#success-rate")
    await plotted.get_by_text("As a table").click()
    await expect(plotted.locator("details tbody tr")).to_have_count(7)


async def test_by_keyboard_alone(open_as: OpenAs, past: Past) -> None:
    page = await open_as("viewer", "/", width=360)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    for chosen in RANGES:
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name=chosen.title)).to_be_focused()
    await page.locator("#concern-jobs_dead summary").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#concern-jobs_dead details li").first).to_be_visible()


async def test_it_is_accessible_light_and_still(open_as: OpenAs, past: Past, platform: Platform) -> None:
    page = await open_as("admin", "/")
    await inspect(page, "overview")
    await page.locator("#jobs-by-outcome summary").click()
    await page.locator("#concern-jobs_dead summary").click()
    await inspect(page, "overview-unfolded")
    for date_range in ("1d", "1y"):
        octets, shift = await weigh(page.context, f"{platform.web.url}/?date_range={date_range}")
        assert 5_000 < octets < MOST_BYTES, date_range
        assert shift < 0.01, date_range
