# ruff: noqa: S608 - pieces of SQL of our own
"""The overview of everything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text

from webintel.analytics.alerts import find_alerts
from webintel.analytics.coverage import describe_period
from webintel.analytics.dashboard_schemas import Dashboard, JobReport, JobSeries, Quality, Trends
from webintel.analytics.durations import Durations, of_steps
from webintel.analytics.models import DurationKind
from webintel.analytics.periods import DateRange, Period
from webintel.analytics.present import read_backlog, read_top_sites
from webintel.analytics.site_counts import SiteCounting
from webintel.analytics.sql import BLUEPRINT_TAIL, DISCOVERIES, ENDED, TAIL, start_of, step_of
from webintel.db import Database
from webintel.jobs.models import ENDED as FINAL
from webintel.jobs.models import JobStatus, JobType

_TOTALS = "width = :width AND starts_at >= :since AND starts_at < :until"
# An array for each type and status: a year's thousands of rows would cost more on their way than in the database.
_JOBS = text(
    f"""
    SELECT job_type, status, array_agg(starts_at), array_agg(jobs) FROM (
        SELECT starts_at, job_type, status, sum(jobs)::bigint AS jobs FROM (
            SELECT starts_at, job_type, status, jobs FROM job_totals WHERE {_TOTALS}
            UNION ALL
            SELECT {start_of("CAST(:width AS text)", "ended_at")}, job_type, status, 1 FROM jobs WHERE {TAIL}
        ) AS share
        GROUP BY starts_at, job_type, status
    ) AS period
    GROUP BY job_type, status
    """
)
_DURATIONS = """
    SELECT starts_at, kind, step, durations, seconds FROM duration_totals WHERE {totals}
    UNION ALL
    SELECT {job_start}, 'discovery', {job_step}, 1, seconds
    FROM ({ended} WHERE {tail} AND j.job_type IN {discoveries} AND j.status = 'success') AS ended
    WHERE seconds IS NOT NULL
    UNION ALL
    SELECT {blueprint_start}, 'first_blueprint', {blueprint_step}, 1, waited_seconds
    FROM blueprint_facts WHERE {blueprint_tail} AND waited_seconds IS NOT NULL AND NOT restored
