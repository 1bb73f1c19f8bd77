"""A site's overview: how it stands, its details, and what each role may do with it."""

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.web.browser import MOST_BYTES, check_accessible, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs
from tests.web.platform import Platform
from tests.web.scanned import Publish, Scanned, content, publish, scanned, selector
from webintel.accounts.roles import PERMISSIONS, Permission, Role

__all__ = ["publish", "scanned"]


async def test_the_overview_says_how_the_site_stands_and_what_shows_it(open_as: OpenAs, scanned: Scanned) -> None:
    page = await open_as("admin", "/sites")
    await page.get_by_label("Domain", exact=True).fill(scanned.domain)
    await page.get_by_role("link", name=scanned.domain).click()
    await expect(page.get_by_role("heading", name=scanned.domain)).to_be_visible()
    await expect(page.locator("#site-state")).to_contain_text("Version 1")
    await expect(page.get_by_role("article", name="Blueprint")).to_contain_text("Version 1")
    await expect(page.get_by_text("Ask Ada first.")).to_be_visible()
    await inspect(page, "site-overview-visited")


async def test_the_fingerprint_shows_its_evidence(open_as: OpenAs, publish: Publish) -> None:
    site = await publish(content())
    page = await open_as("viewer", f"/sites/{site.id}")
    await expect(page.get_by_text("generator: Shop 9.1")).to_be_hidden()
    await page.locator("summary").filter(has_text="WooCommerce").press("Enter")
    await expect(page.get_by_text("generator: Shop 9.1")).to_be_visible()
    await expect(page.get_by_role("link", name="https://shop.example/about")).to_be_visible()
    await inspect(page, "site-overview")


async def test_a_new_site_is_watched_until_its_blueprint_is_there(
    open_as: OpenAs, api_as: ApiAs, new_domain: object
) -> None:
    admin = await api_as("admin")
    site = (await admin.post("/api/v1/sites", json={"domain": new_domain()})).json()  # type: ignore[operator]
    page = await open_as("product_lead", f"/sites/{site['id']}")
    # Somebody writes meanwhile, and what is written stays.
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Notes", exact=True).fill("Half a note")
    await inspect(page, "site-new")
    await expect(page.locator("#site-state")).to_contain_text("Version 1", timeout=300_000)
    await expect(page.locator("#live")).to_contain_text(re.compile(r"Selectors\s*[1-9]"), timeout=60_000)
    await expect(page.get_by_label("Notes", exact=True)).to_have_value("Half a note")
    await page.get_by_role("button", name="Save").click()
    # What the worker has changed about the site meanwhile is no conflict.
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(page.locator("#details")).to_contain_text("Half a note")


async def test_details_are_edited_in_their_place_and_wrong_ones_explained(open_as: OpenAs, publish: Publish) -> None:
    site = await publish(content())
    page = await open_as("admin", f"/sites/{site.id}")
    await page.get_by_role("link", name="Edit").click()
    await expect(page.get_by_label("Business value")).to_be_focused()
    await page.get_by_role("link", name="Cancel").click()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Business value").fill("0.65")
    await page.get_by_label("Priority").fill("80")
    await page.get_by_label("Notes", exact=True).fill("Line one\nLine two <b>")
    await inspect(page, "site-edit")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    details = page.locator("#details")
    await expect(details).to_contain_text("0.65")
    await expect(details).to_contain_text("80")
    await expect(details).to_contain_text("Line two <b>")
    await page.get_by_role("link", name="Edit").click()
    value = page.get_by_role("spinbutton", name="Business value")
    await value.evaluate("(field) => { field.form.noValidate = true; }")
    await value.fill("7")
    page.watch.expected.add(400)  # type: ignore[attr-defined]
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Business value")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Notes", exact=True)).to_have_value("Line one\nLine two <b>")
    await inspect(page, "site-edit-refused")


