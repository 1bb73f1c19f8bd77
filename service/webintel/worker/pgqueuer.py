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
from sqlalchemy import ColumnElement, column, exists, table, text
from sqlalchemy.ext.asyncio import AsyncSession
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
        self, session: AsyncSession, job_id: UUID, *, priority: int, delay: timedelta = timedelta(0)
    ) -> int:
        """Add an entry in the session's transaction and give its number."""
        queries = await _queries_in(session)
        ids = await queries.enqueue(ENTRYPOINT, job_id.bytes, priority, execute_after=delay)
        return int(ids[0])

    async def cancel(self, session: AsyncSession, queue_ids: Sequence[int]) -> None:
        """Remove entries and tell the workers that run them."""
        if queue_ids:
            queries = await _queries_in(session)
            await queries.mark_job_as_cancelled([JobId(queue_id) for queue_id in queue_ids])

    def holds(self, queue_id: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
        """Write, for SQL, whether the queue still has the entry of that number."""
        return exists().where(_ENTRIES.c.id == queue_id)


async def _queries_in(session: AsyncSession) -> Queries:
    """PgQueuer's statements on the session's own connection, inside its transaction."""
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    if isinstance(raw, Connection) and not raw.is_in_transaction():
        # SQLAlchemy sends BEGIN with the first statement, not before: without one the entry would be committed alone.
        await connection.execute(text("SELECT 1"))
    if not isinstance(raw, Connection) or not raw.is_in_transaction():
        raise RuntimeError("The queue must be used inside a transaction of asyncpg")
    return queries_on(AsyncpgDriver(raw))
