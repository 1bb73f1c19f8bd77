"""What the rest of the service knows about the queue."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from asyncpg import Connection
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute


class JobQueue(Protocol):
    """Hands job ids to workers; what a job is and how it stands is in its own row."""

    async def enqueue(
        self, connection: Connection, job_ids: Sequence[UUID], *, priority: int, delay: timedelta = timedelta(0)
    ) -> list[int]:
        """Add entries in the connection's transaction and give their numbers: all is committed, or nothing."""
        ...

    async def cancel(self, connection: Connection, queue_ids: Sequence[int]) -> None:
        """Remove entries and tell the workers that run them, once the connection's transaction is committed."""
        ...

    def holds(self, queue_id: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
        """Write, for SQL, whether the queue still has the entry of that number."""
        ...
