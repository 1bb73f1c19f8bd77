# ruff: noqa: S608 - pieces of SQL of our own
"""How methods do on which platform."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text

from webintel.analytics.coverage import describe_period
from webintel.analytics.periods import DateRange, Period
from webintel.analytics.schemas import MethodFigures, MethodReport, PlatformFigures
from webintel.analytics.sql import DISCOVERIES, ENDED, TAIL
from webintel.db import Database

MOST_PLATFORMS = 100
"""Combinations of method and platform that are listed; those of methods alone are made of all of them."""

_SUMS = ("success", "failed", "dead", "cancelled", "seconds", "blueprints", "confidence")
_STATEMENT = text(
    f"""
    SELECT method, platform, {", ".join(f"sum({name}) AS {name}" for name in _SUMS)} FROM (
        SELECT method, platform, {", ".join(_SUMS)} FROM method_totals
        WHERE width = :width AND starts_at >= :since AND starts_at < :until
        UNION ALL
        SELECT method, platform, (status = 'success')::int, (status = 'failed')::int, (status = 'dead')::int,
            (status = 'cancelled')::int, coalesce(seconds, 0), (confidence_score IS NOT NULL)::int,
            coalesce(confidence_score, 0)
        FROM ({ENDED} WHERE {TAIL} AND j.job_type IN {DISCOVERIES}) AS ended
    ) AS share
    GROUP BY method, platform ORDER BY sum(success + failed + dead + cancelled) DESC, method, platform
    """
)


class MethodQueries:
    """Reads about methods."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, date_range: DateRange, now: datetime) -> MethodReport:
        """Say how methods did in a period."""
        period = Period.ending_at(now, date_range)
        async with self._database.reading() as connection:
            described = await describe_period(connection, period)
            rows = (await connection.execute(_STATEMENT, period.parameters())).mappings().all()
        by_method: dict[str, list[RowMapping]] = {}
        for row in rows:
            by_method.setdefault(row["method"], []).append(row)
        methods = [MethodFigures(method=method, **_figures(group)) for method, group in by_method.items()]
        return MethodReport(
            period=described,
            methods=sorted(methods, key=lambda figures: -figures.jobs),
            platforms=[
                PlatformFigures(method=row["method"], platform=row["platform"] or None, **_figures([row]))
                for row in rows[:MOST_PLATFORMS]
            ],
        )


def _figures(rows: Sequence[RowMapping]) -> dict[str, Any]:
    total = {name: sum(row[name] for row in rows) for name in _SUMS}
    success, failed, dead, cancelled, blueprints = (
        int(total[name]) for name in ("success", "failed", "dead", "cancelled", "blueprints")
    )
    judged = success + failed + dead
    return {
        "jobs": judged + cancelled,
        "success": success,
        "failed": failed,
        "dead": dead,
        "cancelled": cancelled,
        "success_rate": round(success / judged, 4) if judged else None,
        "mean_seconds": round(total["seconds"] / success, 3) if success else None,
        "blueprints": blueprints,
        "mean_confidence": round(total["confidence"] / blueprints, 4) if blueprints else None,
    }
