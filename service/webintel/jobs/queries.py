"""Reads about jobs."""

import functools
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import Record
from sqlalchemy import ColumnElement, FromClause, Label, Select, Text, bindparam, cast, func, select

from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.db import Database
from webintel.db.reads import Read, at_most
from webintel.jobs.errors import JobNotFound
from webintel.jobs.models import Job, JobMethod, JobStatus, JobType
from webintel.jobs.schemas import JobDetail, JobFailure, JobProgress, JobSummary
from webintel.json_columns import raw_json

ORDER = "-created_at"
# In the order of the summary's members: `_members` counts on it.
_COLUMNS = (
    *(Job.id, Job.site_id, Job.job_type, Job.method, Job.priority, Job.status),
    *(Job.progress_step, Job.progress_percentage, Job.progress_message),
    *(Job.attempt_count, Job.created_at, Job.updated_at, Job.started_at, Job.ended_at),
    *(Job.heartbeat_at, Job.next_retry_at),
    *(Job.error_code, Job.error_message, Job.recovery_action),
    *(Job.retry_of, Job.requested_by),
)
_WIDTH = len(_COLUMNS)
_TYPES = {each.value: each for each in JobType}
_METHODS = {each.value: each for each in JobMethod}
_STATUSES = {each.value: each for each in JobStatus}

_ONE = Read(
    select(*_COLUMNS, cast(Job.parameters, Text).label("parameters"), cast(Job.result, Text).label("result")).where(
        Job.id == bindparam("job_id")
    )
)
_LAST = Read(select(*_COLUMNS).where(Job.site_id == bindparam("site_id")).order_by(Job.id.desc()).limit(at_most(1)))


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
        jobs = [JobSummary(*_members(row)) for row in rows]
        return make_page(jobs, limit, lambda job: Cursor(ORDER, None, job.id), total and total[0])

    async def get(self, job_id: UUID) -> JobDetail:
        """Give one job, whole.

        Raises:
            JobNotFound: there is no such job.
        """
        row = await self._database.row(_ONE, job_id=job_id)
        if row is None:
            raise JobNotFound(job_id)
        *summary, parameters, result = row
        return JobDetail(*_members(summary), parameters=raw_json(parameters), result=raw_json(result))

    async def last_of(self, site_id: UUID) -> JobSummary | None:
        """Give a site's newest job."""
        row = await self._database.row(_LAST, site_id=site_id)
        return JobSummary(*_members(row)) if row is not None else None


def newest(site_id: ColumnElement[UUID]) -> tuple[FromClause, list[Label[Any]]]:
    """Write, for a read about sites, each one's newest job, to be joined, and its columns, to stand last."""
    job = select(*_COLUMNS).where(Job.site_id == site_id).order_by(Job.id.desc()).limit(at_most(1)).lateral()
    return job, [column.label(f"last_job_{column.key}") for column in job.c]


def newest_of(row: Record) -> JobSummary | None:
    """Read the newest job out of what such a read gave."""
    values = row[-_WIDTH:]
    return JobSummary(*_members(values)) if values[0] is not None else None


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


def _members(values: Iterable[Any]) -> tuple[Any, ...]:
    """Make a summary's members of its columns: by place, because a job by name costs as much as to read it."""
    (job_id, site_id, kind, method, priority, status, step, percentage, message,
     *middle, code, reason, recovery, retry_of, requested_by) = values  # fmt: skip
    return (
        *(job_id, site_id, _TYPES[kind], _METHODS[method], priority, _STATUSES[status]),
        JobProgress(step, percentage, message),
        *middle,
        None if code is None else JobFailure(code, reason or "", recovery or ""),
        *(retry_of, requested_by),
    )
