"""The life of a job in the hands of workers: starting, progress, ending, and what is left when a worker dies.

Every write after the start names the start's fence. A worker that was thought dead, and whose job another one has
started since, therefore changes nothing any more: it gets `RunLost` and stops.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from webintel.db import Database
from webintel.engine.errors import EngineError, ErrorCode
from webintel.jobs.events import announce
from webintel.jobs.models import UNDER_WAY, Job, JobStatus
from webintel.jobs.services import lock_site, put_in_queue, release_site
from webintel.json_columns import storable
from webintel.worker.queue import JobQueue

RECOVERABLE = frozenset(
    {ErrorCode.UNREACHABLE, ErrorCode.TIMED_OUT, ErrorCode.RATE_LIMITED, ErrorCode.INVALID_RESPONSE}
)
"""Failures that may pass by themselves; the others fail the same way however often they are tried."""

Effects = Callable[[AsyncSession], Awaitable[dict[str, Any]]]
"""What else a job changes, in the same transaction in which it ends; gives what there is to add to its result."""


class RunLost(Exception):  # noqa: N818 - what happened, as the task would say it
    """The job was cancelled, or another worker runs it now."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One start of a job."""

    job_id: UUID
    site_id: UUID
    job_type: str
    method: str
    parameters: dict[str, Any]
    attempt: int
    fence: int
    requested_by: UUID | None
    requested_at: datetime
    origin: dict[str, str]


class Later(msgspec.Struct, frozen=True):
    """The entry must come back after a while."""

    delay: timedelta


class Gone(msgspec.Struct, frozen=True):
    """The entry has no use any more."""


class Buried(msgspec.Struct, frozen=True):
    """The job was started too often without ending, and has been given up."""

    run: Run


