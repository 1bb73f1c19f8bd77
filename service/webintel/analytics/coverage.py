"""Whether totals and tail together reach over all of a period."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from webintel.analytics.periods import Period
from webintel.analytics.schemas import ReportPeriod

# Nothing is missing where nothing ended between the totals and what reports look at themselves.
_JOBS_MISSING = text(
    """
    SELECT EXISTS (
        SELECT FROM jobs
        WHERE ended_at < :tail_since AND ended_at >= greatest(
            CAST(:since AS timestamptz), (SELECT jobs_until FROM analytics_progress WHERE name = 'totals'))
    )
    """
)
_BLUEPRINTS_MISSING = text(
    """
    SELECT EXISTS (
        SELECT FROM blueprints
        WHERE id < CAST(:last_id AS uuid) AND id >= greatest(
            CAST(:first_id AS uuid), (SELECT blueprints_from FROM analytics_progress WHERE name = 'totals'))
    )
    """
)


async def describe_period(connection: AsyncConnection, period: Period) -> ReportPeriod:
    """Say what a report is about, and whether it misses something."""
    missing = await connection.scalar(_JOBS_MISSING, {"since": period.since, "tail_since": period.tail_since})
    return ReportPeriod(
        date_range=period.name,
        width=period.width,
        since=period.since,
        until=period.until,
        complete=not missing and not await blueprints_missing(connection, period),
    )


async def blueprints_missing(connection: AsyncConnection, period: Period) -> bool:
    """Whether there are versions that the totals should have and do not."""
    span = period.blueprint_parameters()
    span = {"first_id": span["first_id"], "last_id": span["tail_first_id"]}
    return bool(await connection.scalar(_BLUEPRINTS_MISSING, span))
