"""The table of jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from advanced_alchemy.types import DateTimeUTC
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webintel.db.base import Base


class JobType(StrEnum):
    """What a job does for its site."""

    FINGERPRINT = "fingerprint"
    DISCOVERY = "discovery"
    EXTRACTION = "extraction"
    BLUEPRINT_UPDATE = "blueprint_update"


class JobMethod(StrEnum):
    """How pages are read."""

    AUTO = "auto"
    STATIC = "static"
    BROWSER = "browser"
    API = "api"


class JobStatus(StrEnum):
    """Where a job stands; the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"


AVAILABLE_METHODS = (JobMethod.AUTO, JobMethod.STATIC)
"""Pages are read as they are served; the other methods have names, so that clients can know them."""

UNDER_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)
ENDED = (JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.DEAD)


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Job(Base):
    """A piece of work for one site.

    This row is the truth about the job; the queue only says that there is something to look at. Each start raises
    `fence`, and every later write names the fence it started with, so that a worker that was thought dead cannot
    overwrite what its successor did.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        _one_of("job_type", JobType),
        _one_of("method", JobMethod),
        _one_of("status", JobStatus),
        CheckConstraint("priority BETWEEN 0 AND 100", name="priority"),
        CheckConstraint("progress_percentage BETWEEN 0 AND 100", name="progress_percentage"),
        CheckConstraint(
            "(ended_at IS NULL) = (status IN ('queued', 'running'))",
            name="ended_at",
        ),
        Index(
            "uq_jobs_under_way",
            "site_id",
            "job_type",
            unique=True,
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
        # One host is visited by one job at a time, whatever the workers think.
        Index("uq_jobs_running", "site_id", unique=True, postgresql_where=text("status = 'running'")),
        Index("ix_jobs_site_id_id", "site_id", "id"),
        Index("ix_jobs_status_id", "status", "id"),
        Index("ix_jobs_ended_at", "ended_at"),
        Index("ix_jobs_retry_of", "retry_of", postgresql_where=text("retry_of IS NOT NULL")),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"))
    job_type: Mapped[str] = mapped_column(String(32))
    method: Mapped[str] = mapped_column(String(16), default=JobMethod.AUTO)
    priority: Mapped[int] = mapped_column(default=50)
    """0 to 100, higher is sooner."""
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    status: Mapped[str] = mapped_column(String(16), default=JobStatus.QUEUED)

    progress_step: Mapped[str | None] = mapped_column(String(64))
    progress_percentage: Mapped[float] = mapped_column(default=0.0)
    progress_message: Mapped[str | None] = mapped_column(Text)

    attempt_count: Mapped[int] = mapped_column(default=0)
    """Starts that ended badly or are under way; a start that was handed back does not count."""
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    """Goes up with every start."""
    queue_id: Mapped[int | None] = mapped_column(BigInteger)
    """Its entry in the queue; none while it waits for another job of its site."""
    started_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    heartbeat_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    next_retry_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))

    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)
    recovery_action: Mapped[str | None] = mapped_column(Text)

    retry_of: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    origin: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """The request that started it, as logs and traces name it."""
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
