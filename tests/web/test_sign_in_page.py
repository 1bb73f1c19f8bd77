"""Logging in, being sent away and coming back, in a browser; and what one sees while the API is away."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.web.browser import MOST_BYTES, inspect, weigh
from tests.web.conftest import OpenAs, Person
from tests.web.platform import Platform, Program
from webintel.db import Database
from webintel.sites.models import Site


@pytest.fixture
async def impatient(platform: Platform, tmp_path: Path) -> AsyncIterator[Program]:
    """A web UI that waits for the API no longer than it does by default."""
    program = Program("web", {"WEBINTEL_API_URL": platform.api.url}, tmp_path / "web.log").start()
    try:
        program.wait()
        yield program
    finally:
        program.stop()


async def test_an_expired_sign_in_leads_to_the_form_and_back(
    open_as: OpenAs, people: dict[str, Person], stored: Database, new_domain: Callable[[], str]
) -> None:
    domain = new_domain()
    async with stored.transaction() as session:
        session.add(Site(domain=domain, domain_unicode=domain))
    page = await open_as(None)
    page.watch.expected.add(401)  # type: ignore[attr-defined]
    await page.goto("/sites?sort=domain")
    await inspect(page, "log-in")
    await page.get_by_label("E-mail address").fill(people["viewer"].email)
    await page.get_by_label("Password").fill("a wrong password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong.")
    await inspect(page, "log-in-refused")
    await page.get_by_label("Password").fill(people["viewer"].password)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/sites?sort=domain")
    await page.context.clear_cookies()
    # The page itself notices, with its next look at the rows.
    await expect(page).to_have_url(re.compile(r"/login\?next=/sites%3Fsort%3Ddomain$"))


async def test_a_lost_access_token_is_renewed_unnoticed(open_as: OpenAs) -> None:
    page = await open_as("viewer", "/sites")
    other = await page.context.new_page()
    await page.context.clear_cookies(name="access")
    await page.reload()
    await other.goto("/sites")
    await expect(page.get_by_role("heading", name="Sites", exact=True)).to_be_visible()
    await expect(other.get_by_role("heading", name="Sites", exact=True)).to_be_visible()
    names = {cookie["name"] for cookie in await page.context.cookies()}
    assert {"access", "refresh"} <= names


async def test_no_script_reads_the_tokens(open_as: OpenAs, people: dict[str, Person]) -> None:
    page = await open_as(None, "/login")
    await page.get_by_label("E-mail address").fill(people["viewer"].email)
    await page.get_by_label("Password").fill(people["viewer"].password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert len(await page.context.cookies()) == 2
    assert await page.evaluate("document.cookie") == ""


async def test_pages_say_that_the_api_is_away_and_go_on_by_themselves(
    open_as: OpenAs, platform: Platform, impatient: Program, stored: Database, new_domain: Callable[[], str]
) -> None:
    domain = new_domain()
    async with stored.transaction() as session:
        session.add(Site(domain=domain, domain_unicode=domain))
    page = await open_as("admin")
    page.watch.origins.append(impatient.url)  # type: ignore[attr-defined]
    page.watch.expected.add(503)  # type: ignore[attr-defined]
    open_page = await page.context.new_page()
    await open_page.goto(f"{platform.web.url}/sites")
    await open_page.goto(f"{impatient.url}/login")
    listed = open_page.get_by_role("heading", name="Sites", exact=True)
    await open_page.goto(f"{impatient.url}/sites")
    await expect(listed.or_(open_page.get_by_text("The API does not answer")).first).to_be_visible()
    await expect(listed).to_be_visible(timeout=120_000)
    platform.api.freeze()
    try:
        await page.goto(f"{impatient.url}/sites?sort=domain")
        await expect(page.get_by_role("heading", name="The API does not answer")).to_be_visible()
        # An open page keeps what it shows, and says that it may be old.
        await expect(open_page.locator("#notice")).to_contain_text("what you see may be old", timeout=60_000)
        await expect(listed).to_be_visible()
        await inspect(page, "api-away")
        await inspect(open_page, "api-away-notice")
    finally:
        platform.api.thaw()
    await expect(page.get_by_role("heading", name="Sites", exact=True)).to_be_visible(timeout=120_000)
    await expect(open_page.locator("#notice")).to_be_empty(timeout=120_000)


async def test_a_change_without_an_answer_is_not_sent_again_by_itself(
    open_as: OpenAs, platform: Platform, impatient: Program, new_domain: Callable[[], str]
) -> None:
    page = await open_as("admin")
    page.watch.origins.append(impatient.url)  # type: ignore[attr-defined]
    page.watch.expected.add(503)  # type: ignore[attr-defined]
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    domain = new_domain()
    await page.goto(f"{impatient.url}/sites/new")
    await page.get_by_label("Domain").fill(domain)
    platform.api.freeze()
    try:
        await page.get_by_role("button", name="Add the site").click()
        await expect(page.get_by_role("heading", name="The API does not answer")).to_be_visible()
        await expect(page.get_by_text("It is not reachable yet.")).to_be_visible()
        await inspect(page, "api-away-after-a-change")
    finally:
        platform.api.thaw()
    await expect(page.get_by_text("It is back.")).to_be_visible(timeout=120_000)
    await inspect(page, "api-back-after-a-change")
    await page.get_by_role("link", name="Look whether it was done").click()
    await expect(page.get_by_role("heading", name="Add a site")).to_be_visible()
    assert sent == [f"{impatient.url}/sites/new"]


async def test_a_page_that_does_not_exist_says_so(open_as: OpenAs) -> None:
    page = await open_as("viewer")
    page.watch.expected.add(404)  # type: ignore[attr-defined]
    await page.goto("/no/such/page")
    await expect(page.get_by_text("There is no such page.")).to_be_visible()
    await inspect(page, "not-found")


async def test_pages_for_anybody_are_light_and_nothing_on_them_jumps(open_as: OpenAs, platform: Platform) -> None:
    page = await open_as(None, "/login")
    for path in ("/login", "/no/such/page"):
        octets, shift = await weigh(page.context, f"{platform.web.url}{path}")
        assert 5_000 < octets < MOST_BYTES, path
        assert shift < 0.01, path