""".format(
    totals=_TOTALS,
    job_start=start_of("CAST(:width AS text)", "ended_at"),
    job_step=step_of("seconds"),
    ended=ENDED,
    tail=TAIL,
    discoveries=DISCOVERIES,
    blueprint_start=start_of("CAST(:width AS text)", "published_at"),
    blueprint_step=step_of("waited_seconds"),
    blueprint_tail=BLUEPRINT_TAIL,
)
# In one go: by step for percentiles, by hour or day for trends.
_DURATION_SUMS = text(
    f"""
    SELECT kind, step, starts_at, sum(durations)::bigint, sum(seconds) FROM ({_DURATIONS}) AS share
    GROUP BY GROUPING SETS ((kind, step), (kind, starts_at))
    """
)
_BLUEPRINTS = text(
    f"""
    SELECT starts_at, sum(blueprints)::bigint AS blueprints, sum(confidence) AS confidence,
        sum(tested)::bigint AS tested, sum(pass_rates) AS pass_rates
    FROM (
        SELECT starts_at, blueprints, confidence, tested, pass_rates FROM blueprint_totals WHERE {_TOTALS}
        UNION ALL
        SELECT {start_of("CAST(:width AS text)", "published_at")}, 1, confidence, tested,
            coalesce(tested * pass_rate, 0)
        FROM blueprint_facts WHERE {BLUEPRINT_TAIL} AND NOT restored
    ) AS share
    GROUP BY starts_at
    """
)


class DashboardQueries:
    """Reads for the overview."""

    def __init__(self, database: Database, counting: SiteCounting | None = None) -> None:
        self._database = database
        self._counting = counting or SiteCounting(database)

    async def report(self, date_range: DateRange, now: datetime) -> Dashboard:
        """Say how the platform does now, and how it did in a period."""
        period = Period.ending_at(now, date_range)
        parameters = period.parameters() | period.blueprint_parameters()
        # Before a connection is taken: who held one while it waited for another could lock up the pool.
        sites = await self._counting.counts()
        async with self._database.reading() as connection:
            described = await describe_period(connection, period)
            jobs = (await connection.execute(_JOBS, parameters)).tuples().all()
            durations = (await connection.execute(_DURATION_SUMS, parameters)).tuples().all()
            blueprints = (await connection.execute(_BLUEPRINTS, parameters)).mappings().all()
            backlog = await read_backlog(connection, period.now)
            top_sites = await read_top_sites(connection)
            alerts = await find_alerts(connection, period, sites, backlog)
        starts = period.starts
        ended: Counter[datetime] = Counter()
        outcomes: Counter[tuple[datetime, str]] = Counter()
        for _, status, moments, counts in jobs:
            for start, count in zip(moments, counts, strict=True):
                ended[start] += count
                outcomes[start, status] += count
        published = {row["starts_at"]: row for row in blueprints}
        return Dashboard(
            period=described,
            sites=sites,
            jobs=_jobs(jobs, starts),
            discovery_time=_durations(durations, DurationKind.DISCOVERY),
            time_to_blueprint=_durations(durations, DurationKind.FIRST_BLUEPRINT),
            blueprint_quality=_quality(blueprints),
            trends=Trends(
                starts_at=starts,
                jobs=[ended[start] for start in starts],
                succeeded=[outcomes[start, JobStatus.SUCCESS] for start in starts],
                success_rate=[success_rate({status: outcomes[start, status] for status in FINAL}) for start in starts],
                discovery_mean_seconds=_means(durations, DurationKind.DISCOVERY, starts),
                time_to_blueprint_mean_seconds=_means(durations, DurationKind.FIRST_BLUEPRINT, starts),
                blueprints=[published[start]["blueprints"] if start in published else 0 for start in starts],
                mean_confidence=[_mean(published.get(start), "confidence", "blueprints") for start in starts],
                mean_pass_rate=[_mean(published.get(start), "pass_rates", "tested") for start in starts],
            ),
            backlog=backlog,
            top_sites=top_sites,
            alerts=alerts,
        )


def success_rate(counts: Mapping[JobStatus, int]) -> float | None:
    """Give the share that ended well of what ended well or badly."""
    judged = counts[JobStatus.SUCCESS] + counts[JobStatus.FAILED] + counts[JobStatus.DEAD]
    return round(counts[JobStatus.SUCCESS] / judged, 4) if judged else None


def _jobs(rows: Sequence[tuple[Any, ...]], starts: Sequence[datetime]) -> JobReport:
    found = {
        (job_type, status): Counter(dict(zip(moments, counts, strict=True)))
        for job_type, status, moments, counts in rows
    }
    series = [
        JobSeries(
            job_type=job_type,
            status=status,
            total=found[job_type, status].total(),
            jobs=[found[job_type, status][start] for start in starts],
        )
        for job_type in JobType
        for status in FINAL
        if (job_type, status) in found
    ]
    by_status = {status: sum(one.total for one in series if one.status == status) for status in FINAL}
    return JobReport(
        total=sum(by_status.values()), by_status=by_status, success_rate=success_rate(by_status), series=series
    )


def _durations(rows: Sequence[tuple[Any, ...]], kind: DurationKind) -> Durations:
    return of_steps([(step, count, seconds) for of, step, _, count, seconds in rows if of == kind and step is not None])


def _means(rows: Sequence[tuple[Any, ...]], kind: DurationKind, starts: Sequence[datetime]) -> list[float | None]:
    means = {
        start: round(seconds / count, 3) for of, step, start, count, seconds in rows if of == kind and step is None
    }
    return [means.get(start) for start in starts]


def _mean(row: RowMapping | Mapping[str, Any] | None, total: str, count: str) -> float | None:
    return round(row[total] / row[count], 4) if row and row[count] else None


def _quality(rows: Sequence[RowMapping]) -> Quality:
    sums = {name: sum(row[name] for row in rows) for name in ("blueprints", "confidence", "tested", "pass_rates")}
    return Quality(
        blueprints=sums["blueprints"],
        mean_confidence=_mean(sums, "confidence", "blueprints"),
        selectors_tested=sums["tested"],
        mean_pass_rate=_mean(sums, "pass_rates", "tested"),
    )
