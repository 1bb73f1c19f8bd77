"""The queue on PgQueuer: adding and removing entries."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from asyncpg import Connection
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel, JobId
from pgqueuer.ports.driver import Driver
from pgqueuer.queries import Queries
from sqlalchemy import ColumnElement, column, exists, table
from sqlalchemy.orm import InstrumentedAttribute

ENTRYPOINT = "webintel_job"

# Spelled out, because PgQueuer would also read names as common as TRIGGER or FUNCTION from the environment.
QUEUE_SETTINGS = DBSettings(
    prefix="",
    db_schema=None,
    channel=Channel("ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=True,
)

_ENTRIES = table(QUEUE_SETTINGS.queue_table, column("id"))


def queries_on(driver: Driver) -> Queries:
    """PgQueuer's statements on a connection, with our names for its tables."""
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(QUEUE_SETTINGS),
        qbq=QueryQueueBuilder(QUEUE_SETTINGS),
        qbs=QuerySchedulerBuilder(QUEUE_SETTINGS),
    )


class PgQueuerQueue:
    """`JobQueue` on PgQueuer's table."""

    async def enqueue(
        self, connection: Connection, job_ids: Sequence[UUID], *, priority: int, delay: timedelta = timedelta(0)
    ) -> list[int]:
        """Add entries in the connection's transaction and give their numbers."""
        count = len(job_ids)
        ids = await _queries_in(connection).enqueue(
            [ENTRYPOINT] * count, [job_id.bytes for job_id in job_ids], [priority] * count, [delay] * count
        )
        return [int(queue_id) for queue_id in ids]

    async def cancel(self, connection: Connection, queue_ids: Sequence[int]) -> None:
        """Remove entries and tell the workers that run them."""
        if queue_ids:
            await _queries_in(connection).mark_job_as_cancelled([JobId(queue_id) for queue_id in queue_ids])

    def holds(self, queue_id: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
        """Write, for SQL, whether the queue still has the entry of that number."""
        return exists().where(_ENTRIES.c.id == queue_id)


def _queries_in(connection: Connection) -> Queries:
    if not connection.is_in_transaction():
        raise RuntimeError("The queue must be used inside a transaction")
    return queries_on(AsyncpgDriver(connection))