async def test_who_edits_at_the_same_time_is_told_and_loses_nothing(
    open_as: OpenAs, api_as: ApiAs, publish: Publish
) -> None:
    site = await publish(content(), notes="Old")
    page = await open_as("product_lead", f"/sites/{site.id}")
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Notes", exact=True).fill("Mine")
    admin = await api_as("admin")
    await admin.patch(f"/api/v1/sites/{site.id}", json={"notes": "Theirs", "priority": 99})
    page.watch.expected.add(412)  # type: ignore[attr-defined]
    await page.get_by_role("button", name="Save").click()
    told = page.get_by_role("alert")
    await expect(told).to_contain_text("Somebody else has changed this meanwhile")
    await expect(told).to_contain_text("Theirs")
    await expect(told).to_contain_text("99")
    await expect(page.get_by_label("Notes", exact=True)).to_have_value("Mine")
    # What only the other one has changed is taken over.
    await expect(page.get_by_label("Priority")).to_have_value("99")
    assert (await admin.get(f"/api/v1/sites/{site.id}")).json()["notes"] == "Theirs"
    await inspect(page, "site-edit-conflict")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    saved = (await admin.get(f"/api/v1/sites/{site.id}")).json()
    assert (saved["notes"], saved["priority"]) == ("Mine", 99)


async def test_the_longest_notes_can_be_kept_in_any_script(open_as: OpenAs, publish: Publish) -> None:
    site = await publish(content())
    page = await open_as("admin", f"/sites/{site.id}/edit")
    await page.get_by_label("Notes", exact=True).fill("字" * 10_000)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()


@pytest.mark.parametrize("role", ["admin", "product_lead", "scraper_engineer", "viewer"])
async def test_a_role_is_offered_what_it_may_do_and_nothing_else(open_as: OpenAs, publish: Publish, role: str) -> None:
    may = PERMISSIONS[Role(role)]
    site = await publish(content(), content(confidence_score=0.8))
    page = await open_as(role, f"/sites/{site.id}")
    await expect(page.get_by_role("heading", name="Notes and value")).to_be_visible()
    await expect(page.get_by_role("link", name="Edit")).to_have_count(int(Permission.CHANGE_SITES in may))
    await expect(page.get_by_role("button", name="Start")).to_have_count(int(Permission.RUN_JOBS in may))
    await expect(page.get_by_role("link", name="Delete this site")).to_have_count(int(Permission.DELETE_SITES in may))
    await check_accessible(page)
    await page.goto(f"/sites/{site.id}/versions")
    await expect(page.get_by_role("link", name="Roll back")).to_have_count(int(Permission.ROLL_BACK_BLUEPRINTS in may))
    forms: dict[str, tuple[Permission, dict[str, str | float | bool]]] = {
        "edit": (Permission.CHANGE_SITES, {"notes": "no", "priority": "1"}),
        "delete": (Permission.DELETE_SITES, {"domain": site.domain}),
        f"versions/{site.versions[0]}/rollback": (Permission.ROLL_BACK_BLUEPRINTS, {"reason": "no"}),
    }
    origin = {"Origin": page.url.split("/sites")[0]}
    page.watch.expected.add(403)  # type: ignore[attr-defined]
    for path, (permission, form) in forms.items():
        if permission not in may:
            shown = await page.goto(f"/sites/{site.id}/{path}")
            assert shown is not None
            assert shown.status == 403
            sent = await page.context.request.post(f"/sites/{site.id}/{path}", form=form, headers=origin)
            assert sent.status == 403
    if Permission.RUN_JOBS not in may:
        sent = await page.context.request.post(
            f"/sites/{site.id}/jobs", form={"job_type": "fingerprint"}, headers=origin
        )
        assert sent.status == 403


async def test_deleting_wants_the_domain(open_as: OpenAs, publish: Publish) -> None:
    site = await publish(content())
    page = await open_as("admin", f"/sites/{site.id}")
    await page.get_by_role("link", name="Delete this site").click()
    await page.get_by_label("to confirm").fill("other.example")
    page.watch.expected |= {400, 404}  # type: ignore[attr-defined]
    await page.get_by_role("button", name="Delete for ever").click()
    await expect(page.get_by_role("alert")).to_contain_text("nothing was deleted")
    await inspect(page, "site-delete")
    await page.get_by_label("to confirm").fill(site.domain.upper())
    await page.get_by_role("button", name="Delete for ever").click()
    await expect(page.get_by_text(f"{site.domain} is deleted")).to_be_visible()
    await page.goto(f"/sites/{site.id}")
    await expect(page.get_by_text("Go to the start.")).to_be_visible()
    await inspect(page, "site-not-found")


