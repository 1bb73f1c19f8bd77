"""Reads about jobs."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Text, cast, func, select

from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.db import Database
from webintel.jobs.errors import JobNotFound
from webintel.jobs.models import Job, JobMethod, JobStatus, JobType
from webintel.jobs.schemas import JobDetail, JobFailure, JobProgress, JobSummary
from webintel.json_columns import raw_json

ORDER = "-created_at"
_PLAIN = (
    "id",
    "site_id",
    "priority",
    "attempt_count",
    "created_at",
    "updated_at",
    "started_at",
    "ended_at",
    "heartbeat_at",
    "next_retry_at",
    "retry_of",
    "requested_by",
)
_COLUMNS = (
    *(getattr(Job, name) for name in _PLAIN),
    *(Job.job_type, Job.method, Job.status),
    *(Job.progress_step, Job.progress_percentage, Job.progress_message),
    *(Job.error_code, Job.error_message, Job.recovery_action),
)


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs to list; none means any."""

    site_id: UUID | None = None
    job_type: JobType | None = None
    status: JobStatus | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Write them for SQL."""
        return [
            getattr(Job, name) == value for name, value in msgspec.structs.asdict(self).items() if value is not None
        ]


class JobQueries:
    """Reads, each in a statement of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self, chosen: JobFilter, *, limit: int, cursor_text: str | None, include_total: bool = False
    ) -> Page[JobSummary]:
        """List jobs, the newest first, a page at a time."""
        conditions = chosen.conditions()
        statement = select(*_COLUMNS).where(*conditions).order_by(Job.id.desc()).limit(limit + 1)
        if cursor := read_cursor(cursor_text, ORDER):
            statement = statement.where(Job.id < cursor.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).mappings()
            jobs = [JobSummary(**_fields(row)) for row in rows]
            total = None
            if include_total:
                total = await connection.scalar(select(func.count()).select_from(Job).where(*conditions))
        return make_page(jobs, limit, lambda job: Cursor(ORDER, None, job.id), total)

    async def get(self, job_id: UUID) -> JobDetail:
        """Give one job, whole.

        Raises:
            JobNotFound: there is no such job.
        """
        statement = select(
            *_COLUMNS, cast(Job.parameters, Text).label("parameters"), cast(Job.result, Text).label("result")
        ).where(Job.id == job_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise JobNotFound(job_id)
        return JobDetail(**_fields(row), parameters=raw_json(row["parameters"]), result=raw_json(row["result"]))

    async def last_of(self, site_id: UUID) -> JobSummary | None:
        """Give a site's newest job."""
        statement = select(*_COLUMNS).where(Job.site_id == site_id).order_by(Job.id.desc()).limit(1)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        return JobSummary(**_fields(row)) if row is not None else None


def _fields(row: RowMapping) -> dict[str, Any]:
    error = None
    if row["error_code"] is not None:
        error = JobFailure(
            code=row["error_code"], message=row["error_message"] or "", recovery_action=row["recovery_action"] or ""
        )
    return {name: row[name] for name in _PLAIN} | {
        "job_type": JobType(row["job_type"]),
        "method": JobMethod(row["method"]),
        "status": JobStatus(row["status"]),
        "progress": JobProgress(
            step=row["progress_step"], percentage=row["progress_percentage"], message=row["progress_message"]
        ),
        "error": error,
    }
