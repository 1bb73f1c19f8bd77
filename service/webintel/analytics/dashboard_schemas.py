"""What the API gives as the overview of everything."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from webintel.analytics.durations import Durations
from webintel.analytics.schemas import ReportPeriod, Share
from webintel.jobs.models import JobStatus, JobType
from webintel.sites.models import SiteStatus

AlertKind = Literal[
    "sites_failed", "sites_in_review", "jobs_dead", "jobs_waiting", "selectors_fell", "sites_not_discovered"
]


class PlatformCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many sites run on a platform."""

    platform: str | None
    """None for sites of which it is not known."""
    sites: int


class SiteCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The sites that there are."""

    as_of: datetime
    """When they were counted; of very many that is some seconds ago."""
    total: int
    by_status: dict[SiteStatus, int]
    by_platform: list[PlatformCount]
    """The most frequent ones."""
    other_platforms: int
    """Sites on any platform that is not listed."""


class JobSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one type that ended in one way, a number for each of `trends.starts_at`."""

    job_type: JobType
    status: JobStatus
    total: int
    jobs: list[int]


class JobReport(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that ended in the period."""

    total: int
    by_status: dict[JobStatus, int]
    success_rate: Share | None
    """Of those that ended well or badly; cancelled ones are neither."""
    series: list[JobSeries]
    """Those that there were; any other type and status is zero throughout."""


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Blueprints that visits published in the period; those that rollbacks brought back do not count."""

    blueprints: int
    mean_confidence: Share | None
    selectors_tested: int
    mean_pass_rate: Share | None
    """Over their selectors, as far as they were tried on a page."""


class Trends(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length, one value for each hour or day; none where there is nothing to divide by."""

    starts_at: list[datetime]
    jobs: list[int]
    succeeded: list[int]
    success_rate: list[float | None]
    discovery_mean_seconds: list[float | None]
    time_to_blueprint_mean_seconds: list[float | None]
    blueprints: list[int]
    mean_confidence: list[float | None]
    mean_pass_rate: list[float | None]


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one type that are under way now."""

    job_type: JobType
    queued: int
    running: int
    oldest_queued_at: datetime | None
    oldest_queued_seconds: float | None


class TopSite(msgspec.Struct, frozen=True, kw_only=True):
    """One of the sites of the highest business value."""

    site_id: UUID
    domain: str
    domain_unicode: str
    platform: str | None
    status: SiteStatus
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
    blueprint_id: UUID | None = None
    since: datetime | None
    sentence: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What needs a person, with the newest or worst items."""

    kind: AlertKind
    severity: Literal["critical", "warning"]
    count: int
    count_is_exact: bool
    """False where there are at least so many."""
    sentence: str
    items: list[AlertItem]


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """How the platform does."""

    period: ReportPeriod
    sites: SiteCounts
    jobs: JobReport
    discovery_time: Durations
    """Of visits that published a blueprint, from the last start of their job to its end."""
    time_to_blueprint: Durations
    """From the registration of a site to its first blueprint, waiting and retries included."""
    blueprint_quality: Quality
    trends: Trends
    backlog: list[Backlog]
    top_sites: list[TopSite]
    alerts: list[Alert]
