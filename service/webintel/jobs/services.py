"""Starting, cancelling and retrying jobs; each in the caller's transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from webintel.jobs.errors import JobAlreadyRunning, JobEnded, JobNotFailed, JobNotFound, SiteNotFound
from webintel.jobs.events import announce
from webintel.jobs.models import AVAILABLE_METHODS, UNDER_WAY, Job, JobMethod, JobStatus, JobType
from webintel.jobs.origins import present_origin
from webintel.problems import InvalidInput
from webintel.worker.pgqueuer import PgQueuerQueue
from webintel.worker.queue import JobQueue

STOPPING_TIME = timedelta(seconds=2)
"""How long the next job of a site waits for a cancelled one to let go of it."""

_STARTED_WITH = (
    *("id", "site_id", "job_type", "method", "priority", "parameters", "requested_by", "retry_of"),
    *("origin", "status", "created_at", "updated_at"),
)


# As text, because SQLAlchemy compiles each insert with ON CONFLICT anew, which costs more than to run it.
_START = select(Job).from_statement(
    text(
        f"INSERT INTO jobs ({', '.join(_STARTED_WITH)}, progress_percentage, attempt_count, fence) "  # noqa: S608
        f"VALUES (:{', :'.join(_STARTED_WITH)}, 0, 0, 0) "
        "ON CONFLICT (site_id, job_type) WHERE status IN ('queued', 'running') DO NOTHING RETURNING *"
    ).bindparams(*(bindparam(name, type_=Job.__table__.c[name].type) for name in _STARTED_WITH))
)


class JobService:
    """What callers may do with jobs."""

    def __init__(self, queue: JobQueue | None = None) -> None:
        self._queue = queue or PgQueuerQueue()

    async def start(  # noqa: PLR0913 - the fields of a job
        self,
        session: AsyncSession,
        *,
        site_id: UUID,
        job_type: JobType | str,
        method: JobMethod | str = JobMethod.AUTO,
        priority: int = 50,
        parameters: dict[str, Any] | None = None,
        requested_by: UUID | None = None,
        retry_of: UUID | None = None,
    ) -> Job:
        """Record a job and hand it to the queue; the transaction cannot go on after a site that is not there.

        Raises:
            InvalidInput: the method is not available.
            SiteNotFound: there is no such site.
            JobAlreadyRunning: the site has a job of this type under way.
        """
        if method not in AVAILABLE_METHODS:
            works = " or ".join(AVAILABLE_METHODS)
            raise InvalidInput.of("method", f"{method} is not available in this version; use {works}.")
        now = datetime.now(UTC)
        values = {
            "id": uuid7(),
            "site_id": site_id,
            "job_type": str(job_type),
            "method": str(method),
            "priority": priority,
            "parameters": parameters or {},
            "origin": present_origin(),
            "requested_by": requested_by,
            "retry_of": retry_of,
            "status": JobStatus.QUEUED,
            "created_at": now,
            "updated_at": now,
        }
        try:
            job: Job | None = await session.scalar(_START, values)
        except IntegrityError as error:
            if "fk_jobs_site_id_sites" in str(error.orig):
                raise SiteNotFound(site_id) from None
            raise
        if job is None:
            raise JobAlreadyRunning(str(job_type))
        job.queue_id = await self._queue.enqueue(session, job.id, priority=priority)
        await session.flush()
        await announce(session, job.id)
        return job

    async def cancel(self, session: AsyncSession, job_id: UUID) -> Job:
        """End a job that is queued or running; its worker lets go of it within a second.

        Raises:
            JobNotFound: there is no such job.
            JobEnded: it has ended already.
        """
        site_id = await session.scalar(select(Job.site_id).where(Job.id == job_id))
        if site_id is not None:
            await lock_site(session, site_id)
        job = await session.get(Job, job_id, with_for_update=True, populate_existing=True)
        if job is None:
            raise JobNotFound(job_id)
        if job.status not in UNDER_WAY:
            raise JobEnded(job.status)
        await self._cancel(session, [job])
        await release_site(session, self._queue, job.site_id, delay=STOPPING_TIME)
        return job

    async def cancel_for_site(self, session: AsyncSession, site_id: UUID) -> int:
        """End every job of a site and say how many there were."""
        await lock_site(session, site_id)
        query = select(Job).where(Job.site_id == site_id, Job.status.in_(UNDER_WAY)).with_for_update()
        jobs = list(await session.scalars(query))
        await self._cancel(session, jobs)
        return len(jobs)

    async def retry(self, session: AsyncSession, job_id: UUID, *, requested_by: UUID | None = None) -> Job:
        """Start a new job like one that failed.

        Raises:
            JobNotFound: there is no such job.
            JobNotFailed: it did not fail.
            JobAlreadyRunning: the site has a job of this type under way.
        """
        old = await session.get(Job, job_id, populate_existing=True)
        if old is None:
            raise JobNotFound(job_id)
        if old.status not in {JobStatus.FAILED, JobStatus.DEAD}:
            raise JobNotFailed(old.status)
        return await self.start(
            session,
            site_id=old.site_id,
            job_type=old.job_type,
            method=old.method,
            priority=old.priority,
            parameters=old.parameters,
            requested_by=requested_by,
            retry_of=old.id,
        )

    async def _cancel(self, session: AsyncSession, jobs: list[Job]) -> None:
        for job in jobs:
            job.status = JobStatus.CANCELLED
            job.ended_at = datetime.now(UTC)
            job.next_retry_at = None
        await session.flush()
        await self._queue.cancel(session, [job.queue_id for job in jobs if job.queue_id is not None])
        for job in jobs:
            await announce(session, job.id)


async def lock_site(session: AsyncSession, site_id: UUID) -> None:
    """Let nobody else decide, until the transaction ends, which job of the site runs; always before a job's row."""
    await session.execute(text("SELECT 1 FROM sites WHERE id = :id FOR NO KEY UPDATE"), {"id": site_id})


async def release_site(
    session: AsyncSession, queue: JobQueue, site_id: UUID, *, delay: timedelta = timedelta(0)
) -> None:
    """Hand the next job that waits for the locked site to the queue."""
    waiting = (
        select(Job.id, Job.priority)
        .where(Job.site_id == site_id, Job.status == JobStatus.QUEUED, Job.queue_id.is_(None))
        .order_by(Job.priority.desc(), Job.id)
        .limit(1)
    )
    row = (await session.execute(waiting)).one_or_none()
    if row is not None:
        queue_id = await queue.enqueue(session, row.id, priority=row.priority, delay=delay)
        await session.execute(update(Job).where(Job.id == row.id).values(queue_id=queue_id))
