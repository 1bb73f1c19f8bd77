"""Real worker processes for the tests."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.service.worker.worker_process import main
from webintel.db import Database
from webintel.jobs.models import JobStatus
from webintel.jobs.queries import JobQueries
from webintel.jobs.schemas import JobDetail
from webintel.jobs.services import JobService
from webintel.settings import Settings

PATIENCE = 60.0
SHORT = {
    "WEBINTEL_WORKER_HEARTBEAT_SECONDS": "0.3",
    "WEBINTEL_WORKER_LOST_SECONDS": "5",
    "WEBINTEL_WORKER_POLL_SECONDS": "0.3",
    "WEBINTEL_WORKER_GRACE_SECONDS": "0.3",
    "WEBINTEL_JOB_RETRY_BASE_SECONDS": "0.2",
    "WEBINTEL_WORKER_PORT": "0",
}


# Each worker is a process of its own, forked from one that has imported everything: a start costs no seconds.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.service.worker.worker_process"])


class WorkerProcess:
    """A running worker."""

    def __init__(self, settings: Settings, trace: Path, log: Path, **variables: str) -> None:
        environment = {**SHORT, "TRACE": str(trace), "WEBINTEL_LOG_FORMAT": "json", **variables}
        environment["WEBINTEL_DATABASE_URL"] = settings.require_database_url()
        self.log = log
        self.process = PROCESSES.Process(target=main, args=(environment, log), daemon=True)
        self.process.start()

    def signal(self, number: int) -> None:
        os.kill(self.process.pid or 0, number)

    async def exit_code(self) -> int | None:
        await asyncio.to_thread(self.process.join, PATIENCE)
        return self.process.exitcode

    def end(self) -> None:
        if self.process.is_alive():
            self.signal(signal.SIGCONT)
            self.process.kill()
        self.process.join()
        self.process.close()


StartWorker = Callable[..., WorkerProcess]
StartJob = Callable[..., Awaitable[JobDetail]]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """What the tasks of every worker did, a line each."""
    path = tmp_path / "trace"
    path.touch()
    return path


@pytest.fixture
def start_worker(settings: Settings, trace: Path, tmp_path: Path) -> Iterator[StartWorker]:
    """Start workers that are gone when the test is over."""
    workers: list[WorkerProcess] = []

    def start(**variables: str) -> WorkerProcess:
        workers.append(WorkerProcess(settings, trace, tmp_path / f"worker-{len(workers)}.log", **variables))
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


@pytest.fixture
def start_job(database: Database) -> StartJob:
    """Start jobs: `await start_job(site.id, steps=3)`."""

    async def start(
        site_id: UUID, *, job_type: str = "discovery", priority: int = 50, **parameters: object
    ) -> JobDetail:
        async with database.writing() as connection:
            return await JobService().start(
                connection, site_id=site_id, job_type=job_type, priority=priority, parameters=parameters
            )

    return start


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        await asyncio.sleep(0.05)


async def job_reaching(database: Database, job_id: UUID, *statuses: JobStatus) -> JobDetail:
    """Wait until a job has one of some statuses, and give it."""

    async def reached() -> bool:
        return (await JobQueries(database).get(job_id)).status in statuses

    await until(reached, f"job {', '.join(statuses)}")
    return await JobQueries(database).get(job_id)


def events(trace: Path, event: str) -> list[list[str]]:
    """The trace's lines of one kind, in words."""
    return [line.split() for line in trace.read_text().splitlines() if line.startswith(event + " ")]


async def traced(trace: Path, event: str, count: int = 1) -> None:
    """Wait until something has happened so often."""

    async def happened() -> bool:
        return len(events(trace, event)) >= count

    await until(happened, f"{count} times {event}")
