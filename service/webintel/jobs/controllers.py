"""The calls about jobs."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from asyncpg import Connection
from litestar import Controller, Response, Router, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import ServerSentEvent, ServerSentEventMessage
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.queries import Caller
from webintel.accounts.roles import Permission
from webintel.api.access import allow
from webintel.api.health import Health
from webintel.api.job_events import JobEvents
from webintel.api.openapi import SECURITY
from webintel.api.pagination import Page
from webintel.api.parameters import DEFAULT_LIMIT, CursorText, Limit
from webintel.api.problems import documented
from webintel.api.requests import Once
from webintel.jobs.errors import JobNotFound
from webintel.jobs.models import ENDED, Job, JobStatus, JobType
from webintel.jobs.queries import JobFilter, JobQueries
from webintel.jobs.schemas import JobDetail, JobFailure, JobProgress, JobSummary, NewJob
from webintel.jobs.services import JobService
from webintel.sites.registration import priority_of

POLL_SECONDS = 2.0
"""How late a change is seen at most when its notification is lost."""
KEEP_ALIVE_SECONDS = 15.0

_LOCATION = ResponseHeader(name="Location", description="The new job.", documentation_only=True)


def provide_jobs() -> JobService:
    """Give the service that changes jobs."""
    return JobService()


class JobController(Controller):
    """Jobs."""

    path = "/jobs"
    tags = ("Jobs",)
    security = SECURITY

    @post(
        "/",
        operation_id="StartJob",
        summary="Start a job",
        opt=allow(Permission.RUN_JOBS),
        responses=documented(404, 409, 413, 415, 422),
        response_headers=[_LOCATION],
    )
    async def start_job(
        self,
        data: JSONBody[NewJob],
        jobs: NamedDependency[JobService],
        caller: NamedDependency[Caller],
        once: NamedDependency[Once],
    ) -> Response[JobDetail]:
        """Start a job for a site; at most one of each type is under way for a site."""

        async def start(connection: Connection) -> tuple[str, JobDetail]:
            inherited = await priority_of(connection, data.site_id)
            job = await jobs.start(
                connection,
                site_id=data.site_id,
                job_type=data.job_type,
                method=data.method,
                priority=inherited if data.priority is None else data.priority,
                parameters=msgspec.to_builtins(data.parameters),
                requested_by=caller.user_id,
            )
            return _location(job), job

        return await once.create(start)

    @get("/", operation_id="ListJobs", summary="List jobs", opt=allow(Permission.READ), responses=documented())
    async def list_jobs(  # noqa: PLR0913, PLR0917 - the filters of the list
        self,
        job_queries: NamedDependency[JobQueries],
        site_id: FromQuery[UUID | None] = None,
        job_type: FromQuery[JobType | None] = None,
        status: FromQuery[JobStatus | None] = None,
        limit: Limit = DEFAULT_LIMIT,
        page_cursor: CursorText = None,
        include_total: FromQuery[bool] = False,
    ) -> Page[JobSummary]:
        """List jobs, newest first."""
        chosen = JobFilter(site_id=site_id, job_type=job_type, status=status)
        return await job_queries.list(chosen, limit=limit, cursor_text=page_cursor, include_total=include_total)

    @get(
        "/{job_id:uuid}",
        operation_id="GetJob",
        summary="Read a job",
        opt=allow(Permission.READ),
        responses=documented(404),
    )
    async def get_job(self, job_id: FromPath[UUID], job_queries: NamedDependency[JobQueries]) -> JobDetail:
        """Give a job with its progress, and its result or error."""
        return await job_queries.get(job_id)

    @get(
        "/{job_id:uuid}/events",
        operation_id="FollowJob",
        summary="Follow a job",
        opt=allow(Permission.READ, uncompressed=True),
        responses=documented(404),
        media_type="text/event-stream",
    )
    async def follow_job(
        self,
        job_id: FromPath[UUID],
        job_queries: NamedDependency[JobQueries],
        job_events: NamedDependency[JobEvents],
        health: NamedDependency[Health],
    ) -> ServerSentEvent:
        """Send a `progress` event whenever the job moves, then `done`; the data is the job as `GetJob` gives it."""
        await job_queries.get(job_id)
        return ServerSentEvent(_follow(job_id, job_queries, job_events, health.draining))

    @post(
        "/{job_id:uuid}/cancel",
        operation_id="CancelJob",
        summary="Cancel a job",
        status_code=200,
        opt=allow(Permission.RUN_JOBS),
        responses=documented(404, 409),
    )
    async def cancel_job(
        self,
        job_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        jobs: NamedDependency[JobService],
    ) -> JobDetail:
        """End a job that is queued or running."""
        return await _detail(session, await jobs.cancel(session, job_id))

    @post(
        "/{job_id:uuid}/retry",
        operation_id="RetryJob",
        summary="Retry a job",
        opt=allow(Permission.RUN_JOBS),
        responses=documented(404, 409),
        response_headers=[_LOCATION],
    )
    async def retry_job(
        self,
        job_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        jobs: NamedDependency[JobService],
        caller: NamedDependency[Caller],
    ) -> Response[JobDetail]:
        """Start a new job like one that failed."""
        job = await jobs.retry(session, job_id, requested_by=caller.user_id)
        return Response(job, headers={"Location": _location(job)})


async def _follow(
    job_id: UUID, job_queries: JobQueries, job_events: JobEvents, draining: asyncio.Event
) -> AsyncIterator[ServerSentEventMessage]:
    """Read the job at each notification, and now and then without one."""
    last: bytes | None = None
    silence = 0.0
    with job_events.follow(job_id) as changed:
        while not draining.is_set():
            changed.clear()
            try:
                job = await job_queries.get(job_id)
            except JobNotFound:
                return
            data = msgspec.json.encode(job)
            if job.status in ENDED:
                yield ServerSentEventMessage(event="done", data=data)
                return
            shown = msgspec.json.encode((job.status, job.progress, job.attempt_count, job.next_retry_at, job.error))
            if shown != last:
                last, silence = shown, 0.0
                yield ServerSentEventMessage(event="progress", data=data)
            elif silence >= KEEP_ALIVE_SECONDS:
                silence = 0.0
                yield ServerSentEventMessage(comment="still here", data=None)
            silence += await _wait(changed, POLL_SECONDS)


async def _wait(changed: asyncio.Event, seconds: float) -> float:
    started = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        pass
    return asyncio.get_running_loop().time() - started


async def _detail(session: AsyncSession, job: Job) -> JobDetail:
    """Describe a job that the transaction has just changed."""
    await session.refresh(job, inspect(Job).column_attrs.keys())
    plain = [name for name in JobDetail.__struct_fields__ if name not in {"progress", "error"}]
    error = None
    if job.error_code is not None:
        error = JobFailure(
            code=job.error_code, message=job.error_message or "", recovery_action=job.recovery_action or ""
        )
    progress = JobProgress(step=job.progress_step, percentage=job.progress_percentage, message=job.progress_message)
    return JobDetail(**{name: getattr(job, name) for name in plain}, progress=progress, error=error)


def _location(job: JobDetail) -> str:
    return f"/api/v1/jobs/{job.id}"


router = Router(
    "/",
    route_handlers=[JobController],
    dependencies={"jobs": Provide(provide_jobs, sync_to_thread=False)},
)
