"""Jobs, as the API gives them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

STATUSES = ("queued", "running", "success", "failed", "cancelled", "dead")
TYPES = ("fingerprint", "discovery", "extraction", "blueprint_update")
UNDER_WAY = frozenset({"queued", "running"})
GAVE_UP = frozenset({"failed", "dead"})


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job has come."""

    step: str | None
    percentage: float
    message: str | None

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        return self.percentage / 100


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of sites tells about a job."""

    id: UUID
    site_id: UUID
    job_type: str
    status: str
    progress: Progress

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.status in UNDER_WAY

    @property
    def gave_up(self) -> bool:
        """Whether it can be tried again."""
        return self.status in GAVE_UP


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed, or will be tried again."""

    code: str
    message: str
    recovery_action: str


class JobRow(JobState, frozen=True, kw_only=True):
    """A job in a list."""

    attempt_count: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    next_retry_at: datetime | None
    error: Failure | None

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at and self.started_at else None


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an address that was skipped or failed."""

    url: str
    outcome: str
    status: int | None = None
    reason: str | None = None
    detail: str | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a job brought about; which of it there is depends on its type."""

    urls: dict[str, int] = {}
    reasons: dict[str, int] = {}
    skipped_and_failed: list[Fetch] = []
    skipped_and_failed_total: int = 0
    blueprint_version: int | None = None
    method: str | None = None
    confidence_score: float | None = None
    categories: int | None = None
    page_types: int | None = None
    endpoints: int | None = None
    platform: str | None = None
    requires_js: bool | None = None
    complexity_score: float | None = None
    technologies: int | None = None
    pages_tested: int | None = None
    pass_rate: float | None = None
    pass_rate_before: float | None = None
    broken: list[str] = []
    selectors: Any = None
    """How many a discovery wrote; an extraction lists them."""

    @property
    def selector_count(self) -> int | None:
        """How many selectors it wrote or tried."""
        return len(self.selectors) if isinstance(self.selectors, list) else self.selectors


class JobDetail(JobRow, frozen=True, kw_only=True):
    """A job, whole."""

    method: str
    priority: int
    heartbeat_at: datetime | None
    retry_of: UUID | None
    parameters: dict[str, Any]
    result: Result | None
