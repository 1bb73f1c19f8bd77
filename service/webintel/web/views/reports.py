"""Reports about methods, selectors and one site, as the API gives them."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from webintel.web.views.dashboard import Durations, Period


class MethodFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Discoveries with one method."""

    method: str
    jobs: int
    success: int
    failed: int
    dead: int
    cancelled: int
    success_rate: float | None
    mean_seconds: float | None
    blueprints: int
    mean_confidence: float | None


class PlatformFigures(MethodFigures, frozen=True, kw_only=True):
    """The same for sites on one platform; none stands for those of which it is not known."""

    platform: str | None


class MethodReport(msgspec.Struct, frozen=True, kw_only=True):
    """How methods do."""

    period: Period
    methods: list[MethodFigures]
    platforms: list[PlatformFigures]


class SelectorTrend(msgspec.Struct, frozen=True, kw_only=True):
    """Versions published in one week."""

    week: date
    tested: int
    mean_pass_rate: float | None


class FailingSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Selectors of one field and page type in the newest blueprints of all sites."""

    page_type: str
    field_name: str
    sites: int
    tested: int
    failing: int
    mean_pass_rate: float | None
    trend: list[SelectorTrend]
    change: float | None


class Survival(msgspec.Struct, frozen=True, kw_only=True):
    """How likely a selector still has its form after so many weeks; none where none was watched for so long."""

    weeks: int
    share: float | None


class SelectorLifetime(msgspec.Struct, frozen=True, kw_only=True):
    """How long selectors live."""

    born_since: date
    alive: int
    changed: int
    removed: int
    withdrawn: int
    mean_versions: float | None
    median_weeks: int | None
    survival: list[Survival]


class SelectorReport(msgspec.Struct, frozen=True, kw_only=True):
    """Which selectors fail, and how long selectors live."""

    complete: bool
    failing: list[FailingSelector]
    lifetime: SelectorLifetime


class SiteName(msgspec.Struct, frozen=True, kw_only=True):
    """What a page about a site calls it."""

    id: UUID
    domain: str
    domain_unicode: str


class SiteDiscovery(msgspec.Struct, frozen=True, kw_only=True):
    """A discovery or an update of a site's blueprint."""

    job_id: UUID
    job_type: str
    method: str
    status: str
    attempt_count: int
    created_at: datetime
    ended_at: datetime | None
    waited_seconds: float | None
    seconds: float | None
    blueprint_version: int | None
    confidence: float | None
    error_code: str | None


class VersionQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How good one version of a blueprint was when it was published."""

    blueprint_id: UUID
    version: int
    published_at: datetime
    restored: bool
    confidence: float
    selectors: int
    selectors_tested: int
    mean_pass_rate: float | None
    selectors_fallen: int


class SelectorHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A selector over the versions of a blueprint."""

    page_type: str
    field_name: str
    ordinal: int
    since_version: int
    pass_rates: list[float | None]


class SiteReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the work on one site goes."""

    registered_at: datetime
    time_to_blueprint_seconds: float | None
    discovery_time: Durations
    discoveries: list[SiteDiscovery]
    versions: list[VersionQuality]
    selectors: list[SelectorHistory]
