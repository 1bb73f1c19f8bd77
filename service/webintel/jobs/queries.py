"""Reads about jobs."""

import functools
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, FromClause, Label, Select, Text, bindparam, cast, func, select

from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.db import Database
from webintel.db.reads import Read, at_most
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

_ONE = Read(
    select(*_COLUMNS, cast(Job.parameters, Text).label("parameters"), cast(Job.result, Text).label("result")).where(
        Job.id == bindparam("job_id")
    )
)
_LAST = Read(select(*_COLUMNS).where(Job.site_id == bindparam("site_id")).order_by(Job.id.desc()).limit(at_most(1)))
_MARK = "last_job_"
_NEWEST_NAMES = tuple(_MARK + column.key for column in _COLUMNS)


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs to list; none means any."""

    site_id: UUID | None = None
    job_type: JobType | None = None
    status: JobStatus | None = None

    def values(self) -> dict[str, Any]:
        """Give what is asked for, for SQL."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


class JobQueries:
    """Reads, each in a statement of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self, chosen: JobFilter, *, limit: int, cursor_text: str | None, include_total: bool = False
    ) -> Page[JobSummary]:
        """List jobs, the newest first, a page at a time."""
        filters = chosen.values()
        cursor = read_cursor(cursor_text, ORDER)
        after = {"after": cursor.id} if cursor else {}
        read = _list(frozenset(filters), limit, after=cursor is not None)
        rows = await self._database.rows(read, **filters, **after)
        total = await self._database.row(_total(frozenset(filters)), **filters) if include_total else None
        jobs = [JobSummary(**_fields(row)) for row in rows]
        return make_page(jobs, limit, lambda job: Cursor(ORDER, None, job.id), total and total[0])

    async def get(self, job_id: UUID) -> JobDetail:
        """Give one job, whole.

        Raises:
            JobNotFound: there is no such job.
        """
        row = await self._database.row(_ONE, job_id=job_id)
        if row is None:
            raise JobNotFound(job_id)
        return JobDetail(**_fields(row), parameters=raw_json(row["parameters"]), result=raw_json(row["result"]))

    async def last_of(self, site_id: UUID) -> JobSummary | None:
        """Give a site's newest job."""
        row = await self._database.row(_LAST, site_id=site_id)
        return JobSummary(**_fields(row)) if row is not None else None


def newest(site_id: ColumnElement[UUID]) -> tuple[FromClause, list[Label[Any]]]:
    """Write, for a read about sites, each one's newest job, to be joined, and its columns."""
    job = select(*_COLUMNS).where(Job.site_id == site_id).order_by(Job.id.desc()).limit(at_most(1)).lateral()
    return job, [column.label(_MARK + column.key) for column in job.c]


def take_newest(fields: dict[str, Any]) -> JobSummary | None:
    """Take the newest job out of what such a read gave."""
    job = {name.removeprefix(_MARK): fields.pop(name) for name in _NEWEST_NAMES}
    return JobSummary(**_fields(job)) if job["id"] is not None else None


@functools.lru_cache(maxsize=256)
def _list(filters: frozenset[str], limit: int, *, after: bool) -> Read:
    statement = _where(select(*_COLUMNS), filters)
    if after:
        statement = statement.where(Job.id < bindparam("after"))
    # With filters the plan may well depend on their values.
    return Read(statement.order_by(Job.id.desc()).limit(limit + 1 if filters else at_most(limit + 1)))


@functools.lru_cache(maxsize=16)
def _total(filters: frozenset[str]) -> Read:
    return Read(_where(select(func.count()).select_from(Job), filters))


def _where(statement: Select[Any], filters: frozenset[str]) -> Select[Any]:
    return statement.where(*(getattr(Job, name) == bindparam(name) for name in sorted(filters)))


def _fields(row: Any) -> dict[str, Any]:
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
