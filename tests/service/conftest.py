"""A real PostgreSQL for the tests of the service.

It is the embedded one and, when `WEBINTEL_TEST_DATABASE_URL` names one, each test runs on that one too.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url, text

from webintel.accounts.models import User
from webintel.accounts.roles import Role
from webintel.db import Database, create_database
from webintel.db.embedded import TEST_OPTIONS, EmbeddedServer
from webintel.db.engine import driver_dsn
from webintel.db.metadata import metadata
from webintel.db.migrate import migrate
from webintel.settings import Settings, load_settings
from webintel.sites.models import Site

EXTERNAL = os.environ.get("WEBINTEL_TEST_DATABASE_URL", "")
SECRET_KEY = "0123456789abcdef-only-for-tests-0123456789"

MakeDatabase = Callable[..., Awaitable[str]]
MakeSite = Callable[..., Awaitable[Site]]


@pytest.fixture(scope="session", params=["embedded", *(["external"] if EXTERNAL else [])])
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server on which databases can be made."""
    if request.param == "external":
        yield EXTERNAL
        return
    folder = Path(tempfile.mkdtemp(prefix="webintel-test-"))
    try:
        with EmbeddedServer(folder, options=TEST_OPTIONS) as server:
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def make_database(server_url: str) -> AsyncIterator[MakeDatabase]:
    """Make databases that end with the session: `await make_database(template=None)` gives the address of a new one."""
    made: list[str] = []
    admin = await asyncpg.connect(driver_dsn(server_url))

    async def make(template: str = "template1") -> str:
        name = f"webintel_test_{uuid.uuid4().hex[:12]}"
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        made.append(name)
        return make_url(server_url).set(database=name).render_as_string(hide_password=False)

    yield make
    for name in reversed(made):
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture(scope="session")
async def template(make_database: MakeDatabase) -> str:
    """The name of a database at the newest schema, to make others from."""
    url = await make_database()
    await migrate(load_settings(database_url=url))
    return make_url(url).database or ""


@pytest.fixture(scope="session")
async def database_url(make_database: MakeDatabase, template: str) -> str:
    """A migrated database that the tests share; `database` empties it before each test."""
    return await make_database(template)


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    """Settings that name the shared database."""
    return load_settings(database_url=database_url, secret_key=SECRET_KEY)


@pytest.fixture(scope="session")
async def shared_database(settings: Settings) -> AsyncIterator[Database]:
    """Connections to the shared database, as the last test left it."""
    async with create_database(settings, role="test") as database:
        yield database


@pytest.fixture
async def database(shared_database: Database) -> Database:
    """Connections to the shared database, empty."""
    tables = [*metadata.tables, "pgqueuer", "pgqueuer_log", "pgqueuer_statistics", "pgqueuer_schedules"]
    async with shared_database.engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {', '.join(tables)} CASCADE"))
    return shared_database


@pytest.fixture
async def user(database: Database) -> User:
    """An administrator who cannot sign in."""
    async with database.transaction() as session:
        person = User(email="admin@shop.example", name="Admin", role=Role.ADMIN, password_hash="none")
        session.add(person)
    return person


@pytest.fixture
def make_site(database: Database) -> MakeSite:
    """Make sites: `await make_site("shop.example")`."""

    async def make(domain: str = "shop.example", **fields: object) -> Site:
        async with database.transaction() as session:
            site = Site(domain=domain, domain_unicode=domain, **fields)
            session.add(site)
        return site

    return make
