"""The people of the platform, as admins manage them."""

import httpx
from playwright.async_api import expect

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import ApiAs, OpenAs
from tests.web.persons import AddPerson, add_person, log_in
from tests.web.platform import Platform

__all__ = ["add_person"]

HOSTILE = "<b onmouseover=alert(1)>Eve</b>"


async def test_a_person_is_added_logs_in_and_loses_everything(open_as: OpenAs) -> None:
    page = await open_as("admin", "/sites")
    page.watch.expected |= {400, 409}  # type: ignore[attr-defined]
    await page.get_by_role("navigation", name="Areas").get_by_role("link", name="Users").click()
    await page.get_by_role("button", name="Add a person").click()
    await page.get_by_label("E-mail address").fill("eve@people.example")
    await page.get_by_label("Name").fill(HOSTILE)
    await page.get_by_label("Role").select_option("scraper_engineer")
    await inspect(page, "users-new")
    await page.get_by_label("First password").fill("a first password")
    await page.get_by_role("button", name="Add the person").click()
    await expect(page.get_by_text("can log in now")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    await inspect(page, "users-person")
    eve = await open_as(None, "/login")
    await log_in(eve, "eve@people.example", "a first password")
    await expect(eve.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    # The same address again, and a password that is none.
    for email, password in (("eve@people.example", "a first password"), ("mallory@people.example", "short")):
        await page.goto("/users/new")
        await page.get_by_label("E-mail address").fill(email)
        await page.get_by_label("First password").evaluate("field => field.removeAttribute('minlength')")
        await page.get_by_label("First password").fill(password)
        await page.get_by_role("button", name="Add the person").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_label("E-mail address")).to_have_value(email)
    await expect(page.get_by_label("First password")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("alert")).to_contain_text("Use at least 12 characters.")
    await expect(page.get_by_label("First password")).to_have_value("")
    await inspect(page, "users-new-refused")
    await page.goto("/users")
    await inspect(page, "users-list")
    await page.get_by_role("link", name=HOSTILE).click()
    await page.get_by_role("button", name="Delete").click()
    await inspect(page, "users-delete")
    await page.get_by_role("button", name="Delete for ever").click()
    await expect(page.get_by_text(f"{HOSTILE} is deleted.")).to_be_visible()
    await eve.goto("/account")
    await eve.wait_for_url("**/login?next=/account")


async def test_role_state_and_password_of_a_person_are_changed(
    open_as: OpenAs, add_person: AddPerson, api_as: ApiAs
) -> None:
    person, user_id = await add_person("viewer", name="Vera")
    vera = await open_as(person.email, "/sites")
    page = await open_as("admin", f"/users/{user_id}", javascript=False)
    await page.get_by_label("Name", exact=True).fill("Vera Lund")
    await page.get_by_label("Role", exact=True).select_option("product_lead")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Vera Lund is changed.")).to_be_visible()
    assert (await (await api_as(person.email)).get("/api/v1/me")).json()["role"] == "product_lead"
    await page.locator("#password").fill("a password by an admin")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_text("Vera Lund has a new password, and is signed out everywhere.")).to_be_visible()
    await vera.goto("/account")
    await vera.wait_for_url("**/login?next=/account")
    await log_in(vera, person.email, "a password by an admin")
    await expect(vera.get_by_role("heading", name="Account")).to_be_visible()
    await page.get_by_label("State", exact=True).select_option("disabled")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".head")).to_contain_text("Disabled")
    await vera.reload()
    await vera.wait_for_url("**/login?next=/account")
    # Somebody who is disabled can have no keys, and the page says so.
    await page.get_by_label("Name of the key").fill("late")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_text("A disabled user can have no keys.")).to_be_visible()


async def test_keys_of_a_person_are_made_and_revoked(
    open_as: OpenAs, add_person: AddPerson, platform: Platform
) -> None:
    person, user_id = await add_person("viewer")
    page = await open_as("admin", f"/users/{user_id}")
    await page.get_by_label("Name of the key").fill("robot")
    await page.get_by_role("button", name="Make the key").click()
    key = await page.locator(".secret code").inner_text()
    await inspect(page, "users-key-made")
    await page.get_by_role("button", name="I have it, go on").click()
    async with httpx.AsyncClient(base_url=platform.api.url, timeout=120) as client:
        client.headers["X-API-Key"] = key
        assert (await client.get("/api/v1/me")).json()["email"] == person.email
        await page.get_by_role("row").filter(has_text="robot").locator("summary").click()
        await page.get_by_role("button", name="Revoke for ever").click()
        await expect(page.get_by_text("The key is revoked")).to_be_visible()
        assert (await client.get("/api/v1/me")).status_code == 401


async def test_the_last_admin_and_oneself_stay(open_as: OpenAs, api_as: ApiAs, platform: Platform) -> None:
    me = (await (await api_as("admin")).get("/api/v1/me")).json()
    page = await open_as("admin", f"/users/{me['id']}")
    page.watch.expected.add(409)  # type: ignore[attr-defined]
    await expect(page.get_by_text("This is you.")).to_be_visible()
    await expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    await page.get_by_label("Role", exact=True).select_option("viewer")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is the last active admin; make another one first.")
    await expect(page.get_by_label("Role", exact=True)).to_have_value("viewer")
    await inspect(page, "users-last-admin")
    # Whoever knows the address of the form is refused by the API.
    await page.goto(f"/users/{me['id']}/delete")
    await page.get_by_role("button", name="Delete for ever").click()
    await expect(page.get_by_text("You cannot delete yourself; ask another admin.")).to_be_visible()


async def test_only_admins_manage_people(open_as: OpenAs, add_person: AddPerson) -> None:
    _, user_id = await add_person("viewer")
    for role in ("product_lead", "scraper_engineer", "viewer"):
        page = await open_as(role, "/account")
        page.watch.expected.add(403)  # type: ignore[attr-defined]
        await expect(page.get_by_role("heading", name="Account")).to_be_visible()
        await expect(page.get_by_role("link", name="Users")).to_have_count(0)
        for path in ("/users", "/users/new", f"/users/{user_id}", f"/users/{user_id}/delete"):
            await page.goto(path)
            await expect(page.get_by_role("heading", name="Forbidden")).to_be_visible()
    await inspect(page, "users-forbidden")


async def test_a_person_who_is_not_there_is_told(open_as: OpenAs) -> None:
    page = await open_as("admin")
    page.watch.expected.add(404)  # type: ignore[attr-defined]
    await page.goto("/users/019aa000-0000-7000-8000-000000000001")
    await expect(page.get_by_text("There is no user with this id.")).to_be_visible()


async def test_pages_are_light_and_nothing_on_them_jumps(open_as: OpenAs, api_as: ApiAs, platform: Platform) -> None:
    page = await open_as("admin", "/users")
    user_id = (await (await api_as("admin")).get("/api/v1/me")).json()["id"]
    for path in ("/users", "/users/new", f"/users/{user_id}", f"/users/{user_id}/delete"):
        octets, shift = await weigh(page.context, f"{platform.web.url}{path}")
        assert 5_000 < octets < MOST_BYTES, path
        assert shift < 0.01, path
