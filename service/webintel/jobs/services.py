"""Starting, cancelling and retrying jobs; each in the caller's transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Unpack
from uuid import UUID

from asyncpg import Connection, ForeignKeyViolationError
from sqlalchemy import Row, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.db.writes import connection_of
from webintel.jobs.errors import JobAlreadyRunning, JobEnded, JobNotFailed, JobNotFound, SiteNotFound
from webintel.jobs.events import announce
from webintel.jobs.models import UNDER_WAY, Job, JobStatus, JobType
from webintel.jobs.schemas import JobDetail
from webintel.jobs.starting import JobOrder, new_jobs, record_jobs
from webintel.worker.pgqueuer import PgQueuerQueue
from webintel.worker.queue import JobQueue

STOPPING_TIME = timedelta(seconds=2)
"""How long the next job of a site waits for a cancelled one to let go of it."""


class JobService:
    """What callers may do with jobs."""

    def __init__(self, queue: JobQueue | None = None) -> None:
        self._queue = queue or PgQueuerQueue()

    async def start(
        self, connection: Connection, *, site_id: UUID, job_type: JobType | str, **order: Unpack[JobOrder]
    ) -> JobDetail:
        """Record a job and hand it to the queue; the transaction cannot go on after a site that is not there.

        Raises:
            InvalidInput: the method is not available.
            SiteNotFound: there is no such site.
            JobAlreadyRunning: the site has a job of this type under way.
        """
        (job,) = await self.start_all(connection, site_id=site_id, job_types=[job_type], **order)
        return job

    async def start_all(
        self, connection: Connection, *, site_id: UUID, job_types: Sequence[JobType | str], **order: Unpack[JobOrder]
    ) -> list[JobDetail]:
        """Do the same with several jobs of a site; the transaction cannot go on after any refusal."""
        jobs = new_jobs(site_id, job_types, **order)
        queue_ids = await self._queue.enqueue(connection, [job.id for job in jobs], priority=jobs[0].priority)
        try:
            made = await record_jobs(connection, jobs, queue_ids)
        except ForeignKeyViolationError as error:
            if error.constraint_name == "fk_jobs_site_id_sites":
                raise SiteNotFound(site_id) from None
            raise
        if refused := [job for job in jobs if job.id not in made]:
            await self._queue.cancel(connection, queue_ids)
            raise JobAlreadyRunning(refused[0].job_type)
        return jobs

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

    async def retry(self, session: AsyncSession, job_id: UUID, *, requested_by: UUID | None = None) -> JobDetail:
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
            await connection_of(session),
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
        queue_ids = [job.queue_id for job in jobs if job.queue_id is not None]
        await self._queue.cancel(await connection_of(session), queue_ids)
        for job in jobs:
            await announce(session, job.id)


async def lock_site(session: AsyncSession, site_id: UUID) -> None:
    """Let nobody else decide, until the transaction ends, which job of the site runs; always before a job's row."""
    await session.execute(text("SELECT 1 FROM sites WHERE id = :id FOR NO KEY UPDATE"), {"id": site_id})


async def put_in_queue(
    session: AsyncSession, queue: JobQueue, job: Job | Row[Any], *, delay: timedelta = timedelta(0)
) -> int:
    """Hand a job that is recorded already to the queue, and give the number of its entry."""
    (queue_id,) = await queue.enqueue(await connection_of(session), [job.id], priority=job.priority, delay=delay)
    return queue_id


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
        queue_id = await put_in_queue(session, queue, row, delay=delay)
        await session.execute(update(Job).where(Job.id == row.id).values(queue_id=queue_id))
