"""New jobs: what they begin with, and how several of a site are recorded at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from asyncpg import Connection
from sqlalchemy import BigInteger, String, Uuid, bindparam, column, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import TypeEngine
from uuid_utils.compat import uuid7

from webintel.db.engine import to_json
from webintel.db.writes import Write
from webintel.jobs.events import announcement
from webintel.jobs.models import AVAILABLE_METHODS, Job, JobMethod, JobStatus, JobType
from webintel.jobs.origins import present_origin
from webintel.jobs.schemas import JobDetail, JobProgress
from webintel.problems import InvalidInput

_COLUMNS = Job.__table__.c
_EACH: dict[str, TypeEngine[Any]] = {"id": Uuid(), "job_type": String(), "queue_id": BigInteger()}
"""What differs between the jobs of a site; the rest they share."""
_SHARED = ("site_id", "method", "priority", "parameters", "requested_by", "retry_of", "origin", "status")
_ZERO = ("progress_percentage", "attempt_count", "fence")
_MOMENT = ("created_at", "updated_at")
_NEW = (
    func.unnest(*(bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in _EACH.items()))
    .table_valued(*(column(name, kind) for name, kind in _EACH.items()))
    .render_derived()
)
_RECORD = Write(
    insert(Job)
    .from_select(
        [*_EACH, *_SHARED, *_MOMENT, *_ZERO],
        select(
            *_NEW.c,
            *(bindparam(name, type_=_COLUMNS[name].type) for name in _SHARED),
            *(bindparam("now", type_=_COLUMNS[name].type) for name in _MOMENT),
            *(text("0") for _ in _ZERO),
        ),
        include_defaults=False,
    )
    .on_conflict_do_nothing(index_elements=["site_id", "job_type"], index_where=text("status IN ('queued', 'running')"))
    .returning(Job.id, announcement(_COLUMNS.id))
)


class JobOrder(TypedDict, total=False):
    """What may be said about a new job."""

    method: JobMethod | str
    priority: int
    parameters: dict[str, Any] | None
    requested_by: UUID | None
    retry_of: UUID | None


def new_jobs(site_id: UUID, job_types: Sequence[JobType | str], **order: Unpack[JobOrder]) -> list[JobDetail]:
    """Write new jobs out, with what goes without saying.

    Raises:
        InvalidInput: the method is not available.
    """
    method = order.get("method", JobMethod.AUTO)
    if method not in AVAILABLE_METHODS:
        works = " or ".join(AVAILABLE_METHODS)
        raise InvalidInput.of("method", f"{method} is not available in this version; use {works}.")
    now = datetime.now(UTC)
    return [
        JobDetail(
            id=uuid7(),
            site_id=site_id,
            job_type=JobType(job_type),
            method=JobMethod(method),
            priority=order.get("priority", 50),
            status=JobStatus.QUEUED,
            progress=JobProgress(step=None, percentage=0.0, message=None),
            attempt_count=0,
            created_at=now,
            updated_at=now,
            started_at=None,
            ended_at=None,
            heartbeat_at=None,
            next_retry_at=None,
            error=None,
            retry_of=order.get("retry_of"),
            requested_by=order.get("requested_by"),
            parameters=order.get("parameters") or {},
            result=None,
        )
        for job_type in job_types
    ]


async def record_jobs(connection: Connection, jobs: Sequence[JobDetail], queue_ids: Sequence[int]) -> set[UUID]:
    """Insert and announce new jobs of one site, and say which: one whose like is under way is left out."""
    like, origin = jobs[0], present_origin()
    rows = await _RECORD.run(
        connection,
        ids=[job.id for job in jobs],
        job_types=[job.job_type for job in jobs],
        queue_ids=queue_ids,
        site_id=like.site_id,
        method=like.method,
        priority=like.priority,
        parameters=to_json(like.parameters),
        requested_by=like.requested_by,
        retry_of=like.retry_of,
        origin=origin and to_json(origin),
        status=like.status,
        now=like.created_at,
    )
    return {row["id"] for row in rows}
