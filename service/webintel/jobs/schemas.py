"""What the API takes and gives about jobs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from webintel.jobs.models import JobMethod, JobStatus, JobType

Priority = Annotated[int, Meta(ge=0, le=100, description="Higher is sooner.")]


class JobParameters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Limits of one visit; the worker's own settings are the most that can be had."""

    max_pages: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    max_seconds: Annotated[float, Meta(ge=1, le=86_400)] | None = None
    delay: Annotated[float, Meta(ge=0, le=60)] | None = None
    """Seconds between two requests; never less than the worker's own."""


class NewJob(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A job to start."""

    site_id: UUID
    job_type: Annotated[
        JobType,
        Meta(
            description="`blueprint_update` visits the whole site again, as `discovery` does; "
            "`extraction` tries the newest blueprint's selectors on its example pages and changes nothing."
        ),
    ]
    method: Annotated[
        JobMethod,
        Meta(
            description="How pages are read: `auto` and `static` work; `browser` and `api` are refused for now (400)."
        ),
    ] = JobMethod.AUTO
    priority: Priority | None = None
    """The site's own, where none is given."""
    parameters: JobParameters = msgspec.field(default_factory=JobParameters)


class JobProgress(msgspec.Struct, frozen=True):
    """How far a job has come."""

    step: str | None
    percentage: float
    message: str | None


class JobFailure(msgspec.Struct, frozen=True):
    """Why a job failed, or will be tried again."""

    code: str
    message: str
    recovery_action: str


class JobSummary(msgspec.Struct, frozen=True):
    """A job, as lists show it."""

    id: UUID
    site_id: UUID
    job_type: JobType
    method: JobMethod
    priority: Priority
    status: JobStatus
    progress: JobProgress
    attempt_count: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    heartbeat_at: datetime | None
    next_retry_at: datetime | None
    """When it will be tried again."""
    error: JobFailure | None
    retry_of: UUID | None
    """The job that this one repeats."""
    requested_by: UUID | None


class JobDetail(JobSummary, frozen=True, kw_only=True):
    """A job, whole."""

    parameters: dict[str, Any]
    result: dict[str, Any] | None
