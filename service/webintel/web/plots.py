"""What plots show, made of what the API gives."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from webintel.web.formats import duration, number, percent
from webintel.web.ranges import Range
from webintel.web.views.dashboard import Dashboard
from webintel.web.views.reports import SelectorLifetime, SiteReport

Values = Sequence[float | None]
_OUTCOMES = (
    ("success", "Succeeded", "good"),
    ("failed", "Failed", "warn"),
    ("dead", "Given up", "bad"),
    ("cancelled", "Cancelled", "idle"),
)
_UNITS = ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h"))
_DAYS = (86400, "d")


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A line, or a layer of bars."""

    name: str
    values: list[float | None]
    tone: str


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A plot with everything that it and its table need; `axis` says what `at` counts."""

    id: str
    title: str
    summary: str
    at: list[float]
    series: list[Series]
    kind: Literal["line", "stack"] = "line"
    unit: str = ""
    axis: Literal["day", "time", "weeks"] = "day"
    most: float | None = None

    def columns(self) -> list[dict[str, Any]]:
        """Give the series as scripts read them."""
        columns: list[dict[str, Any]] = msgspec.to_builtins(self.series)
        return columns


def jobs_by_outcome(report: Dashboard, chosen: Range) -> Plot:
    """Show how jobs ended."""
    steps = len(report.trends.starts_at)
    columns = {status: [0] * steps for status, _, _ in _OUTCOMES}
    for one in report.jobs.series:
        columns[one.status] = [sum(pair) for pair in zip(columns[one.status], one.jobs, strict=True)]
    return Plot(
        id="jobs-by-outcome",
        title="Jobs a day" if report.period.by_day else "Jobs an hour",
        summary=f"{number(report.jobs.total)} ended {chosen.spoken}.",
        series=[Series(name=name, values=list(columns[status]), tone=tone) for status, name, tone in _OUTCOMES],
        kind="stack",
        at=_starts(report),
        axis=_axis(report),
    )


def success_rate(report: Dashboard) -> Plot:
    """Show how many of the jobs ended well."""
    return Plot(
        id="success-rate",
        title="Success rate",
        summary=f"{percent(report.jobs.success_rate, 1)} of what ended well or badly.",
        series=[Series(name="Succeeded", values=_percents(report.trends.success_rate), tone="good")],
        unit=" %",
        most=100,
        at=_starts(report),
        axis=_axis(report),
    )


def time_to_blueprint(report: Dashboard) -> Plot:
    """Show how long sites wait for their first blueprint, and how long visits take."""
    waits, visits = report.trends.time_to_blueprint_mean_seconds, report.trends.discovery_mean_seconds
    length, unit = _unit([*waits, *visits])
    first, visit = report.time_to_blueprint, report.discovery_time
    wait = (
        f"{duration(first.mean_seconds)} from a site's registration to its first blueprint"
        if first.count
        else "No site got its first one"
    )
    return Plot(
        id="time-to-blueprint",
        title="Time to blueprint",
        summary=f"{wait}; {duration(visit.mean_seconds)} for a visit." if visit.count else f"{wait}.",
        series=[
            Series(name="First blueprint", values=_in(waits, length), tone="accent"),
            Series(name="Visit", values=_in(visits, length), tone="idle"),
        ],
        unit=f" {unit}",
        at=_starts(report),
        axis=_axis(report),
    )


def blueprint_quality(report: Dashboard) -> Plot:
    """Show how good the blueprints were that visits published."""
    quality = report.blueprint_quality
    return Plot(
        id="blueprint-quality",
        title="Blueprint quality",
        summary=f"{number(quality.blueprints)} published, confidence {percent(quality.mean_confidence)}, "
        f"selectors pass on {percent(quality.mean_pass_rate)} of pages.",
        series=[
            Series(name="Confidence", values=_percents(report.trends.mean_confidence), tone="accent"),
            Series(name="Pass rate", values=_percents(report.trends.mean_pass_rate), tone="good"),
        ],
        unit=" %",
        most=100,
        at=_starts(report),
        axis=_axis(report),
    )


def survival(lifetime: SelectorLifetime) -> Plot:
    """Show how likely a selector still works as it was found, after so many weeks."""
    half = (
        f"Half of them have changed after {number(lifetime.median_weeks)} weeks."
        if lifetime.median_weeks
        else "More than half of them live on."
    )
    known = [one for one in lifetime.survival if one.share is not None]
    return Plot(
        id="survival",
        title="How long selectors live",
        summary=half,
        at=[0, *(one.weeks for one in known)],
        series=[Series(name="Still as found", values=_percents([1, *(one.share for one in known)]), tone="accent")],
        unit=" %",
        axis="weeks",
        most=100,
    )


def site_durations(report: SiteReport) -> Plot:
    """Show how long the visits of a site took."""
    done = [one for one in reversed(report.discoveries) if one.status == "success" and one.seconds is not None]
    length, unit = _unit([one.seconds for one in done])
    return Plot(
        id="site-durations",
        title="How long visits take",
        summary=f"{duration(report.discovery_time.mean_seconds)} on average, half within "
        f"{duration(report.discovery_time.median_seconds)}.",
        at=[(one.ended_at or one.created_at).timestamp() for one in done],
        series=[Series(name="Visit", values=_in([one.seconds for one in done], length), tone="accent")],
        unit=f" {unit}",
        axis="time",
    )


def site_quality(report: SiteReport) -> Plot:
    """Show how good the versions of a site's blueprint were."""
    newest = report.versions[-1]
    return Plot(
        id="site-quality",
        title="Quality of each version",
        summary=f"Version {newest.version}: confidence {percent(newest.confidence)}, selectors pass on "
        f"{percent(newest.mean_pass_rate)} of pages.",
        at=[one.published_at.timestamp() for one in report.versions],
        series=[
            Series(name="Confidence", values=_percents([one.confidence for one in report.versions]), tone="accent"),
            Series(name="Pass rate", values=_percents([one.mean_pass_rate for one in report.versions]), tone="good"),
        ],
        unit=" %",
        axis="time",
        most=100,
    )


def sparkline(values: Values, width: int, height: int) -> list[str]:
    """Write shares as the points of lines, one for each run without a hole; a lone value is a short line."""
    step = width / max(len(values) - 1, 1)
    lines: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{index * step:.1f},{1 + (1 - value) * (height - 2):.1f}")
    return [" ".join(line if len(line) > 1 else [line[0], line[0]]) for line in lines if line]


def _starts(report: Dashboard) -> list[float]:
    return [start.timestamp() for start in report.trends.starts_at]


def _axis(report: Dashboard) -> Literal["day", "time"]:
    return "day" if report.period.by_day else "time"


def _percents(values: Values) -> list[float | None]:
    return [None if value is None else round(value * 100, 1) for value in values]


def _unit(values: Values) -> tuple[int, str]:
    longest = max((value for value in values if value is not None), default=0)
    return next(((length, unit) for below, length, unit in _UNITS if longest < below), _DAYS)


def _in(values: Values, length: int) -> list[float | None]:
    return [None if value is None else round(value / length, 1) for value in values]
