"""One's own account, in a browser: who one is, the password, and API keys."""

import httpx
from playwright.async_api import expect

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import PASSWORD, OpenAs
from tests.web.persons import AddPerson, add_person, log_in
from tests.web.platform import Platform

__all__ = ["add_person"]

NEW = "another battery staple"


async def test_a_key_is_shown_once_works_and_is_refused_once_revoked(
    open_as: OpenAs, add_person: AddPerson, platform: Platform
) -> None:
    person, _ = await add_person("viewer", name="Vera")
    page = await open_as(person.email, "/sites")
    await page.locator("details.menu > summary").click()
    await page.get_by_role("link", name="Account").click()
    await expect(page.get_by_text("There are no keys yet.")).to_be_visible()
    await inspect(page, "account")
    await page.get_by_label("Name of the key").fill("nightly export")
    await page.get_by_label("Expires after").select_option("30 days")
    await page.get_by_role("button", name="Make the key").click()
    key = await page.locator(".secret code").inner_text()
    await inspect(page, "account-key-made")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    assert key not in page.url
    assert all(key not in cookie["value"] for cookie in await page.context.cookies())
    await page.get_by_role("button", name="I have it, go on").click()
    row = page.get_by_role("row").filter(has_text="nightly export")
    await expect(row).to_contain_text("Active")
    assert key not in await page.content()
    async with httpx.AsyncClient(base_url=platform.api.url, timeout=120) as client:
        client.headers["X-API-Key"] = key
        assert (await client.get("/api/v1/me")).json()["email"] == person.email
        await row.locator("summary").press("Enter")
        await inspect(page, "account-keys")
        await row.get_by_role("button", name="Revoke for ever").press("Enter")
        await expect(page.get_by_text("The key is revoked")).to_be_visible()
        await expect(row).to_contain_text("Revoked")
        await expect(row.locator("summary")).to_have_count(0)
        assert (await client.get("/api/v1/me")).status_code == 401
    for program in (platform.web, platform.api):
        assert key not in program.log_path.read_text()


async def test_a_key_that_cannot_be_made_is_explained_at_its_field(open_as: OpenAs, add_person: AddPerson) -> None:
    person, _ = await add_person("scraper_engineer")
    page = await open_as(person.email, "/account", javascript=False)
    page.watch.expected.add(400)  # type: ignore[attr-defined]
    await page.get_by_label("Name of the key").fill(" ")
    await page.get_by_label("Expires after").select_option("Until it is revoked")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_label("Name of the key")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("alert")).to_contain_text("Key name")
    scripted = await open_as(person.email, "/account")
    scripted.watch.expected.add(400)  # type: ignore[attr-defined]
    await scripted.get_by_label("Name of the key").fill(" ")
    await scripted.get_by_role("button", name="Make the key").click()
    await expect(scripted.get_by_role("alert")).to_contain_text("Key name")
    await inspect(scripted, "account-key-refused")
    await page.get_by_label("Name of the key").fill("<script>alert(1)</script>")
    await expect(page.get_by_label("Expires after")).to_have_value("")
    await page.get_by_role("button", name="Make the key").click()
    await page.get_by_role("button", name="I have it, go on").click()
    await expect(page.get_by_role("rowheader")).to_have_text("<script>alert(1)</script>")


async def test_a_new_password_ends_every_sign_in(open_as: OpenAs, add_person: AddPerson) -> None:
    person, _ = await add_person("viewer")
    elsewhere = await open_as(person.email, "/account")
    page = await open_as(person.email, "/account")
    page.watch.expected.add(400)  # type: ignore[attr-defined]
    fields = [
        page.get_by_label(label, exact=True) for label in ("Present password", "New password", "New password again")
    ]
    for values, wrong in (
        (("not the present one", NEW, NEW), 0),
        ((PASSWORD, NEW, "something else entirely"), 2),
    ):
        for field, value in zip(fields, values, strict=True):
            await field.fill(value)
        await page.get_by_role("button", name="Change the password").click()
        await expect(fields[wrong]).to_have_attribute("aria-invalid", "true")
        await expect(fields[1]).to_have_value("")
    await inspect(page, "account-password-refused")
    for field, value in zip(fields, (PASSWORD, NEW, NEW), strict=True):
        await field.fill(value)
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("Your password is changed, and you are signed out everywhere.")).to_be_visible()
    page.watch.expected.add(401)  # type: ignore[attr-defined]
    await log_in(page, person.email, PASSWORD)
    await expect(page.get_by_role("alert")).to_be_visible()
    await log_in(page, person.email, NEW)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await elsewhere.reload()
    await elsewhere.wait_for_url("**/login?next=/account")


async def test_nobody_sees_an_account_without_signing_in(open_as: OpenAs) -> None:
    page = await open_as(None, "/account")
    await page.wait_for_url("**/login?next=/account")


async def test_the_page_is_light_and_nothing_on_it_jumps(open_as: OpenAs, platform: Platform) -> None:
    page = await open_as("admin", "/account")
    octets, shift = await weigh(page.context, f"{platform.web.url}/account")
    assert 5_000 < octets < MOST_BYTES
    assert shift < 0.01
