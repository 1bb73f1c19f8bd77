"""What the API takes and gives about blueprints."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from webintel.blueprints.changes import Changes, Differences
from webintel.engine.model import (
    Category,
    Endpoint,
    Filter,
    Fingerprint,
    PageType,
    Pagination,
    RenderHints,
    Selector,
)

ExportFormat = Literal["json", "yaml", "csv"]


class BlueprintSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A version, as lists show it."""

    id: UUID
    site_id: UUID
    version: int
    confidence_score: float
    created_at: datetime
    created_by: UUID | None
    """The user who asked for the job or the rollback; none where nobody did."""
    job_id: UUID | None
    restored_version: int | None
    """The version that a rollback brought back."""
    reason: str | None
    """Why it was brought back."""
    changes: Changes
    """What changed since the version before."""


class BlueprintDetail(BlueprintSummary, frozen=True, kw_only=True):
    """A version, whole."""

    domain: str
    start_url: str
    discovery_method: Literal["static", "browser", "api"]
    fingerprint: Fingerprint
    categories: list[Category]
    page_types: list[PageType]
    selectors: list[Selector]
    endpoints: list[Endpoint]
    pagination: Pagination
    filters: list[Filter]
    render_hints: RenderHints


class BlueprintRef(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison."""

    id: UUID
    site_id: UUID
    version: int


class BlueprintDiff(Differences, frozen=True, kw_only=True):
    """How one blueprint differs from another: what one has to add to, remove from and change in the old one."""

    old: BlueprintRef
    new: BlueprintRef


class Rollback(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why an old version comes back."""

    reason: Annotated[
        str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$", examples=["Selectors of v2 fail"])
    ]
