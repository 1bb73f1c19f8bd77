"""Pieces of SQL that totals and reports must write in the same way."""

DISCOVERIES = "('discovery', 'blueprint_update')"
"""Types of jobs that visit a whole site and publish a blueprint."""

STEP_RATIO = 1.1
SHORTEST = 0.001

ENDED = """
    SELECT j.job_type, j.status, j.method, j.ended_at,
        coalesce((SELECT platform FROM sites s WHERE s.id = j.site_id), '') AS platform,
        (SELECT confidence_score FROM blueprints b WHERE b.job_id = j.id) AS confidence_score,
        CASE WHEN j.status = 'success' AND j.started_at IS NOT NULL
            THEN greatest(extract(epoch FROM j.ended_at - j.started_at), 0)::float8 END AS seconds
    FROM jobs j
"""
"""Jobs that have ended, with what totals need of them; to be followed by a condition.

Site and blueprint are looked up one by one: a join would read all of them for some thousand jobs.
"""

NEW = "gen_random_uuid(), now(), now()"
"""The columns that every table has: id, created_at and updated_at."""

TAIL = """
    ended_at >= greatest(
        CAST(:tail_since AS timestamptz), (SELECT jobs_until FROM analytics_progress WHERE name = 'totals'))
    AND ended_at < CAST(:until AS timestamptz)
"""
"""Jobs that are not in the totals yet. Both ends are named, so that the planner knows there are few."""

BLUEPRINT_TAIL = """
    blueprint_id >= greatest(
        CAST(:tail_first_id AS uuid), (SELECT blueprints_from FROM analytics_progress WHERE name = 'totals'))
    AND blueprint_id < CAST(:last_id AS uuid)
"""


def start_of(width: str, moment: str) -> str:
    """Write the beginning of the hour or day, in UTC, that a moment lies in."""
    return f"date_trunc({width}, {moment}, 'UTC')"


def step_of(seconds: str) -> str:
    """Write the step that a duration is counted in."""
    return f"floor(ln(greatest({seconds}, {SHORTEST})) / ln({STEP_RATIO}))::int"


def seconds_of(step: int) -> float:
    """Give the duration that a step stands for, which no duration counted in it differs from by more than 5 %."""
    return float(STEP_RATIO ** (step + 0.5))


def adding(table: str, key: str, *columns: str) -> str:
    """Write how a total grows by what is inserted."""
    sums = ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in columns)
    return f"ON CONFLICT ({key}) DO UPDATE SET updated_at = now(), {sums}"
