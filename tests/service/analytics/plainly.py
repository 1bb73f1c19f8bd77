"""The same figures, computed from every row, as one would by hand."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from tests.service.analytics.history import NOW, History

DISCOVERIES = ("discovery", "blueprint_update")
DAYS = {"7d": 7, "30d": 30, "90d": 90, "1y": 365}


def starts(date_range: str, now: datetime = NOW) -> list[datetime]:
    hour = now.replace(minute=0, second=0, microsecond=0)
    if date_range == "1d":
        return [hour - timedelta(hours=back) for back in range(23, -1, -1)]
    return [hour.replace(hour=0) - timedelta(days=back) for back in range(DAYS[date_range] - 1, -1, -1)]


def start_of(moment: datetime, date_range: str) -> datetime:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour if date_range == "1d" else hour.replace(hour=0)


def within(rows: Sequence[dict[str, Any]], key: str, date_range: str) -> list[dict[str, Any]]:
    return [row for row in rows if row[key] is not None and start_of(row[key], date_range) in set(starts(date_range))]


def jobs(history: History, date_range: str) -> Counter[tuple[datetime, str, str]]:
    ended = within(history.jobs, "ended_at", date_range)
    return Counter((start_of(job["ended_at"], date_range), job["job_type"], job["status"]) for job in ended)


def discovery_seconds(history: History, date_range: str) -> list[float]:
    return [
        (job["ended_at"] - job["started_at"]).total_seconds()
        for job in within(history.jobs, "ended_at", date_range)
        if job["status"] == "success" and job["job_type"] in DISCOVERIES and job["started_at"]
    ]


def waits(history: History, date_range: str) -> list[float]:
    registered = {site["id"]: site["created_at"] for site in history.sites}
    return [
        (blueprint["created_at"] - registered[blueprint["site_id"]]).total_seconds()
        for blueprint in within(history.blueprints, "created_at", date_range)
        if blueprint["version"] == 1
    ]


def published(history: History, date_range: str) -> list[dict[str, Any]]:
    return [b for b in within(history.blueprints, "created_at", date_range) if b["restored_version"] is None]


def rates(blueprints: Sequence[dict[str, Any]]) -> list[float]:
    return [s["test_pass_rate"] for b in blueprints for s in b["content"]["selectors"] if s["pages_tested"]]


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def success_rate(statuses: Counter[str]) -> float | None:
    judged = statuses["success"] + statuses["failed"] + statuses["dead"]
    return statuses["success"] / judged if judged else None


def forms(blueprint: dict[str, Any]) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Selectors by what they are for; several for the same are numbered."""
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for selector in blueprint["content"]["selectors"]:
        key = (selector["page_type"], selector["field_name"])
        found[*key, seen[key]] = selector
        seen[key] += 1
    return found


def lives(history: History, gone: Sequence[Any] = (), gone_at: datetime = NOW) -> Counter[tuple[date, str, int]]:
    """Every selector's life: the week it began in, how it ended, after how many whole weeks (0 while it lasts)."""
    counted: Counter[tuple[date, str, int]] = Counter()
    for site in history.sites:
        alive: dict[tuple[str, str, int], tuple[str, datetime]] = {}
        for blueprint in [b for b in history.blueprints if b["site_id"] == site["id"]]:
            now_there, at = forms(blueprint), blueprint["created_at"]
            for key, (css, born) in list(alive.items()):
                if key not in now_there or now_there[key]["css"] != css:
                    counted[_week(born), "changed" if key in now_there else "removed", (at - born).days // 7] += 1
                    del alive[key]
            for key, selector in now_there.items():
                alive.setdefault(key, (selector["css"], at))
        for _, born in alive.values():
            if site["id"] in gone:
                counted[_week(born), "withdrawn", (gone_at - born).days // 7] += 1
            else:
                counted[_week(born), "alive", 0] += 1
    return counted


def current(history: History, gone: Sequence[Any] = ()) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    """Of each field: sites that have it in their newest version, selectors tried, failing ones, their pass rates."""
    newest = {b["site_id"]: b for b in history.blueprints if b["site_id"] not in gone}
    found: dict[tuple[str, str], tuple[int, int, int, int]] = {}
    for blueprint in newest.values():
        for (page_type, name, ordinal), selector in forms(blueprint).items():
            tested, rate = bool(selector["pages_tested"]), selector["test_pass_rate"]
            share = (int(ordinal == 0), int(tested), int(tested and rate < 0.8), round(rate * 10_000) if tested else 0)
            before = found.get((page_type, name), (0, 0, 0, 0))
            found[page_type, name] = tuple(a + b for a, b in zip(before, share, strict=True))  # type: ignore[assignment]
    return found


def _week(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())
