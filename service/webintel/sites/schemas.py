"""What the API takes and gives about sites."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from webintel.engine.model import Fingerprint
from webintel.jobs.schemas import JobSummary, Priority
from webintel.sites.models import SiteStatus

Score = Annotated[float, Meta(ge=0, le=1)]
Notes = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")]

SiteOrder = Literal[
    "-created_at",
    "created_at",
    "-updated_at",
    "updated_at",
    "domain",
    "-domain",
    "-business_value_score",
    "business_value_score",
    "-complexity_score",
    "complexity_score",
    "-priority",
    "priority",
]


class NewSite(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A site to register."""

    domain: Annotated[str, Meta(min_length=1, max_length=512, examples=["shop.example"])]
    """A public domain name; international names in either form."""
    business_value_score: Score | None = None
    priority: Priority = 50
    notes: Notes | None = None


class SiteChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What to change about a site; what is left out stays."""

    business_value_score: Score | UnsetType | None = UNSET
    complexity_score: Score | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    notes: Notes | UnsetType | None = UNSET


class SiteSummary(msgspec.Struct, frozen=True):
    """A site, as lists show it."""

    id: UUID
    domain: str
    """In ASCII, as DNS has it."""
    domain_unicode: str
    """As its owner writes it."""
    platform: str | None
    status: SiteStatus
    complexity_score: Score | None
    business_value_score: Score | None
    priority: Priority
    notes: str | None
    blueprint_version: int | None
    """The newest version; none before the first."""
    discovery_method: str | None
    created_at: datetime
    updated_at: datetime
    last_discovered_at: datetime | None


class SiteDetail(SiteSummary, frozen=True, kw_only=True):
    """A site."""

    fingerprint: Fingerprint | None
    last_job: JobSummary | None
    """The job that was asked for last."""


class SiteCreated(SiteDetail, frozen=True, kw_only=True):
    """A new site and its first job."""

    job_id: UUID
    """The fingerprint job; discovery follows it."""
