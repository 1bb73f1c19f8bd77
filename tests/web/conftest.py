"""Browser tests: `open_as("admin")` gives a page of somebody who has signed in to the real platform."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.service.conftest import SECRET_KEY, MakeDatabase, make_database, server_url, template
from tests.web.browser import Watch, find_chromium
from tests.web.platform import Platform, running
from webintel.accounts.roles import Role
from webintel.accounts.schemas import NewUser
from webintel.accounts.services import UserService
from webintel.db import Database, create_database
from webintel.demo.server import RunningSite
from webintel.demo.shop import demo_shop
from webintel.settings import load_settings

__all__ = ["make_database", "server_url", "template"]

# A busy machine is slow, and no test depends on how slow.
expect.set_options(timeout=60_000)

PASSWORD = "correct horse battery"

OpenAs = Callable[..., Awaitable[Page]]
ApiAs = Callable[[str], Awaitable[httpx.AsyncClient]]


class Person(NamedTuple):
    """Somebody who can sign in."""

    email: str
    role: str
    password: str = PASSWORD


@pytest.fixture(scope="session")
def shop() -> Iterator[RunningSite]:
    """The site that every domain leads to."""
    with RunningSite(demo_shop) as site:
        yield site


@pytest.fixture(scope="session")
async def platform(
    make_database: MakeDatabase, template: str, shop: RunningSite, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """API, worker and web UI, shared by all tests: each uses domains of its own (`new_domain`)."""
    database_url = await make_database(template)
    async with running(Platform(database_url, SECRET_KEY, shop.port, tmp_path_factory.mktemp("platform"))) as platform:
        yield platform


@pytest.fixture(scope="session")
async def stored(platform: Platform) -> AsyncIterator[Database]:
    """The platform's database, to put things there that would take long to come about."""
    async with create_database(load_settings(database_url=platform.database_url), role="test") as database:
        yield database


@pytest.fixture(scope="session")
async def people(stored: Database) -> dict[str, Person]:
    """One person of each role."""
    return await add_people(stored)


async def add_people(database: Database) -> dict[str, Person]:
    """Add one person of each role."""
    people = {role.value: Person(f"{role.value}@people.example", role.value) for role in Role}
    async with database.transaction() as session:
        for person in people.values():
            name = person.role.replace("_", " ").title()
            await UserService(session=session).add(
                NewUser(email=person.email, password=person.password, role=Role(person.role), name=name)
            )
    return people


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The system's browser."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: install one (Debian: apt install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable)
        yield browser
        await browser.close()


@pytest.fixture
async def sign_in(platform: Platform, people: dict[str, Person]) -> Callable[[BrowserContext, str], Awaitable[None]]:
    """Give a browser the cookies of somebody, without the form."""

    async def sign_in(context: BrowserContext, role: str) -> None:
        person = people[role]
        async with httpx.AsyncClient(base_url=platform.web.url, timeout=120) as client:
            data = {"email": person.email, "password": person.password}
            response = await client.post("/login", data=data, headers={"Origin": platform.web.url})
            assert response.status_code == 303, response.text
            await context.add_cookies(
                [{"name": name, "value": value, "url": platform.web.url} for name, value in client.cookies.items()]
            )

    return sign_in


@pytest.fixture
async def open_as(
    platform: Platform, chromium: Browser, sign_in: Callable[[BrowserContext, str], Awaitable[None]]
) -> AsyncIterator[OpenAs]:
    """Open a page: `await open_as("viewer", "/sites")`; nobody's with None. Errors on it fail the test at its end.

    What a test provokes is announced on `page.watch.expected`, by status.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    async def open_as(role: str | None, path: str | None = None, *, javascript: bool = True, width: int = 1280) -> Page:
        context = await chromium.new_context(
            base_url=platform.web.url, java_script_enabled=javascript, viewport={"width": width, "height": 800}
        )
        contexts.append(context)
        context.set_default_timeout(120_000)
        if role is not None:
            await sign_in(context, role)
        page = await context.new_page()
        page.watch = Watch(page, platform.web.url)  # type: ignore[attr-defined]
        watches.append(page.watch)  # type: ignore[attr-defined]
        if path is not None:
            await page.goto(path)
        return page

    yield open_as
    for context in contexts:
        await context.close()
    assert [problem for watch in watches for problem in watch.problems] == []


@pytest.fixture
async def api_as(platform: Platform, people: dict[str, Person]) -> AsyncIterator[ApiAs]:
    """Give a client of the API: `await (await api_as("admin")).post("/api/v1/sites", json=...)`."""
    clients: list[httpx.AsyncClient] = []

    async def api_as(role: str) -> httpx.AsyncClient:
        person = people[role]
        client = httpx.AsyncClient(base_url=platform.api.url, timeout=120)
        clients.append(client)
        body = {"email": person.email, "password": person.password}
        tokens = (await client.post("/api/v1/auth/login", json=body)).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return client

    yield api_as
    for client in clients:
        await client.aclose()


@pytest.fixture
def new_domain() -> Callable[[], str]:
    """Make domains that no other test uses."""
    return lambda: f"shop-{uuid4().hex[:10]}.example"


@pytest.fixture
def artefacts() -> Path:
    """Where pictures go; git ignores it."""
    return Path(__file__).parents[2] / "artefacts"
