"""One site with what is known about it, as the API gives it."""

from datetime import datetime
from uuid import UUID

import msgspec

from webintel.web.views.jobs import Progress
from webintel.web.views.sites import SiteRow

UNDER_WAY = frozenset({"queued", "running"})
GAVE_UP = frozenset({"failed", "dead"})


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One observation that a detection rests on."""

    kind: str
    detail: str
    url: str | None = None


class Technology(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the site uses."""

    name: str
    group: str
    version: str | None = None
    confidence: float
    evidence: list[Evidence]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One contribution to a score."""

    factor: str
    weight: float
    detail: str


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a site runs on."""

    requires_js: bool
    requires_js_confidence: float
    requires_js_reasons: list[str]
    technologies: list[Technology]
    complexity_reasons: list[Reason]


class JobError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    message: str
    recovery_action: str


class SiteJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job of the site."""

    id: UUID
    job_type: str
    status: str
    progress: Progress
    attempt_count: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    next_retry_at: datetime | None
    error: JobError | None

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.status in UNDER_WAY

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at and self.started_at else None


class SiteHead(msgspec.Struct, frozen=True, kw_only=True):
    """What every page of a site shows about it."""

    id: UUID
    domain: str
    domain_unicode: str
    status: str
    blueprint_version: int | None
    notes: str | None
    business_value_score: float | None
    priority: int


class Site(SiteRow, frozen=True, kw_only=True):
    """All about a site but its blueprint."""

    notes: str | None
    discovery_method: str | None
    fingerprint: Fingerprint | None
