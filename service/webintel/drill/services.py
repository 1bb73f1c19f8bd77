"""Keeping what became of each drill."""

from sqlalchemy import delete, select

from webintel.db import Database
from webintel.drill.models import Outcome, RestoreDrill

KEPT = 200
"""Weekly drills of nearly four years; the newest success stays however old it is."""


async def record(database: Database, drill: RestoreDrill) -> None:
    """Write a drill down, and forget those of long ago."""
    newest = select(RestoreDrill.id).order_by(RestoreDrill.finished_at.desc())
    success = newest.where(RestoreDrill.outcome == Outcome.SUCCESS).limit(1)
    async with database.transaction() as session:
        session.add(drill)
        await session.flush()
        await session.execute(
            delete(RestoreDrill).where(
                RestoreDrill.id.not_in(newest.limit(KEPT).scalar_subquery()),
                RestoreDrill.id.not_in(success.scalar_subquery()),
            )
        )
