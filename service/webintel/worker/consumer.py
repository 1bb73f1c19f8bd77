"""Taking entries from PgQueuer and giving them to a handler."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Job
from pgqueuer.queries import Queries

from webintel.db.outage import is_outage
from webintel.settings import Settings
from webintel.worker.driver import ReconnectingDriver
from webintel.worker.pgqueuer import ENTRYPOINT, QUEUE_SETTINGS, queries_on

UNEXPECTED_PAUSE = timedelta(seconds=5)
LOG_DELETED_AT_ONCE = 10_000

Handler = Callable[[UUID, int], Awaitable[timedelta | None]]
"""Gets a job's id and the entry's number; says after what time the entry is to come back, if at all.

It is cancelled when the job is.
"""

logger = structlog.get_logger(__name__)


class Consumer:
    """Runs the handler for as many entries at once as the settings allow."""

    def __init__(self, settings: Settings, handler: Handler) -> None:
        self._settings = settings
        self._handler = handler
        self._driver = ReconnectingDriver(settings)
        self._queries: Queries = queries_on(self._driver)
        self._manager = QueueManager(self._queries, channel=QUEUE_SETTINGS.channel)
        self._manager.entrypoint(ENTRYPOINT, accepts_context=True)(self._handle)

    @property
    def problem(self) -> str | None:
        """Why the queue's database cannot be used; none when it can."""
        return self._driver.problem

    async def run(self) -> None:
        """Take entries until `stop` is called and the last handler has returned."""
        settings = self._settings
        try:
            await self._manager.run(
                dequeue_timeout=timedelta(seconds=settings.worker_poll_seconds),
                batch_size=max(1, min(10, settings.worker_concurrency // 2)),
                max_concurrent_tasks=settings.worker_concurrency,
                heartbeat_timeout=timedelta(seconds=settings.worker_lost_seconds),
            )
        finally:
            await self._driver.close()

    def stop(self) -> None:
        """Take nothing more."""
        self._manager.shutdown.set()
        self._driver.shutdown.set()

    async def delete_old_log(self) -> int:
        """Delete PgQueuer's log of what happened long ago; it keeps three rows for each entry for ever."""
        deleted = 0
        for table in (QUEUE_SETTINGS.queue_table_log, QUEUE_SETTINGS.statistics_table):
            rows = await self._driver.fetch(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE created < now() - $1::interval "  # noqa: S608 - our own names
                f"LIMIT {LOG_DELETED_AT_ONCE}) RETURNING id",
                timedelta(days=self._settings.queue_log_days),
            )
            deleted += len(rows)
        return deleted

    async def _handle(self, job: Job, context: Context) -> None:
        with context.cancellation:
            job_id = UUID(bytes=job.payload)
            try:
                delay = await self._handler(job_id, job.id)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if is_outage(error):
                    logger.warning("the database went away under a job", job_id=str(job_id), error=type(error).__name__)
                else:
                    logger.exception("a job could not be handled", job_id=str(job_id))
                # The entry must not end before its job has: it comes back, and then the job's row decides.
                delay = UNEXPECTED_PAUSE
            if delay is not None:
                raise RetryRequested(delay)
