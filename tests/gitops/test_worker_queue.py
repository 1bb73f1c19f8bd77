"""The number by which workers are scaled, asked of the real database as KEDA asks it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.gitops.rendering import CLUSTERS, render
from tests.service.second_server import own_server
from webintel.db.engine import driver_dsn
from webintel.db.migrate import migrate
from webintel.jobs.models import JobStatus
from webintel.settings import load_settings

UNDER_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[asyncpg.Connection]:
    with own_server() as server:
        await migrate(load_settings(database_url=server.url))
        connection = await asyncpg.connect(driver_dsn(server.url))
        yield connection
        await connection.close()


@pytest.fixture(autouse=True)
async def _empty(database: asyncpg.Connection) -> None:
    await database.execute("TRUNCATE sites CASCADE")


async def add(database: asyncpg.Connection, status: JobStatus, count: int) -> None:
    """Jobs of a status, each of a site of its own."""
    await database.execute(
        "WITH made AS ("
        "  INSERT INTO sites (id, created_at, updated_at, domain, domain_unicode, status, priority, revision)"
        "  SELECT gen_random_uuid(), now(), now(), name, name, 'pending', 50, 1"
        "  FROM (SELECT $1 || number || '.example' AS name FROM generate_series(1, $2) AS number) AS names"
        "  RETURNING id)"
        " INSERT INTO jobs (id, created_at, updated_at, site_id, job_type, method, priority, parameters, status,"
        "  progress_percentage, attempt_count, fence, ended_at)"
        " SELECT gen_random_uuid(), now(), now(), id, 'discovery', 'auto', 50, '{}', $1, 0, 0, 0,"
        "  CASE WHEN $3 THEN NULL ELSE now() END FROM made",
        str(status),
        count,
        status in UNDER_WAY,
    )


@pytest.fixture(params=CLUSTERS)
def query(request: pytest.FixtureRequest) -> str:
    [worker] = [one for one in render(request.param, "workloads") if one["kind"] == "ScaledObject"]
    [trigger] = worker["spec"]["triggers"]
    return str(trigger["metadata"]["query"])


async def test_an_empty_queue_asks_for_nobody(database: asyncpg.Connection, query: str) -> None:
    assert await database.fetchval(query) == 0


@pytest.mark.parametrize("status", JobStatus)
async def test_what_waits_or_runs_counts_and_what_ended_does_not(
    database: asyncpg.Connection, query: str, status: JobStatus
) -> None:
    await add(database, status, 3)
    assert await database.fetchval(query) == (3 if status in UNDER_WAY else 0)


async def test_one_number_comes_of_all_jobs(database: asyncpg.Connection, query: str) -> None:
    for number, status in enumerate(JobStatus, start=1):
        await add(database, status, number)
    [row] = await database.fetch(query)
    wanted = sum(number for number, status in enumerate(JobStatus, start=1) if status in UNDER_WAY)
    assert list(row.values()) == [wanted]