async def test_a_job_is_started_and_seen_to_its_end(open_as: OpenAs, publish: Publish) -> None:
    site = await publish(content())
    page = await open_as("scraper_engineer", f"/sites/{site.id}")
    await page.get_by_label("What to start").select_option("fingerprint")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_text("Fingerprint is queued.")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Fingerprint")
    await expect(row).to_contain_text("Success", timeout=180_000)
    assert re.fullmatch(r"/jobs/[0-9a-f-]{36}", await row.get_by_role("link").get_attribute("href") or "")
    await inspect(page, "site-jobs")


async def test_what_failed_says_what_to_do(open_as: OpenAs, api_as: ApiAs, publish: Publish) -> None:
    site = await publish(status="failed")
    admin = await api_as("admin")
    # Nothing to try the selectors of.
    job = {"site_id": site.id, "job_type": "extraction"}
    assert (await admin.post("/api/v1/jobs", json=job)).status_code == 201
    page = await open_as("viewer", f"/sites/{site.id}")
    state = page.locator("#site-state")
    await expect(state).to_contain_text("Extraction failed", timeout=180_000)
    await inspect(page, "site-failed")
    await state.get_by_role("link", name="See the jobs").click()
    await expect(page.get_by_role("row").filter(has_text="Extraction")).to_contain_text("Failed")
    await page.get_by_role("link", name="Blueprint").click()
    await expect(page.get_by_role("heading", name="No blueprint yet")).to_be_visible()
    await inspect(page, "site-no-blueprint")


async def test_what_a_person_should_look_at_is_said(open_as: OpenAs, publish: Publish) -> None:
    unsure = [selector("name", "h1", test_pass_rate=0.4), selector("sku", ".sku", test_pass_rate=0, pages_tested=0)]
    site = await publish(content(selectors=unsure, confidence_score=0.4), status="review")
    page = await open_as("scraper_engineer", f"/sites/{site.id}")
    await expect(page.locator("#site-state")).to_contain_text("Version 1 needs a person's eyes")
    await inspect(page, "site-review")
    await page.get_by_role("link", name="Open the blueprint").click()
    await expect(page.get_by_text("2, at least 40")).to_be_visible()
    await expect(page.get_by_text("tried on no page")).to_be_visible()
    await inspect(page, "site-blueprint-unsure")


async def test_while_the_api_is_away_the_page_stays_and_says_so(
    open_as: OpenAs, publish: Publish, platform: Platform
) -> None:
    site = await publish(content())
    page = await open_as("viewer", f"/sites/{site.id}")
    page.watch.expected.add(503)  # type: ignore[attr-defined]
    platform.api.stop()
    try:
        await expect(page.locator("#notice")).to_contain_text("The API does not answer", timeout=60_000)
        await expect(page.locator("#site-state")).to_contain_text("Version 1 is ready to use")
    finally:
        platform.api.start()
        platform.api.wait()
    await expect(page.locator("#notice")).to_have_text("", timeout=60_000)


async def test_without_javascript_and_by_keyboard(open_as: OpenAs, publish: Publish) -> None:
    site = await publish(content())
    page = await open_as("product_lead", f"/sites/{site.id}", javascript=False)
    await page.get_by_role("link", name="Edit").press("Enter")
    await page.get_by_label("Notes", exact=True).fill("Kept without a script")
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.locator("#details")).to_contain_text("Kept without a script")


async def test_pages_of_a_site_are_light_and_nothing_jumps(
    open_as: OpenAs, scanned: Scanned, platform: Platform
) -> None:
    page = await open_as("admin", "/sites/new")
    for path in ("", "/edit", "/delete", "/blueprint", "/versions", "/jobs"):
        octets, shift = await weigh(page.context, f"{platform.web.url}/sites/{scanned.id}{path}")
        assert 5_000 < octets < MOST_BYTES, path
        assert shift < 0.01, path


async def test_an_address_of_no_site_is_not_found(open_as: OpenAs) -> None:
    page = await open_as("viewer", "/sites")
    for path in ("0198c0de-0000-7000-8000-000000000001", "no-such-site", "0198c0de-0000-7000-8000-000000000001/jobs"):
        answer = await page.context.request.get(f"/sites/{path}", headers={"Accept": "text/html"})
        assert answer.status == httpx.codes.NOT_FOUND, path
        assert "Not Found" in await answer.text()
