"""Jobs, as people follow, cancel and repeat them."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Route, expect
from sqlalchemy import update

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs, Person
from tests.web.platform import Platform, Program
from tests.web.queued_jobs import Started, idle_worker, started
from webintel.db import Database, create_database
from webintel.jobs.models import Job
from webintel.settings import load_settings

__all__ = ["idle_worker", "started"]

LONG = 300_000


@pytest.fixture
async def failing(api_as: ApiAs, started: Started, idle_worker: Program) -> dict[str, Any]:
    """A job that is going to fail: it tries selectors of a site that has none."""
    site = await started()
    admin = await api_as("admin")
    for job in (await admin.get("/api/v1/jobs", params={"site_id": site["id"]})).json()["items"]:
        assert (await admin.post(f"/api/v1/jobs/{job['id']}/cancel")).status_code == 200
    response = await admin.post("/api/v1/jobs", json={"site_id": site["id"], "job_type": "extraction"})
    assert response.status_code == 201, response.text
    idle_worker.thaw()
    return site | {"job_id": response.json()["id"]}


async def test_a_job_is_watched_until_it_is_done_and_says_what_it_fetched(
    open_as: OpenAs, started: Started, idle_worker: Program
) -> None:
    site = await started()
    page = await open_as("viewer", f"/jobs/{site['job_id']}")
    await expect(page.get_by_role("heading", name=f"Fingerprint of {site['domain']}")).to_be_visible()
    await expect(page.get_by_text("It begins as soon as a worker is free.")).to_be_visible()
    await expect(page.locator("#job[data-streaming]")).to_have_count(1)
    await inspect(page, "job-queued")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    idle_worker.thaw()
    state = page.locator("#job-now")
    await expect(state).to_contain_text("It is done.", timeout=LONG)
    # Nobody asked: it was told.
    assert [url for url in asked if "/jobs/" in url] == []
    await expect(page.locator("#job-poll")).to_have_count(0)
    await expect(page.locator("#job[data-streaming]")).to_have_count(0)
    await expect(page.get_by_role("article", name="What came of it")).to_contain_text("Technologies")
    await expect(page.get_by_role("article", name="What it asked for")).to_contain_text("Fetched")
    await expect(page.get_by_role("button", name="Cancel the job")).to_have_count(0)
    await expect(page.get_by_role("button", name="Blueprint of the site")).to_have_attribute(
        "href", f"/sites/{site['id']}/blueprint"
    )
    await inspect(page, "job-done")
    await page.reload()
    await expect(page.get_by_role("article", name="What it asked for")).to_contain_text("Fetched")
    assert [url for url in asked if url.endswith("/events")] == []


async def test_a_job_is_watched_though_one_script_comes_late(
    open_as: OpenAs, started: Started, idle_worker: Program
) -> None:
    site = await started()
    page = await open_as("viewer")

    async def late(route: Route) -> None:
        await asyncio.sleep(2)
        await route.continue_()

    await page.route("**/hx-sse.min.js*", late)
    await page.goto(f"/jobs/{site['job_id']}")
    await expect(page.locator("#job[data-streaming]")).to_have_count(1)


async def test_a_running_job_shows_how_far_it_is(
    open_as: OpenAs, started: Started, idle_worker: Program, stored: Database
) -> None:
    site = await started()
    running = {"status": "running", "progress_step": "discovering", "progress_percentage": 41.5}
    running |= {"progress_message": f"52 of at most 150 pages of {site['domain']}", "attempt_count": 1}
    async with stored.transaction() as session:
        job = update(Job).where(Job.id == UUID(site["job_id"])).values(**running, started_at=datetime.now(UTC))
        await session.execute(job)
    page = await open_as("admin", f"/jobs/{site['job_id']}")
    await expect(page.locator("#job-now")).to_contain_text("Discovering")
    await expect(page.locator("#job-now progress")).to_have_attribute("value", "42")
    await inspect(page, "job-running")
    for path, name in (("/jobs", "jobs-running"), (f"/sites/{site['id']}", "site-running")):
        await page.goto(path)
        await expect(page.locator("progress[value='42']").first).to_be_visible()
        await inspect(page, name)


async def test_where_the_stream_breaks_the_page_asks_instead(
    open_as: OpenAs, started: Started, idle_worker: Program
) -> None:
    site = await started()
    page = await open_as("viewer")
    page.watch.expected.add(503)  # type: ignore[attr-defined]
    await page.route("**/events", lambda route: route.fulfill(status=503, body="", headers={"HX-Reswap": "none"}))
    await page.goto(f"/jobs/{site['job_id']}")
    idle_worker.thaw()
    await expect(page.locator("#job-now")).to_contain_text("It is done.", timeout=LONG)
    await expect(page.locator("#job-poll")).to_have_count(0)


async def test_a_job_is_cancelled(open_as: OpenAs, started: Started, idle_worker: Program) -> None:
    site = await started()
    page = await open_as("scraper_engineer", f"/jobs/{site['job_id']}")
    other = await open_as("product_lead", f"/jobs/{site['job_id']}")
    await page.get_by_role("button", name="Cancel the job").press("Enter")
    await expect(page.get_by_text("Fingerprint is cancelled.")).to_be_visible()
    await expect(page.locator("#job-now")).to_contain_text("Cancelled")
    # Whoever else looks at it sees it, too.
    await expect(other.locator("#job-now")).to_contain_text("Cancelled")
    await expect(other.get_by_role("button", name="Cancel the job")).to_have_count(0)
    await inspect(page, "job-cancelled")


async def test_cancelling_what_has_ended_is_explained(
    open_as: OpenAs, api_as: ApiAs, started: Started, idle_worker: Program
) -> None:
    site = await started()
    page = await open_as("admin", f"/jobs/{site['job_id']}", javascript=False)
    assert (await (await api_as("admin")).post(f"/api/v1/jobs/{site['job_id']}/cancel")).status_code == 200
    await page.get_by_role("button", name="Cancel the job").click()
    await expect(page.get_by_text("The job has ended already (cancelled).")).to_be_visible()


async def test_a_job_that_failed_says_why_and_is_tried_again(open_as: OpenAs, failing: dict[str, Any]) -> None:
    page = await open_as("scraper_engineer", f"/jobs/{failing['job_id']}")
    await expect(page.get_by_text("The site has no blueprint yet.")).to_be_visible(timeout=LONG)
    await expect(page.get_by_text("Run a discovery of the site first.")).to_be_visible()
    await inspect(page, "job-failed")
    viewer = await open_as("viewer", f"/jobs/{failing['job_id']}")
    await expect(viewer.get_by_text("The site has no blueprint yet.")).to_be_visible()
    await expect(viewer.get_by_role("button", name="Try again")).to_have_count(0)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("Extraction begins anew, as a job of its own.")).to_be_visible()
    assert failing["job_id"] not in page.url
    await page.get_by_role("link", name="the job that failed").click()
    await page.wait_for_url(f"**/jobs/{failing['job_id']}")


async def test_each_role_is_offered_what_it_may_do(open_as: OpenAs, started: Started, idle_worker: Program) -> None:
    site = await started()
    for role, may in (("admin", 1), ("product_lead", 1), ("scraper_engineer", 1), ("viewer", 0)):
        page = await open_as(role, f"/jobs/{site['job_id']}", javascript=False)
        await expect(page.get_by_role("button", name="Cancel the job")).to_have_count(may)
    # And what is not offered is refused.
    page.watch.expected.add(403)  # type: ignore[attr-defined]
    await page.evaluate(
        "path => { const form = document.createElement('form'); form.method = 'post'; form.action = path;"
        " document.body.append(form); form.submit(); }",
        f"/jobs/{site['job_id']}/cancel",
    )
    await expect(page.get_by_role("heading", name="Forbidden")).to_be_visible()


async def test_what_a_site_wrote_is_text(open_as: OpenAs, hostile_job: str) -> None:
    page = await open_as("viewer", f"/jobs/{hostile_job}")
    await expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_have_count(2)
    await expect(page.get_by_text('https://shop.example/"><script>alert(2)</script>')).to_be_visible()
    await inspect(page, "job-hostile")
    assert await page.locator("main img, main script").count() == 0


async def test_a_job_that_is_not_there_is_a_page_of_its_own(open_as: OpenAs) -> None:
    page = await open_as("viewer")
    page.watch.expected.add(404)  # type: ignore[attr-defined]
    await page.goto(f"/jobs/{uuid4()}")
    await expect(page.get_by_text("There is no job")).to_be_visible()
    await inspect(page, "job-not-found")


async def test_pages_are_light_and_nothing_on_them_jumps(
    open_as: OpenAs, platform: Platform, started: Started, idle_worker: Program
) -> None:
    site = await started()
    page = await open_as("admin", "/jobs")
    for path in ("/jobs", f"/jobs/{site['job_id']}"):
        octets, shift = await weigh(page.context, f"{platform.web.url}{path}")
        assert 5_000 < octets < MOST_BYTES, path
        assert shift < 0.01, path


@pytest.fixture
async def hostile_job(platform: Platform, started: Started, idle_worker: Program) -> str:
    """A job whose site answered with what breaks pages that believe it."""
    site = await started()
    evil = "<img src=x onerror=alert(1)>"
    result = {
        "urls": {"failed": 1},
        "reasons": {"http_status": 1},
        "skipped_and_failed": [
            {"url": 'https://shop.example/"><script>alert(2)</script>' + "x" * 300, "outcome": "failed", "status": 500,
             "reason": "http_status", "detail": evil}
        ],
        "skipped_and_failed_total": 4_711,
        "platform": evil,
    }  # fmt: skip
    values = {"status": "success", "result": result, "progress_message": evil, "ended_at": datetime.now(UTC)}
    async with (
        create_database(load_settings(database_url=platform.database_url), role="test") as database,
        database.transaction() as session,
    ):
        await session.execute(update(Job).where(Job.id == site["job_id"]).values(**values))
    return str(site["job_id"])


async def test_people_hear_that_the_api_is_away(open_as: OpenAs, people: dict[str, Person], platform: Platform) -> None:
    assert people
    page = await open_as("viewer", "/jobs")
    page.watch.expected.add(503)  # type: ignore[attr-defined]
    platform.api.freeze()
    try:
        await page.goto("/jobs")
        await expect(page.get_by_role("heading", name="The API does not answer")).to_be_visible()
    finally:
        platform.api.thaw()
    await expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
