# ruff: noqa: S608 - pieces of SQL of our own
"""Adding blueprint versions to the totals, and taking a deleted site's selectors out of those that live."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.analytics.sql import NEW, adding, start_of, step_of

FAILING_BELOW = 0.8
"""A selector that passes on a smaller share of pages is said to fail."""

_START = start_of("w.width", "f.published_at")
_WIDTHS = "JOIN widths w ON w.width = 'day' OR f.published_at >= CAST(:hours_since AS timestamptz)"
_POINTS = "coalesce(sum(round(s.pass_rate * 10000)::bigint), 0)"
_BORN_WEEK = "date_trunc('week', s.since_at AT TIME ZONE 'UTC')::date"


def _current(sign: str) -> str:
    """Count selectors as part of what sites have now, or as part of it no longer."""
    return f"""
        SELECT s.page_type, s.field_name, {sign} count(*) FILTER (WHERE s.ordinal = 0) AS sites,
            {sign} count(s.pass_rate) AS tested,
            {sign} count(*) FILTER (WHERE s.pass_rate < {FAILING_BELOW}) AS failing, {sign} {_POINTS} AS pass_points
    """


_ADD_LIVES = adding("selector_lives", "born_week, outcome, weeks", "lives", "versions")
_ADD_CURRENT = adding("selector_totals", "page_type, field_name", "sites", "tested", "failing", "pass_points")
_INTO_LIVES = "INSERT INTO selector_lives (id, created_at, updated_at, born_week, outcome, weeks, lives, versions)"
_INTO_CURRENT = """
    INSERT INTO selector_totals (id, created_at, updated_at, page_type, field_name, sites, tested, failing, pass_points)
"""

_ADD = text(
    f"""
    WITH facts AS MATERIALIZED (
        SELECT * FROM blueprint_facts WHERE blueprint_id = ANY(CAST(:ids AS uuid[]))
    ), visited AS (SELECT * FROM facts WHERE NOT restored),
    widths (width) AS (VALUES ('hour'), ('day')),
    now_there AS MATERIALIZED (
        SELECT s.*, f.published_at, f.restored FROM facts f CROSS JOIN LATERAL (
            SELECT * FROM selector_facts WHERE blueprint_id = f.blueprint_id OFFSET 0
        ) AS s
    ), there_before AS MATERIALIZED (
        SELECT s.*, f.published_at AS next_at, n.digest AS next_digest
        FROM facts f CROSS JOIN LATERAL (
            SELECT * FROM selector_facts WHERE site_id = f.site_id AND version = f.version - 1 OFFSET 0
        ) AS s LEFT JOIN LATERAL (
            SELECT digest FROM selector_facts
            WHERE site_id = f.site_id AND version = f.version AND page_type = s.page_type
                AND field_name = s.field_name AND ordinal = s.ordinal
            LIMIT 1
        ) AS n ON true
    ), waits_added AS (
        INSERT INTO duration_totals (id, created_at, updated_at, width, starts_at, kind, step, durations, seconds)
        SELECT {NEW}, w.width, {_START}, 'first_blueprint', {step_of("f.waited_seconds")}, count(*),
            sum(f.waited_seconds)
        FROM visited f {_WIDTHS} WHERE f.waited_seconds IS NOT NULL GROUP BY 4, 5, 7
        {adding("duration_totals", "width, starts_at, kind, step", "durations", "seconds")}
    ), blueprints_added AS (
        INSERT INTO blueprint_totals (id, created_at, updated_at, width, starts_at, blueprints, confidence, tested,
            pass_rates)
        SELECT {NEW}, w.width, {_START}, count(*), sum(f.confidence), sum(f.tested),
            coalesce(sum(f.tested * f.pass_rate), 0)
        FROM visited f {_WIDTHS} GROUP BY 4, 5
        {adding("blueprint_totals", "width, starts_at", "blueprints", "confidence", "tested", "pass_rates")}
    ), weeks_added AS (
        INSERT INTO selector_weeks (id, created_at, updated_at, page_type, field_name, week, tested, pass_points)
        SELECT {NEW}, s.page_type, s.field_name, date_trunc('week', s.published_at AT TIME ZONE 'UTC')::date,
            count(*), {_POINTS}
        FROM now_there s WHERE NOT s.restored AND s.pass_rate IS NOT NULL GROUP BY 4, 5, 6
        {adding("selector_weeks", "page_type, field_name, week", "tested", "pass_points")}
    ), current_changed AS (
        {_INTO_CURRENT}
        SELECT {NEW}, page_type, field_name, sum(sites), sum(tested), sum(failing), sum(pass_points)
        FROM ({_current("+")} FROM now_there s GROUP BY 1, 2
            UNION ALL {_current("-")} FROM there_before s GROUP BY 1, 2) AS change
        GROUP BY page_type, field_name
        {_ADD_CURRENT}
    )
    {_INTO_LIVES}
    SELECT {NEW}, born_week, outcome, weeks, sum(lives), sum(versions) FROM (
        SELECT {_BORN_WEEK} AS born_week, 'alive' AS outcome, 0 AS weeks, 1 AS lives, 0 AS versions
        FROM now_there s WHERE s.since_version = s.version
        UNION ALL
        SELECT {_BORN_WEEK}, 'alive', 0, -1, 0 FROM there_before s WHERE s.next_digest IS DISTINCT FROM s.digest
        UNION ALL
        SELECT {_BORN_WEEK}, CASE WHEN s.next_digest IS NULL THEN 'removed' ELSE 'changed' END,
            floor(extract(epoch FROM greatest(s.next_at - s.since_at, interval '0')) / 604800)::int,
            1, s.version - s.since_version + 1
        FROM there_before s WHERE s.next_digest IS DISTINCT FROM s.digest
    ) AS change
    GROUP BY born_week, outcome, weeks
    {_ADD_LIVES}
    """
)
_NEWEST = """
    SELECT s.* FROM selector_facts s
    WHERE s.site_id = CAST(:site_id AS uuid)
        AND s.version = (SELECT max(version) FROM blueprint_facts WHERE site_id = CAST(:site_id AS uuid))
"""
_WITHDRAW = text(
    f"""
    WITH newest AS MATERIALIZED ({_NEWEST}), current_changed AS (
        {_INTO_CURRENT}
        SELECT {NEW}, change.* FROM ({_current("-")} FROM newest s GROUP BY 1, 2) AS change
        {_ADD_CURRENT}
    )
    {_INTO_LIVES}
    SELECT {NEW}, born_week, outcome, weeks, sum(lives), sum(versions) FROM (
        SELECT {_BORN_WEEK} AS born_week, 'alive' AS outcome, 0 AS weeks, -1 AS lives, 0 AS versions FROM newest s
        UNION ALL
        SELECT {_BORN_WEEK}, 'withdrawn',
            floor(extract(epoch FROM greatest(CAST(:now AS timestamptz) - s.since_at, interval '0')) / 604800)::int,
            1, s.version - s.since_version + 1
        FROM newest s
    ) AS change
    GROUP BY born_week, outcome, weeks
    {_ADD_LIVES}
    """
)


async def add_blueprints(session: AsyncSession, blueprint_ids: Sequence[UUID], hours_since: datetime) -> None:
    """Add versions whose facts are known."""
    await session.execute(_ADD, {"ids": list(blueprint_ids), "hours_since": hours_since})


async def withdraw_selectors(session: AsyncSession, site_id: UUID, now: datetime) -> None:
    """End the lives of a site's selectors, all of whose versions are in the totals, without a verdict on them."""
    await session.execute(_WITHDRAW, {"site_id": site_id, "now": now})
