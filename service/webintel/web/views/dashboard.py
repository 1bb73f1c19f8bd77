"""The overview, as the API gives it."""

from datetime import datetime
from uuid import UUID

import msgspec

STATUSES = ("success", "failed", "dead", "cancelled")
"""How a job can end."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Whole hours or days of UTC."""

    date_range: str
    width: str
    complete: bool

    @property
    def by_day(self) -> bool:
        """Whether its steps are days."""
        return self.width == "day"


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took."""

    count: int
    mean_seconds: float | None
    median_seconds: float | None
    p90_seconds: float | None


class PlatformCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many sites run on a platform; none stands for those of which it is not known."""

    platform: str | None
    sites: int


class SiteCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The sites that there are now."""

    total: int
    by_status: dict[str, int]
    by_platform: list[PlatformCount]
    other_platforms: int


class JobSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one type that ended in one way, hour by hour or day by day."""

    job_type: str
    status: str
    total: int
    jobs: list[int]


class JobReport(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that ended."""

    total: int
    by_status: dict[str, int]
    success_rate: float | None
    series: list[JobSeries]

    @property
    def judged(self) -> int:
        """How many ended well or badly."""
        return self.total - self.by_status.get("cancelled", 0)

    def by_type(self) -> dict[str, dict[str, int]]:
        """Count the ends of each type."""
        counts: dict[str, dict[str, int]] = {}
        for one in self.series:
            counts.setdefault(one.job_type, dict.fromkeys(STATUSES, 0))[one.status] = one.total
        return counts


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Blueprints that were published."""

    blueprints: int
    mean_confidence: float | None
    selectors_tested: int
    mean_pass_rate: float | None


class Trends(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length, one value for each hour or day."""

    starts_at: list[datetime]
    success_rate: list[float | None]
    discovery_mean_seconds: list[float | None]
    time_to_blueprint_mean_seconds: list[float | None]
    mean_confidence: list[float | None]
    mean_pass_rate: list[float | None]


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one type that are under way."""

    job_type: str
    queued: int
    running: int
    oldest_queued_at: datetime | None
    oldest_queued_seconds: float | None


class TopSite(msgspec.Struct, frozen=True, kw_only=True):
    """One of the sites of the highest business value."""

    site_id: UUID
    domain_unicode: str
    platform: str | None
    status: str
    business_value_score: float
    blueprint_version: int | None
    confidence: float | None
    mean_pass_rate: float | None
    last_discovered_at: datetime | None


class AlertItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person should look at."""

    site_id: UUID
    domain: str
    job_id: UUID | None = None
    since: datetime | None
    sentence: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What needs a person."""

    kind: str
    severity: str
    count: int
    count_is_exact: bool
    sentence: str
    items: list[AlertItem]


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """How the platform does."""

    period: Period
    sites: SiteCounts
    jobs: JobReport
    discovery_time: Durations
    time_to_blueprint: Durations
    blueprint_quality: Quality
    trends: Trends
    backlog: list[Backlog]
    top_sites: list[TopSite]
    alerts: list[Alert]

    @property
    def queued(self) -> int:
        """How many jobs wait."""
        return sum(one.queued for one in self.backlog)

    @property
    def running(self) -> int:
        """How many jobs are at work."""
        return sum(one.running for one in self.backlog)

    @property
    def oldest_queued_seconds(self) -> float | None:
        """How long the job that waits longest has waited."""
        return max((one.oldest_queued_seconds for one in self.backlog if one.oldest_queued_seconds), default=None)

    @property
    def eventful(self) -> bool:
        """Whether anything happened that a plot could show."""
        return bool(self.jobs.total or self.blueprint_quality.blueprints)
