"""The list of jobs, as people use it."""

from playwright.async_api import expect

from tests.web.browser import inspect
from tests.web.conftest import ApiAs, OpenAs
from tests.web.platform import Program
from tests.web.queued_jobs import Started, idle_worker, started

__all__ = ["idle_worker", "started"]


async def test_the_list_is_filtered_and_lives(
    open_as: OpenAs, started: Started, api_as: ApiAs, idle_worker: Program
) -> None:
    site = await started()
    page = await open_as("viewer", "/sites")
    await page.get_by_role("navigation", name="Areas").get_by_role("link", name="Jobs").click()
    row = page.locator(f"#job-{site['job_id']}")
    await expect(row).to_contain_text(site["domain"])
    await expect(row).to_contain_text("Queued")
    await (await api_as("admin")).post(f"/api/v1/jobs/{site['job_id']}/cancel")
    # Nobody reloads the page.
    await expect(row).to_contain_text("Cancelled")
    await inspect(page, "jobs-list")
    await page.get_by_label("Status").select_option("Queued")
    await page.wait_for_url("**/jobs?status=queued**")
    await expect(row).to_have_count(0)
    await page.get_by_label("Status").select_option("Cancelled")
    await expect(row).to_have_count(1)
    await page.get_by_label("Type").select_option("Blueprint update")
    await expect(page.get_by_role("heading", name="No job is like that")).to_be_visible()
    await inspect(page, "jobs-none-found")
    page.watch.expected.add(400)  # type: ignore[attr-defined]
    await page.goto("/jobs?status=%3Cb%3E")
    await expect(page.get_by_role("alert")).to_contain_text("Status")
    await expect(page.get_by_label("Status")).to_have_attribute("aria-invalid", "true")
    await page.goto("/jobs?cursor=nonsense")
    await expect(page.get_by_role("alert")).to_be_visible()


async def test_pages_of_the_list_have_addresses(
    open_as: OpenAs, api_as: ApiAs, started: Started, idle_worker: Program
) -> None:
    site = await started()
    admin = await api_as("admin")
    await admin.post(f"/api/v1/jobs/{site['job_id']}/cancel")
    for _ in range(51):
        job = (await admin.post("/api/v1/jobs", json={"site_id": site["id"], "job_type": "fingerprint"})).json()
        assert (await admin.post(f"/api/v1/jobs/{job['id']}/cancel")).status_code == 200
    page = await open_as("viewer", "/jobs?job_type=fingerprint", javascript=False)
    await expect(page.locator("tbody tr")).to_have_count(50)
    await page.get_by_role("link", name="Next page").click()
    await expect(page.get_by_label("Type")).to_have_value("fingerprint")
    await expect(page.locator("tbody tr").first).to_be_visible()
    await page.get_by_role("link", name="First page").click()
    await expect(page.locator("tbody tr")).to_have_count(50)
