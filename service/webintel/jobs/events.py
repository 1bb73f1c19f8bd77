"""Telling everybody who follows a job that its row has changed."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

CHANNEL = "webintel_jobs"
"""The payload is the job's id."""


async def announce(session: AsyncSession, job_id: UUID) -> None:
    """Notify the followers when the session's transaction is committed."""
    await session.execute(select(func.pg_notify(CHANNEL, str(job_id))))
