"""What is known of the drills so far."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from webintel.drill.models import Outcome, RestoreDrill


class DrillSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The last drill, and the last that went well; nothing where there was none."""

    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: str | None = None
    recovery_point: datetime | None = None
    missing_seconds: float | None = None
    succeeded_at: datetime | None = None


async def summary(connection: AsyncConnection) -> DrillSummary:
    """Read it, in one statement."""
    succeeded_at = (
        select(func.max(RestoreDrill.finished_at)).where(RestoreDrill.outcome == Outcome.SUCCESS).scalar_subquery()
    )
    fields: dict[str, Any] = {
        "started_at": RestoreDrill.started_at,
        "finished_at": RestoreDrill.finished_at,
        "outcome": RestoreDrill.outcome,
        "recovery_point": RestoreDrill.recovery_point,
        "missing_seconds": RestoreDrill.missing_seconds,
        "succeeded_at": succeeded_at,
    }
    columns = [column.label(name) for name, column in fields.items()]
    last = select(*columns).order_by(RestoreDrill.finished_at.desc()).limit(1)
    row = (await connection.execute(last)).mappings().one_or_none()
    return DrillSummary(**row) if row else DrillSummary()
