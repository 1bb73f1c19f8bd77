"""What the rest of the service knows about the queue."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute


class JobQueue(Protocol):
    """Hands job ids to workers; what a job is and how it stands is in its own row."""

    async def enqueue(
        self, session: AsyncSession, job_id: UUID, *, priority: int, delay: timedelta = timedelta(0)
    ) -> int:
        """Add an entry in the session's transaction and give its number: both are committed, or neither."""
        ...

    async def cancel(self, session: AsyncSession, queue_ids: Sequence[int]) -> None:
        """Remove entries and tell the workers that run them, once the session's transaction is committed."""
        ...

    def holds(self, queue_id: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
        """Write, for SQL, whether the queue still has the entry of that number."""
        ...
