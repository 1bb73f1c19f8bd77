"""Sites, as the API gives them."""

from datetime import datetime
from uuid import UUID

import msgspec

STATUSES = ("pending", "fingerprinted", "ready", "review", "failed")


class SiteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A site in a list."""

    id: UUID
    domain: str
    domain_unicode: str
    platform: str | None
    status: str
    complexity_score: float | None
    business_value_score: float | None
    priority: int
    blueprint_version: int | None
    last_discovered_at: datetime | None
    created_at: datetime


class CreatedSite(msgspec.Struct, frozen=True, kw_only=True):
    """A site that has just been registered."""

    id: UUID
    domain_unicode: str
    job_id: UUID
