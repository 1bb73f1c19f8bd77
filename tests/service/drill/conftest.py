"""A live database on one server, and what a backup gave back on another."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.service.conftest import MakeDatabase
from tests.service.second_server import own_server
from webintel.accounts.models import User
from webintel.accounts.roles import Role
from webintel.blueprints.models import Blueprint
from webintel.db import create_database
from webintel.db.embedded import EmbeddedServer
from webintel.db.engine import driver_dsn
from webintel.db.metadata import metadata
from webintel.db.migrate import migrate
from webintel.drill.cluster import Say
from webintel.drill.models import RestoreDrill
from webintel.drill.running import Drill, Limits
from webintel.jobs.models import Job, JobStatus
from webintel.settings import load_settings
from webintel.sites.models import Site

HOURS_AGO = (96, 72, 48, 30, 20, 10, 5, 1)
"""When something was done in the live database: a site registered, and its blueprint made by a job."""

Restore = Callable[..., Awaitable[str]]
RunDrill = Callable[..., Awaitable[RestoreDrill]]


@pytest.fixture(scope="session")
def other_server() -> Iterator[EmbeddedServer]:
    with own_server() as server:
        yield server


@pytest.fixture(scope="session")
async def other_template(other_server: EmbeddedServer) -> str:
    return await _create(other_server, "template1", migrated=True)


@pytest.fixture
async def live(make_database: MakeDatabase, template: str) -> str:
    """The address of a live database in which something was done at `HOURS_AGO`."""
    url = await make_database(template)
    async with create_database(load_settings(database_url=url), role="test") as database:
        for hours in HOURS_AGO:
            at = datetime.now(UTC) - timedelta(hours=hours)
            moments = {"created_at": at, "updated_at": at}
            user = User(email=f"{hours}@shop.example", name="", role=Role.VIEWER, password_hash="none", **moments)
            site = Site(domain=f"shop{hours}.example", domain_unicode=f"shop{hours}.example", **moments)
            async with database.transaction() as session:
                session.add_all([user, site])
                await session.flush()
                job = Job(site_id=site.id, job_type="discovery", status=JobStatus.SUCCESS, ended_at=at, **moments)
                content = {"domain": site.domain, "selectors": ["h1"] * 500}
                blueprint = Blueprint(
                    site_id=site.id, version=1, confidence_score=0.5, content=content, changes={}, **moments
                )
                session.add_all([job, blueprint])
    return url


@pytest.fixture
async def restore(live: str, other_server: EmbeddedServer, other_template: str) -> AsyncIterator[Restore]:
    """Restore a backup that was made so many hours ago on the other server: `await restore(hours_old=0)`."""
    made: list[str] = []

    async def give_back(hours_old: float = 0, *, without: str = "") -> str:
        url = await _create(other_server, other_template)
        made.append(url)
        source, target = await asyncpg.connect(driver_dsn(live)), await asyncpg.connect(driver_dsn(url))
        for table in metadata.sorted_tables:
            if table.name not in {"restore_drills", without}:
                old = f"SELECT * FROM {table.name} WHERE created_at <= now() - $1::interval"  # noqa: S608 - our names
                rows = await source.fetch(old, timedelta(hours=hours_old))
                columns = list(rows[0].keys()) if rows else None
                await target.copy_records_to_table(table.name, records=[tuple(row) for row in rows], columns=columns)
        await source.close()
        await target.close()
        return url

    yield give_back
    admin = await asyncpg.connect(driver_dsn(other_server.url))
    for url in made:
        await admin.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')
    await admin.close()


@pytest.fixture
def said() -> list[str]:
    """What a drill says while it runs."""
    return []


@pytest.fixture
def run_drill(live: str, said: list[str]) -> RunDrill:
    """Run a drill on a restored database: `await run_drill(url, max_hours=26)`."""

    async def run(restored: str, **limits: float) -> RestoreDrill:
        return await drill(live, restored, said.append, **limits).run()

    return run


def drill(
    live: str, restored: str, say: Say, *, max_hours: float = 26, restore_seconds: float = 20, check_seconds: float = 60
) -> Drill:
    limits = Limits(
        max_missing=timedelta(hours=max_hours),
        restore_seconds=restore_seconds,
        check_seconds=check_seconds,
        cleanup_seconds=20,
    )
    return Drill(load_settings(database_url=live, restored_database_url=restored), limits, cluster=None, say=say)


async def execute(url: str, *statements: str) -> None:
    """Change a database behind everybody's back."""
    connection = await asyncpg.connect(driver_dsn(url))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def recorded(url: str) -> list[asyncpg.Record]:
    """The drills that a live database knows of, oldest first."""
    connection = await asyncpg.connect(driver_dsn(url))
    rows = await connection.fetch("SELECT * FROM restore_drills ORDER BY finished_at")
    await connection.close()
    return list(rows)


async def _create(server: EmbeddedServer, template: str, *, migrated: bool = False) -> str:
    name = f"restored_{uuid.uuid4().hex[:12]}"
    await execute(server.url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = make_url(server.url).set(database=name).render_as_string(hide_password=False)
    if not migrated:
        return url
    await migrate(load_settings(database_url=url))
    return name
