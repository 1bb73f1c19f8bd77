"""Analytics over all sites and of one, as people use them."""

import pytest
from playwright.async_api import expect

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs
from tests.web.platform import Platform
from tests.web.reports.past import HOSTILE_FIELD, Past
from webintel.web.formats import duration, number, percent
from webintel.web.plots import sparkline


async def test_methods_and_selectors_are_what_the_api_says(open_as: OpenAs, api_as: ApiAs, past: Past) -> None:
    api = await api_as("viewer")
    page = await open_as("viewer", "/analytics")
    await page.get_by_role("link", name="30 days").click()
    await page.wait_for_url("**/analytics?date_range=30d")
    methods = (await api.get("/api/v1/analytics/methods", params={"date_range": "30d"})).json()
    assert len(methods["methods"]) == 2
    rows = page.get_by_role("table", name="Discoveries by method").locator("tbody tr")
    for one, row in zip(methods["methods"], await rows.all(), strict=True):
        await expect(row.locator("td").first).to_have_text(number(one["jobs"]))
        await expect(row).to_contain_text(percent(one["success_rate"]))
        await expect(row).to_contain_text(duration(one["mean_seconds"]))
    rows = page.get_by_role("table", name="By method and platform").locator("tbody tr")
    await expect(rows).to_have_count(len(methods["platforms"]))
    selectors = (await api.get("/api/v1/analytics/selectors")).json()
    assert selectors["failing"]
    rows = page.get_by_role("table", name="Failing selectors").locator("tbody tr")
    for one, row in zip(selectors["failing"], await rows.all(), strict=True):
        await expect(row.locator("th")).to_have_text(one["field_name"])
        await expect(row.locator("td.num").first).to_have_text(number(one["failing"]))
    assert HOSTILE_FIELD in {one["field_name"] for one in selectors["failing"]}
    await page.get_by_text("week by week, as a table").click()
    weeks = page.get_by_role("table", name="Pass rates of versions").locator("tbody tr")
    for one, row in zip(selectors["failing"], await weeks.all(), strict=True):
        told = await row.locator("td").all_inner_texts()
        assert told == [percent(week["mean_pass_rate"]) for week in one["trend"]]
    await page.locator("#survival summary").click()
    known = [one for one in selectors["lifetime"]["survival"] if one["share"] is not None]
    assert known
    rows = page.locator("#survival details tbody tr")
    await expect(rows).to_have_count(1 + len(known))
    await expect(rows.last).to_contain_text(str(known[-1]["weeks"]))
    await expect(rows.last).to_contain_text(number(round(known[-1]["share"] * 100, 1), 1))


async def test_time_to_blueprint_is_over_90_days_whatever_the_range_is(open_as: OpenAs, past: Past) -> None:
    page = await open_as("viewer", "/analytics?date_range=1d")
    await expect(page.locator("#time-to-blueprint details tbody tr")).to_have_count(90)
    await expect(page.locator(".plot canvas")).to_have_count(2)


async def test_a_site_shows_its_visits_and_its_pass_rates_over_versions(
    open_as: OpenAs, api_as: ApiAs, past: Past
) -> None:
    api = await api_as("viewer")
    report = (await api.get(f"/api/v1/analytics/sites/{past.best['id']}")).json()
    page = await open_as("viewer", f"/sites/{past.best['id']}/analytics")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(past.best["domain_unicode"])
    await expect(page.locator(".plot canvas")).to_have_count(2)
    assert len(report["versions"]) == 14
    rows = page.get_by_role("table", name="Pass rates of selectors").locator("tbody tr")
    for one, row in zip(report["selectors"], await rows.all(), strict=True):
        assert await row.locator("td.heat").all_inner_texts() == [percent(rate) for rate in one["pass_rates"]]
    visits = page.get_by_role("table", name="Visits").locator("tbody tr")
    await expect(visits).to_have_count(len(report["discoveries"]))
    await expect(visits.first.get_by_role("link")).to_have_attribute(
        "href", f"/jobs/{report['discoveries'][0]['job_id']}"
    )
    tabs = page.get_by_role("navigation", name="This site")
    await expect(tabs.get_by_role("link", name="Analytics")).to_have_attribute("aria-current", "page")
    await expect(tabs.get_by_role("link", name="Overview")).to_have_attribute("href", f"/sites/{past.best['id']}")


async def test_a_site_without_a_visit_and_one_that_there_is_not(open_as: OpenAs, api_as: ApiAs, past: Past) -> None:
    api = await api_as("admin")
    site = (await api.post("/api/v1/sites", json={"domain": "not-visited.example"})).json()
    page = await open_as("viewer", f"/sites/{site['id']}/analytics")
    await expect(page.get_by_role("row", name="Discovery")).to_contain_text("Queued")
    await inspect(page, "site-analytics-new")
    await api.delete(f"/api/v1/sites/{site['id']}")
    page.watch.expected.add(404)  # type: ignore[attr-defined]
    await page.reload()
    await expect(page.get_by_text("There is no site with this id.")).to_be_visible()


async def test_without_javascript_tables_tell_everything(open_as: OpenAs, past: Past) -> None:
    page = await open_as("viewer", f"/sites/{past.best['id']}/analytics", javascript=False)
    await page.locator("#site-quality summary").click()
    await expect(page.locator("#site-quality details tbody tr")).to_have_count(14)
    await page.goto("/analytics")
    await expect(page.locator(".plot").first).to_be_hidden()
    await expect(page.locator(".sparkline polyline").first).to_be_visible()


async def test_they_are_accessible_light_and_still(open_as: OpenAs, past: Past, platform: Platform) -> None:
    page = await open_as("admin")
    for name, path in (("analytics", "/analytics"), ("site-analytics", f"/sites/{past.best['id']}/analytics")):
        await page.goto(path)
        for summary in await page.locator("main details summary").all():
            await summary.click()
        await inspect(page, name)
        octets, shift = await weigh(page.context, f"{platform.web.url}{path}")
        assert 5_000 < octets < MOST_BYTES, path
        assert shift < 0.01, path


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([], []),
        ([None, None], []),
        ([1.0, 0.0, None, 0.5], ["0.0,1.0 10.0,9.0", "30.0,5.0 30.0,5.0"]),
    ],
)
def test_sparklines_have_holes(values: list[float | None], lines: list[str]) -> None:
    assert sparkline(values, 30, 10) == lines
