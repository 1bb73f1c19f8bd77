"""One site with what is known about it, as the API gives it."""

from uuid import UUID

import msgspec

from webintel.web.views.sites import SiteRow


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
