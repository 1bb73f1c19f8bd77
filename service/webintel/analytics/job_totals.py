"""Adding jobs that have ended to the totals."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.analytics.sql import DISCOVERIES, ENDED, NEW, adding, start_of, step_of

_START = start_of("w.width", "e.ended_at")
_SOURCE = "FROM ended e JOIN widths w ON w.width = 'day' OR e.ended_at >= CAST(:hours_since AS timestamptz)"


def _add(condition: str) -> str:
    return f"""
    WITH ended AS MATERIALIZED ({ENDED} WHERE {condition}),
    widths (width) AS (VALUES ('hour'), ('day')),
    jobs_added AS (
        INSERT INTO job_totals (id, created_at, updated_at, width, starts_at, job_type, status, jobs)
        SELECT {NEW}, w.width, {_START}, e.job_type, e.status, count(*)
        {_SOURCE} GROUP BY 4, 5, 6, 7
        {adding("job_totals", "width, starts_at, job_type, status", "jobs")}
    ), durations_added AS (
        INSERT INTO duration_totals (id, created_at, updated_at, width, starts_at, kind, step, durations, seconds)
        SELECT {NEW}, w.width, {_START}, 'discovery', {step_of("e.seconds")}, count(*), sum(e.seconds)
        {_SOURCE} WHERE e.seconds IS NOT NULL AND e.job_type IN {DISCOVERIES} GROUP BY 4, 5, 7
        {adding("duration_totals", "width, starts_at, kind, step", "durations", "seconds")}
    )
    INSERT INTO method_totals (id, created_at, updated_at, width, starts_at, method, platform, success, failed, dead,
        cancelled, seconds, blueprints, confidence)
    SELECT {NEW}, w.width, {_START}, e.method, e.platform,
        count(*) FILTER (WHERE e.status = 'success'), count(*) FILTER (WHERE e.status = 'failed'),
        count(*) FILTER (WHERE e.status = 'dead'), count(*) FILTER (WHERE e.status = 'cancelled'),
        coalesce(sum(e.seconds), 0), count(e.confidence_score), coalesce(sum(e.confidence_score), 0)
    {_SOURCE} WHERE e.job_type IN {DISCOVERIES} GROUP BY 4, 5, 6, 7
    {
        adding(
            "method_totals",
            "width, starts_at, method, platform",
            "success",
            "failed",
            "dead",
            "cancelled",
            "seconds",
            "blueprints",
            "confidence",
        )
    }
    """


_ADD_SLICE = text(_add("j.ended_at >= CAST(:since AS timestamptz) AND j.ended_at < CAST(:until AS timestamptz)"))
_ADD_SITE = text(_add("j.site_id = CAST(:site_id AS uuid) AND j.ended_at >= CAST(:since AS timestamptz)"))
_END_OF_BATCH = text(
    """
    SELECT ended_at FROM jobs
    WHERE ended_at >= CAST(:since AS timestamptz) AND ended_at < CAST(:until AS timestamptz)
    ORDER BY ended_at OFFSET :size LIMIT 1
    """
)


async def end_of_batch(session: AsyncSession, since: datetime, until: datetime, size: int) -> datetime:
    """Say before which moment about so many jobs ended; the end itself where there are fewer."""
    found: datetime | None = await session.scalar(_END_OF_BATCH, {"since": since, "until": until, "size": size})
    return found or until


async def add_jobs(session: AsyncSession, since: datetime, until: datetime, hours_since: datetime) -> None:
    """Add the jobs that ended in a span of time."""
    await session.execute(_ADD_SLICE, {"since": since, "until": until, "hours_since": hours_since})


async def add_jobs_of(session: AsyncSession, site_id: UUID, since: datetime, hours_since: datetime) -> None:
    """Add what a site's jobs have done since, before they are deleted with it."""
    await session.execute(_ADD_SITE, {"site_id": site_id, "since": since, "hours_since": hours_since})
