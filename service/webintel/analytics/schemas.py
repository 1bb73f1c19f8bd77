"""What the API gives about how a site, methods and selectors do."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from webintel.analytics.durations import Durations
from webintel.analytics.models import Width
from webintel.analytics.periods import DateRange
from webintel.jobs.models import JobStatus, JobType
from webintel.sites.models import SiteStatus

Share = Annotated[float, Meta(ge=0, le=1)]


class ReportPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """Whole hours or days of UTC, the present one among them."""

    date_range: DateRange
    width: Width
    since: datetime
    until: datetime
    complete: bool
    """False while workers still add up what was there before the totals were."""


class SiteDiscovery(msgspec.Struct, frozen=True, kw_only=True):
    """A discovery or an update of a site's blueprint."""

    job_id: UUID
    job_type: JobType
    method: str
    status: JobStatus
    attempt_count: int
    created_at: datetime
    started_at: datetime | None
    """Its last start."""
    ended_at: datetime | None
    waited_seconds: float | None
    """From its creation to its last start."""
    seconds: float | None
    """From its last start to its end."""
    blueprint_id: UUID | None
    blueprint_version: int | None
    confidence: float | None
    error_code: str | None


class VersionQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How good one version of a blueprint was when it was published."""

    blueprint_id: UUID
    version: int
    published_at: datetime
    restored: bool
    """Whether a rollback brought it back."""
    confidence: float
    selectors: int
    selectors_tested: int
    mean_pass_rate: float | None
    selectors_fallen: int
    """How many passed on clearly fewer pages than in the version before."""


class SelectorHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A selector over the versions of a blueprint."""

    page_type: str
    field_name: str
    ordinal: int
    """Tells selectors of one field and page type apart; nearly always 0."""
    since_version: int
    """The version in which it got its latest form."""
    since_at: datetime
    pass_rates: list[float | None]
    """One for each of `versions`; none where the version lacks it or did not try it."""


class SiteReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the work on one site goes."""

    site_id: UUID
    domain: str
    status: SiteStatus
    registered_at: datetime
    time_to_blueprint_seconds: float | None
    """From its registration to its first blueprint."""
    discovery_time: Durations
    """Of the successful ones among `discoveries`."""
    discoveries: list[SiteDiscovery]
    """The newest, newest first."""
    versions: list[VersionQuality]
    """The newest, oldest first."""
    selectors: list[SelectorHistory]


class MethodFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Discoveries that were asked for with one method."""

    method: str
    jobs: int
    success: int
    failed: int
    dead: int
    cancelled: int
    success_rate: Share | None
    mean_seconds: float | None
    """From the last start to the end of the successful ones."""
    blueprints: int
    mean_confidence: Share | None


class PlatformFigures(MethodFigures, frozen=True, kw_only=True):
    """The same for sites on one platform."""

    platform: str | None
    """None for sites of which it is not known."""


class MethodReport(msgspec.Struct, frozen=True, kw_only=True):
    """How methods do, alone and by platform; the most used first."""

    period: ReportPeriod
    methods: list[MethodFigures]
    platforms: list[PlatformFigures]


class SelectorTrend(msgspec.Struct, frozen=True, kw_only=True):
    """Versions published in one week."""

    week: date
    """Its Monday."""
    tested: int
    mean_pass_rate: float | None


class FailingSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Selectors of one field and page type in the newest blueprints of all sites."""

    page_type: str
    field_name: str
    sites: int
    tested: int
    failing: int
    """How many pass on less than 80 % of the pages that they were tried on."""
    mean_pass_rate: Share | None
    trend: list[SelectorTrend]
    """The latest weeks, without a hole."""
    change: float | None
    """The mean pass rate of the later half of these weeks, less that of the earlier half."""


class Survival(msgspec.Struct, frozen=True, kw_only=True):
    """How likely a selector still has its form so many weeks after it was found."""

    weeks: int
    share: Share | None
    """None where no selector has been watched for so long."""


class SelectorLifetime(msgspec.Struct, frozen=True, kw_only=True):
    """How long selectors live, after Kaplan and Meier: those that have not ended yet count as far as they go."""

    born_since: date
    """Only selectors found since then count."""
    alive: int
    changed: int
    removed: int
    withdrawn: int
    """Their site was deleted."""
    mean_versions: float | None
    """How many versions those that changed or were removed had lasted."""
    median_weeks: int | None
    """After so many weeks half of them have ended; none where more than half live on."""
    survival: list[Survival]


class SelectorReport(msgspec.Struct, frozen=True, kw_only=True):
    """Which selectors fail, and how long selectors live."""

    complete: bool
    """False while workers still add up what was there before the totals were."""
    failing: list[FailingSelector]
    lifetime: SelectorLifetime
