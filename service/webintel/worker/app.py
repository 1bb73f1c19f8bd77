"""A worker process, put together."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog
from sqlalchemy import func, select

from webintel.analytics.totals import Totals
from webintel.db import Database, create_database
from webintel.db.migrate import wait_until_ready
from webintel.db.outage import is_outage
from webintel.db.readiness import UNREACHABLE, why_unusable
from webintel.jobs.models import Job, JobStatus, JobType
from webintel.jobs.runs import JobRuns
from webintel.settings import Settings
from webintel.worker.consumer import Consumer
from webintel.worker.metrics import WorkerMetrics
from webintel.worker.pgqueuer import PgQueuerQueue
from webintel.worker.runner import Runner
from webintel.worker.server import StatusServer
from webintel.worker.task import Task

DATABASE_PATIENCE = 60.0
"""How long a worker waits, at its start, for the database and its schema."""
DEPTH_SECONDS = 5.0
LOG_SECONDS = 3600.0
TOTALS_SECONDS = 60.0
SHUTDOWN_RESERVE = 15.0
"""What handing jobs back may take beyond the time of grace."""

MakeTasks = Callable[[Database, Settings], Mapping[str, Task]]

logger = structlog.get_logger(__name__)


class Worker:
    """Takes jobs from the queue until it is told to stop."""

    def __init__(self, settings: Settings, make_tasks: MakeTasks) -> None:
        self._settings = settings
        self._database = create_database(settings, role="worker")
        self._metrics = WorkerMetrics(self._database)
        self._runs = JobRuns(
            self._database,
            PgQueuerQueue(),
            max_attempts=settings.job_max_attempts,
            retry_base=timedelta(seconds=settings.job_retry_base_seconds),
        )
        self._runner = Runner(self._runs, make_tasks(self._database, settings), self._metrics, settings)
        self._consumer = Consumer(settings, self._runner.handle)
        self._stopping = asyncio.Event()
        self._waits_for: str | None = "starting"

    @property
    def problem(self) -> str | None:
        """Why it takes no jobs; none when it does."""
        if self._stopping.is_set():
            return "draining"
        return self._waits_for or self._consumer.problem

    def stop(self) -> None:
        """Take no more jobs, and end once the running ones have ended or are handed back."""
        if not self._stopping.is_set():
            logger.info("worker stops", grace_seconds=self._settings.worker_grace_seconds)
        self._stopping.set()
        self._runner.stop()
        self._consumer.stop()

    async def run(self) -> None:
        """Work until `stop` is called.

        Raises:
            MigrationError: the database is not there, or not migrated.
        """
        settings = self._settings
        server = StatusServer(settings.worker_host, settings.worker_port, self._metrics.registry, lambda: self.problem)
        async with self._database, server:
            await self._wait_for_schema()
            if self._stopping.is_set():
                return
            chores = [
                asyncio.create_task(self._regularly(settings.worker_lost_seconds, self._rescue)),
                asyncio.create_task(self._regularly(DEPTH_SECONDS, self._measure_queue)),
                asyncio.create_task(self._regularly(LOG_SECONDS, self._delete_old_log)),
                asyncio.create_task(self._regularly(TOTALS_SECONDS, Totals(self._database).catch_up)),
            ]
            consuming = asyncio.create_task(self._consumer.run(), name="consumer")
            self._waits_for = None
            logger.info("worker ready", concurrency=settings.worker_concurrency, port=server.port)
            try:
                await self._until_stopped(consuming)
            finally:
                for task in [*chores, consuming]:
                    task.cancel()
                await asyncio.gather(*chores, consuming, return_exceptions=True)
        logger.info("worker stopped")

    async def _until_stopped(self, consuming: asyncio.Task[None]) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({consuming, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not consuming.done():
            await asyncio.wait({consuming}, timeout=self._settings.worker_grace_seconds + SHUTDOWN_RESERVE)
        if consuming.done():
            consuming.result()

    async def _wait_for_schema(self) -> None:
        await wait_until_ready(self._settings, DATABASE_PATIENCE)
        pause = 0.2
        while not self._stopping.is_set():
            problem = await self._database_problem()
            if problem is None:
                return
            if problem != self._waits_for:
                logger.warning("worker waits", reason=problem)
            self._waits_for = problem
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, 5.0)

    async def _database_problem(self) -> str | None:
        try:
            async with self._database.reading() as connection:
                return await why_unusable(connection)
        except Exception as error:
            if not is_outage(error):
                raise
            return UNREACHABLE

    async def _regularly(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        """Do a chore again and again; the first time soon, and never all workers at once."""
        pause = min(seconds, 1.0)
        while True:
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - only spreads the load
            try:
                await chore()
            except Exception as error:
                if not is_outage(error):
                    logger.exception("a chore failed")
            pause = seconds

    async def _rescue(self) -> None:
        for job_id in await self._runs.rescue(timedelta(seconds=self._settings.worker_lost_seconds)):
            logger.warning("job given back to the queue, which had lost it", job_id=str(job_id))

    async def _measure_queue(self) -> None:
        statement = select(Job.job_type, func.count()).where(Job.status == JobStatus.QUEUED).group_by(Job.job_type)
        async with self._database.reading() as connection:
            depths = dict((await connection.execute(statement)).tuples().all())
        for job_type in JobType:
            self._metrics.queue_depth.labels(job_type).set(depths.get(job_type, 0))

    async def _delete_old_log(self) -> None:
        await self._consumer.delete_old_log()


async def serve(settings: Settings, make_tasks: MakeTasks) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    worker = Worker(settings, make_tasks)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()
