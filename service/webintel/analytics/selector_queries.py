"""Which selectors fail, and how long selectors live."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, text

from webintel.analytics.coverage import blueprints_missing
from webintel.analytics.models import LifeOutcome
from webintel.analytics.periods import Period
from webintel.analytics.schemas import FailingSelector, SelectorLifetime, SelectorReport, SelectorTrend, Survival
from webintel.db import Database

MOST_FAILING = 20
TREND_WEEKS = 12
LIFE_WEEKS = 52
SURVIVAL_WEEKS = (1, 2, 4, 8, 13, 26, 39, 52)

_FAILING = text(
    """
    SELECT page_type, field_name, sites, tested, failing, pass_points FROM selector_totals
    WHERE failing > 0 ORDER BY failing DESC, pass_points::float8 / tested, page_type, field_name LIMIT :limit
    """
)
_WEEKS = text(
    """
    SELECT w.page_type, w.field_name, w.week, w.tested, w.pass_points
    FROM unnest(CAST(:page_types AS text[]), CAST(:field_names AS text[])) AS asked (page_type, field_name)
    JOIN selector_weeks w ON w.page_type = asked.page_type AND w.field_name = asked.field_name
    WHERE w.week >= CAST(:since AS date)
    """
)
_LIVES = text(
    "SELECT born_week, outcome, weeks, lives, versions FROM selector_lives WHERE born_week >= CAST(:since AS date)"
)


class SelectorQueries:
    """Reads about selectors of all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, now: datetime) -> SelectorReport:
        """Say which selectors fail most, and how long selectors live."""
        monday = now.date() - timedelta(days=now.weekday())
        weeks = [monday - timedelta(weeks=TREND_WEEKS - 1 - number) for number in range(TREND_WEEKS)]
        born_since = monday - timedelta(weeks=LIFE_WEEKS)
        async with self._database.reading() as connection:
            missing = await blueprints_missing(connection, Period.ending_at(now, "1y"))
            failing = (await connection.execute(_FAILING, {"limit": MOST_FAILING})).mappings().all()
            names = {
                "page_types": [row["page_type"] for row in failing],
                "field_names": [row["field_name"] for row in failing],
                "since": weeks[0],
            }
            trends = (await connection.execute(_WEEKS, names)).mappings().all()
            lives = (await connection.execute(_LIVES, {"since": born_since})).tuples().all()
        by_selector: dict[tuple[str, str], dict[date, RowMapping]] = {}
        for row in trends:
            by_selector.setdefault((row["page_type"], row["field_name"]), {})[row["week"]] = row
        return SelectorReport(
            complete=not missing,
            failing=[
                _failing(row, by_selector.get((row["page_type"], row["field_name"]), {}), weeks) for row in failing
            ],
            lifetime=lifetime(lives, born_since, now.date()),
        )


def lifetime(lives: Sequence[tuple[Any, ...]], born_since: date, today: date) -> SelectorLifetime:
    """Estimate how long selectors live from how many ended, or have come so far, after how many weeks."""
    ended: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    totals: Counter[str] = Counter()
    versions = 0
    for born, outcome, weeks, number, lasted in lives:
        totals[outcome] += number
        if outcome in {LifeOutcome.CHANGED, LifeOutcome.REMOVED}:
            ended[weeks] += number
            versions += lasted
        seen[max((today - born).days // 7, 0) if outcome == LifeOutcome.ALIVE else weeks] += number
    finished = totals[LifeOutcome.CHANGED] + totals[LifeOutcome.REMOVED]
    shares = _survival(ended, seen)
    return SelectorLifetime(
        born_since=born_since,
        alive=totals[LifeOutcome.ALIVE],
        changed=totals[LifeOutcome.CHANGED],
        removed=totals[LifeOutcome.REMOVED],
        withdrawn=totals[LifeOutcome.WITHDRAWN],
        mean_versions=round(versions / finished, 3) if finished else None,
        median_weeks=next((week for week, share in enumerate(shares, 1) if share <= 0.5), None),
        survival=[
            Survival(weeks=week, share=round(shares[week - 1], 4) if week <= len(shares) else None)
            for week in SURVIVAL_WEEKS
        ],
    )


def _survival(ended: Counter[int], seen: Counter[int]) -> list[float]:
    """Give the share that lives for more than 0, 1, 2 ... whole weeks, as far as any was watched."""
    at_risk = seen.total()
    share, shares = 1.0, []
    for week in range(max(seen, default=-1) + 1):
        if not at_risk:
            break
        share *= 1 - ended[week] / at_risk
        shares.append(share)
        at_risk -= seen[week]
    return shares


def _failing(row: RowMapping, by_week: Mapping[date, RowMapping], weeks: Sequence[date]) -> FailingSelector:
    half = len(weeks) // 2
    earlier, later = (
        _mean([by_week[week] for week in part if week in by_week]) for part in (weeks[:half], weeks[half:])
    )
    return FailingSelector(
        page_type=row["page_type"],
        field_name=row["field_name"],
        sites=row["sites"],
        tested=row["tested"],
        failing=row["failing"],
        mean_pass_rate=_mean([row]),
        trend=[
            SelectorTrend(
                week=week,
                tested=by_week[week]["tested"] if week in by_week else 0,
                mean_pass_rate=_mean([by_week[week]]) if week in by_week else None,
            )
            for week in weeks
        ],
        change=round(later - earlier, 4) if earlier is not None and later is not None else None,
    )


def _mean(rows: Sequence[RowMapping]) -> float | None:
    tested = sum(row["tested"] for row in rows)
    return round(sum(row["pass_points"] for row in rows) / 10_000 / tested, 4) if tested else None