class JobRuns:
    """Moves jobs on, each step in a transaction of its own."""

    def __init__(self, database: Database, queue: JobQueue, *, max_attempts: int, retry_base: timedelta) -> None:
        self._database = database
        self._queue = queue
        self._max_attempts = max_attempts
        self._retry_base = retry_base

    async def claim(
        self, job_id: UUID, queue_id: int, *, bury: Callable[[Run], Effects]
    ) -> Run | Later | Gone | Buried:
        """Start the job that a queue's entry points at, if it is to be started now.

        An entry comes back while its job is running only when the queue has given its worker up. The job then goes on
        under a new entry: should the worker be alive after all, whatever it still says is about the old one.
        """
        async with self._database.transaction() as session:
            site_id = await session.scalar(select(Job.site_id).where(Job.id == job_id))
            if site_id is None:
                return Gone()
            await lock_site(session, site_id)
            job = await session.scalar(
                select(Job).where(Job.id == job_id).with_for_update().execution_options(populate_existing=True)
            )
            if job is None or job.queue_id != queue_id or job.status not in UNDER_WAY:
                return Gone()
            return await self._not_now(session, job, bury) or await self._start(session, job)

    async def _not_now(
        self, session: AsyncSession, job: Job, bury: Callable[[Run], Effects]
    ) -> Later | Gone | Buried | None:
        """Say why the job is not to be started, and what is to become of its entry."""
        now = datetime.now(UTC)
        if job.next_retry_at is not None and job.next_retry_at > now:
            return Later(job.next_retry_at - now)
        if job.attempt_count >= self._max_attempts:
            await self._bury(session, job, bury)
            return Buried(_run_of(job))
        if job.status == JobStatus.RUNNING:
            job.status = JobStatus.QUEUED
            job.queue_id = await put_in_queue(session, self._queue, job)
            await announce(session, job.id)
            return Gone()
        if await self._has_to_wait(session, job):
            # Whoever goes first hands it to the queue again at its end.
            job.queue_id = None
            return Gone()
        return None

    async def _start(self, session: AsyncSession, job: Job) -> Run:
        job.status = JobStatus.RUNNING
        job.attempt_count += 1
        job.fence += 1
        job.started_at = job.heartbeat_at = datetime.now(UTC)
        job.next_retry_at = None
        job.progress_step, job.progress_percentage, job.progress_message = "starting", 0.0, None
        job.error_code = job.error_message = job.recovery_action = None
        await announce(session, job.id)
        return _run_of(job)

    async def beat(self, run: Run) -> None:
        """Say that the job is alive.

        Raises:
            RunLost: it is no longer ours.
        """
        async with self._database.transaction() as session:
            await self._write(session, run, heartbeat_at=datetime.now(UTC))

    async def progress(self, run: Run, step: str, percentage: float, message: str | None) -> None:
        """Tell how far the job has come.

        Raises:
            RunLost: it is no longer ours.
        """
        async with self._database.transaction() as session:
            await self._write(
                session,
                run,
                heartbeat_at=datetime.now(UTC),
                progress_step=step[:64],
                progress_percentage=min(max(percentage, 0.0), 100.0),
                progress_message=message[:500].replace("\x00", "") if message else None,
            )
            await announce(session, run.job_id)

    async def succeed(self, run: Run, result: dict[str, Any], effects: Effects) -> None:
        """End the job well; what it brought about and the end are committed together or not at all.

        Raises:
            RunLost: it is no longer ours.
        """
        async with self._database.transaction() as session:
            await lock_site(session, run.site_id)
            outcome = await effects(session)
            await self._write(
                session,
                run,
                status=JobStatus.SUCCESS,
                ended_at=datetime.now(UTC),
                progress_step="done",
                progress_percentage=100.0,
                result=storable(result | outcome),
            )
            await self._ended(session, run.job_id, run.site_id)

    async def fail(self, run: Run, error: EngineError, effects: Effects) -> timedelta | JobStatus:
        """End the job badly and give its status, or give the time after which it is to be tried again.

        Raises:
            RunLost: it is no longer ours.
        """
        recoverable = error.code in RECOVERABLE
        async with self._database.transaction() as session:
            await lock_site(session, run.site_id)
            if recoverable and run.attempt < self._max_attempts:
                delay = self._retry_base * int(2 ** (run.attempt - 1))
                await self._write(
                    session,
                    run,
                    status=JobStatus.QUEUED,
                    next_retry_at=datetime.now(UTC) + delay,
                    **_error(error),
                )
                await self._ended(session, run.job_id, run.site_id)
                return delay
            status = JobStatus.DEAD if recoverable else JobStatus.FAILED
            await self._write(
                session,
                run,
                status=status,
                ended_at=datetime.now(UTC),
                **_error(error),
            )
            await effects(session)
            await self._ended(session, run.job_id, run.site_id)
            return status

    async def hand_back(self, run: Run) -> None:
        """Give the job to another worker, because this one is told to stop; the start does not count.

        Raises:
            RunLost: it is no longer ours.
        """
        async with self._database.transaction() as session:
            await lock_site(session, run.site_id)
            await self._write(
                session,
                run,
                status=JobStatus.QUEUED,
                attempt_count=run.attempt - 1,
                progress_step=None,
                progress_percentage=0.0,
                progress_message=None,
            )
            await announce(session, run.job_id)

    async def rescue(self, lost_after: timedelta) -> list[UUID]:
        """Give jobs that the queue has lost sight of back to it, and say which ones.

        A worker that was thought dead can remove the entry of a job that another one runs; if that one dies as well,
        only the job's row remembers it.
        """
        before = datetime.now(UTC) - lost_after
        other = aliased(Job)
        busy = exists().where(other.site_id == Job.site_id, other.status == JobStatus.RUNNING, other.id != Job.id)
        forgotten = (
            select(Job)
            .where(
                Job.status.in_(UNDER_WAY),
                Job.updated_at < before,
                or_(
                    and_(Job.queue_id.is_not(None), ~self._queue.holds(Job.queue_id)),
                    and_(Job.queue_id.is_(None), ~busy),
                ),
            )
            .limit(100)
            .with_for_update(skip_locked=True)
        )
        async with self._database.transaction() as session:
            jobs = list(await session.scalars(forgotten))
            for job in jobs:
                job.queue_id = await put_in_queue(session, self._queue, job)
        return [job.id for job in jobs]

    async def _write(self, session: AsyncSession, run: Run, **values: Any) -> None:
        ours = and_(Job.id == run.job_id, Job.fence == run.fence, Job.status == JobStatus.RUNNING)
        done = await session.execute(
            update(Job).where(ours).values(**values).execution_options(synchronize_session=False)
        )
        if isinstance(done, CursorResult) and done.rowcount != 1:
            raise RunLost

    async def _ended(self, session: AsyncSession, job_id: UUID, site_id: UUID) -> None:
        await release_site(session, self._queue, site_id)
        await announce(session, job_id)

    async def _has_to_wait(self, session: AsyncSession, job: Job) -> bool:
        """Whether another job of the site runs, or is to run before this one."""
        ahead = and_(
            Job.status == JobStatus.QUEUED,
            Job.queue_id.is_not(None),
            Job.next_retry_at.is_(None),
            or_(Job.priority > job.priority, and_(Job.priority == job.priority, Job.id < job.id)),
        )
        others = select(Job.id).where(
            Job.site_id == job.site_id, Job.id != job.id, or_(Job.status == JobStatus.RUNNING, ahead)
        )
        return await session.scalar(others.limit(1)) is not None

    async def _bury(self, session: AsyncSession, job: Job, bury: Callable[[Run], Effects]) -> None:
        error = EngineError(
            ErrorCode.WORKER_LOST, f"It was started {job.attempt_count} times, and each time its worker was lost."
        )
        job.status = JobStatus.DEAD
        job.ended_at = datetime.now(UTC)
        for name, value in _error(error).items():
            setattr(job, name, value)
        await session.flush()
        await bury(_run_of(job))(session)
        await self._ended(session, job.id, job.site_id)


def _run_of(job: Job) -> Run:
    return Run(
        job_id=job.id,
        site_id=job.site_id,
        job_type=job.job_type,
        method=job.method,
        parameters=job.parameters,
        attempt=job.attempt_count,
        fence=job.fence,
        requested_by=job.requested_by,
        requested_at=job.created_at,
        origin=job.origin or {},
    )


def _error(error: EngineError | None) -> dict[str, str | None]:
    if error is None:
        return {"error_code": None, "error_message": None, "recovery_action": None}
    return {
        "error_code": str(error.code),
        "error_message": error.message.replace("\x00", "")[:2000],
        "recovery_action": error.recovery_action,
    }
