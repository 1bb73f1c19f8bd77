"""How many jobs one worker brings from start to end in a second, beside the queue's bare entries."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

from tests.benchmarks import seeding
from tests.benchmarks.programs import say
from webintel.db import Database, create_database
from webintel.db.engine import driver_dsn
from webintel.engine.progress import Progress
from webintel.jobs.models import JobType
from webintel.jobs.runs import Effects, Run
from webintel.jobs.services import JobService
from webintel.settings import Settings
from webintel.worker.app import Worker
from webintel.worker.consumer import Consumer
from webintel.worker.pgqueuer import ENTRYPOINT, queries_on
from webintel.worker.task import Finished, nothing

_AT_ONCE = 8
_LATEST_SECONDS = 600


class Idle:
    """A job that has nothing to do."""

    async def work(self, run: Run, report: Callable[[Progress], None]) -> Finished:  # noqa: ARG002 - a task's signature
        """End at once."""
        return Finished(result={}, fetches=[], effects=nothing)

    def failed(self, run: Run) -> Effects:  # noqa: ARG002 - a task's signature
        """Change nothing."""
        return nothing


async def measure(settings: Settings, rounds: int, jobs: int) -> str:
    """Start jobs, let a worker end them, and let the queue alone hand out as many entries, in turns."""
    connection = await asyncpg.connect(driver_dsn(settings.require_database_url()))
    started, ended, bare = [], [], []
    async with create_database(settings, role="benchmark") as database:
        for number in range(rounds):
            began = time.perf_counter()
            await _start(database, jobs)
            started.append(jobs / (time.perf_counter() - began))
            ended.append(jobs / await _work(settings, connection))
            await connection.execute("DELETE FROM jobs WHERE job_type = 'fingerprint'")
            bare.append(jobs / await _consume(settings, connection, jobs))
            say(f"  queue: round {number + 1} of {rounds}")
    await connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
    await connection.close()
    ratio = statistics.median(whole / alone for whole, alone in zip(ended, bare, strict=True))
    return (
        f"queue: {statistics.median(started):.0f} jobs/s started, {statistics.median(ended):.0f} jobs/s from claim to "
        f"end by one worker, {statistics.median(bare):.0f} entries/s of the bare queue (ratio {ratio:.2f})"
    )


async def _start(database: Database, jobs: int) -> None:
    numbers = iter(range(1, jobs + 1))

    async def lane() -> None:
        for number in numbers:
            async with database.writing() as connection:
                site = seeding.identifier(seeding.SITE, number)
                await JobService().start(connection, site_id=site, job_type=JobType.FINGERPRINT)

    await asyncio.gather(*(lane() for _ in range(_AT_ONCE)))


async def _work(settings: Settings, connection: asyncpg.Connection) -> float:
    """Let a worker end every job; gives the seconds from the first claim to the last end."""
    worker = Worker(settings, lambda _database, _settings: dict.fromkeys(JobType, Idle()))

    async def over() -> bool:
        return not await connection.fetchval("SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')")

    await _run_until(worker.run, worker.stop, over)
    seconds = await connection.fetchval(
        "SELECT extract(epoch FROM max(ended_at) - min(started_at)) FROM jobs WHERE job_type = 'fingerprint'"
    )
    return float(seconds)


async def _consume(settings: Settings, connection: asyncpg.Connection, entries: int) -> float:
    queries = queries_on(AsyncpgDriver(connection))
    await queries.enqueue([ENTRYPOINT] * entries, [UUID(int=n).bytes for n in range(entries)], [0] * entries)
    moments: list[float] = []

    async def handle(_job: UUID, _entry: int) -> None:
        moments.append(time.perf_counter())

    async def over() -> bool:
        return len(moments) == entries

    consumer = Consumer(settings, handle)
    await _run_until(consumer.run, consumer.stop, over)
    return moments[-1] - moments[0]


async def _run_until(
    run: Callable[[], Awaitable[Any]], stop: Callable[[], None], over: Callable[[], Awaitable[bool]]
) -> None:
    task = asyncio.ensure_future(run())
    async with asyncio.timeout(_LATEST_SECONDS):
        while not await over():
            if task.done():
                break
            await asyncio.sleep(0.05)
    stop()
    await task
