"""The real application for the tests of the API, and callers of every role."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from tests.service.conftest import SECRET_KEY
from webintel.accounts.models import User
from webintel.accounts.roles import Role
from webintel.accounts.tokens import AccessTokens
from webintel.api.app import create_app
from webintel.db import Database
from webintel.serving.observe import Application
from webintel.settings import Settings

BASE_URL = "http://api.test"
TOKENS = AccessTokens(SECRET_KEY, lifetime=timedelta(minutes=5))

_addresses = (f"10.0.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))

Connect = Callable[..., httpx.AsyncClient]
People = dict[str, User]


def new_address() -> str:
    """An address that nobody has used, so that no test meets the limits of another."""
    return next(_addresses)


def connect_to(
    app: Application, *, address: str | None = None, headers: dict[str, str] | None = None
) -> httpx.AsyncClient:
    """Make a client of an application."""
    transport = httpx.ASGITransport(app, client=(address or new_address(), 40000))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers)


def bearer(user: User) -> dict[str, str]:
    """The header of a person who has signed in."""
    return {"Authorization": f"Bearer {TOKENS.issue(user.id, user.token_version)}"}


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Application]:
    """Start an application with settings of its own."""
    app = create_app(settings)
    started, ending = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        # One task from beginning to end, which a fixture does not promise.
        async with app.lifespan():
            started.set()
            await ending.wait()

    task = asyncio.create_task(live())
    await asyncio.wait([task, asyncio.create_task(started.wait())], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield app
    finally:
        ending.set()
        await task


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[Application]:
    async with running(settings) as application:
        yield application


@pytest.fixture
async def people(database: Database) -> People:
    """One person of each role, who cannot sign in with a password."""
    people = {role.value: User(email=f"{role}@shop.example", role=role, password_hash="none") for role in Role}
    async with database.transaction() as session:
        session.add_all(people.values())
    return people


@pytest.fixture
async def anonymous(app: Application, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with connect_to(app) as client:
        yield client


@pytest.fixture
async def admin(app: Application, people: People) -> AsyncIterator[httpx.AsyncClient]:
    async with connect_to(app, headers=bearer(people["admin"])) as client:
        yield client


@pytest.fixture
async def viewer(app: Application, people: People) -> AsyncIterator[httpx.AsyncClient]:
    async with connect_to(app, headers=bearer(people["viewer"])) as client:
        yield client


def check_problem(response: httpx.Response, status: int, code: str | None = None) -> dict[str, object]:
    """Check that an error is a problem document, and give it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == response.request.url.path
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["type"] == (f"urn:webintel:problem:{code}" if code else "about:blank")
    assert problem.keys() <= {"type", "title", "status", "detail", "instance", "request_id", "errors"}
    return problem
