"""Keeping the totals: batch by batch as time goes on, and at once for a site that is about to be deleted.

Workers do it, one at a time. A job or blueprint is added some minutes after its end, when no transaction that could
still bring an earlier one is left; reports read the few that are missing from the jobs themselves.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.analytics.blueprint_totals import add_blueprints, withdraw_selectors
from webintel.analytics.facts import measure_all
from webintel.analytics.job_totals import add_jobs, add_jobs_of, end_of_batch
from webintel.db import Database

SETTLING = timedelta(minutes=10)
"""How long ago a job must have ended: longer than any transaction lives, and than clocks differ."""
HOURS_KEPT = timedelta(hours=48)
"""Hourly totals serve the last day only."""
BATCH_JOBS = 2_000
BATCH_BLUEPRINTS = 100
BATCH_PAUSE = 0.02
"""Seconds between two batches, for everybody else."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_EXISTS = text(
    "INSERT INTO analytics_progress (id, created_at, updated_at, name, jobs_until, blueprints_from) "
    "SELECT gen_random_uuid(), now(), now(), 'totals', CAST(:beginning AS timestamptz), CAST(:first_id AS uuid) "
    "WHERE NOT EXISTS (SELECT FROM analytics_progress) ON CONFLICT DO NOTHING"
)
_HOLD = text("SELECT jobs_until, blueprints_from FROM analytics_progress WHERE name = 'totals' FOR UPDATE")
_HOLD_IF_FREE = text(f"{_HOLD.text} SKIP LOCKED")
# `updated_at` stays: that time goes by is no change, and a restore drill would miss it in every backup.
_ADVANCE = text(
    "UPDATE analytics_progress SET jobs_until = :jobs_until, blueprints_from = CAST(:blueprints_from AS uuid)"
)
_NEXT_BLUEPRINTS = text(
    "SELECT id FROM blueprints WHERE id >= CAST(:first AS uuid) AND id < CAST(:last AS uuid) ORDER BY id LIMIT :size"
)
_BLUEPRINTS_OF = text("SELECT id FROM blueprints WHERE site_id = CAST(:site_id AS uuid) AND id >= CAST(:first AS uuid)")
_HOURLY = ("job_totals", "duration_totals", "method_totals", "blueprint_totals")


class Reach(msgspec.Struct):
    """How far the totals reach."""

    jobs_until: datetime
    blueprints_from: UUID


class Totals:
    """Brings the totals up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def catch_up(self) -> None:
        """Add whatever can be added by now; at first that is everything there has ever been."""
        while await self.step(datetime.now(UTC)):  # noqa: ASYNC110 - the pause waits for nothing
            await asyncio.sleep(BATCH_PAUSE)

    async def step(self, now: datetime) -> bool:
        """Add a batch in one transaction, and say whether there may be more."""
        async with self._database.transaction() as session:
            reach = await hold_if_free(session)
            if reach is None:
                return False
            horizon = now - SETTLING
            more_jobs = await _step_jobs(session, reach, horizon, now - HOURS_KEPT)
            more_blueprints = await _step_blueprints(session, reach, horizon, now - HOURS_KEPT)
            await session.execute(_ADVANCE, msgspec.structs.asdict(reach))
            if not (more_jobs or more_blueprints):
                await _forget_hours(session, now - HOURS_KEPT)
            return more_jobs or more_blueprints


async def hold(session: AsyncSession) -> Reach:
    """Let nobody else change totals until the transaction ends.

    It comes before any lock on a site: whoever adds blueprints to the totals locks sites afterwards, too.
    """
    await session.execute(_EXISTS, {"beginning": _BEGINNING, "first_id": first_id(_BEGINNING)})
    return Reach(*(await session.execute(_HOLD)).one())


async def hold_if_free(session: AsyncSession) -> Reach | None:
    """Do the same, or give none where somebody else does."""
    await session.execute(_EXISTS, {"beginning": _BEGINNING, "first_id": first_id(_BEGINNING)})
    row = (await session.execute(_HOLD_IF_FREE)).one_or_none()
    return Reach(*row) if row else None


async def settle_site(session: AsyncSession, site_id: UUID, reach: Reach, now: datetime) -> None:
    """Add what the totals lack of a site that is about to be deleted, and count its selectors as living no longer.

    What the platform has done stays in its history; what the site has goes with it.
    """
    await add_jobs_of(session, site_id, reach.jobs_until, now - HOURS_KEPT)
    blueprints = await session.scalars(_BLUEPRINTS_OF, {"site_id": site_id, "first": reach.blueprints_from})
    if ids := list(blueprints):
        await measure_all(session, ids)
        await add_blueprints(session, ids, now - HOURS_KEPT)
    await withdraw_selectors(session, site_id, now)


def first_id(moment: datetime) -> UUID:
    """Give the lowest id (UUID of version 7) that could have been made at a moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


async def _step_jobs(session: AsyncSession, reach: Reach, horizon: datetime, hours_since: datetime) -> bool:
    if horizon <= reach.jobs_until:
        return False
    until = await end_of_batch(session, reach.jobs_until, horizon, BATCH_JOBS)
    if until <= reach.jobs_until:  # all of them ended at one moment
        until = reach.jobs_until + timedelta(microseconds=1)
    await add_jobs(session, reach.jobs_until, until, hours_since)
    reach.jobs_until = until
    return until < horizon


async def _step_blueprints(session: AsyncSession, reach: Reach, horizon: datetime, hours_since: datetime) -> bool:
    last = first_id(horizon)
    span = {"first": reach.blueprints_from, "last": last, "size": BATCH_BLUEPRINTS}
    ids = list(await session.scalars(_NEXT_BLUEPRINTS, span))
    if ids:
        await measure_all(session, ids)
        await add_blueprints(session, ids, hours_since)
    more = len(ids) == BATCH_BLUEPRINTS
    reach.blueprints_from = UUID(int=ids[-1].int + 1) if more else max(last, reach.blueprints_from)
    return more


async def _forget_hours(session: AsyncSession, before: datetime) -> None:
    for table in _HOURLY:
        statement = text(f"DELETE FROM {table} WHERE width = 'hour' AND starts_at < CAST(:before AS timestamptz)")  # noqa: S608 - our own names
        await session.execute(statement, {"before": before - timedelta(hours=1)})
