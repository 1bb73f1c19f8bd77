"""Running one job from its claim to its end, whatever happens in between."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import anyio
import structlog
from structlog.contextvars import bound_contextvars

from webintel.db.outage import is_outage
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.progress import Progress
from webintel.engine.watching import watcher
from webintel.jobs.models import JobStatus
from webintel.jobs.origins import REQUEST_ID, TRACEPARENT
from webintel.jobs.runs import Buried, Gone, JobRuns, Later, Run, RunLost
from webintel.settings import Settings
from webintel.tracing import spans
from webintel.worker.metrics import WorkerMetrics
from webintel.worker.task import Finished, Task

PROGRESS_SECONDS = 0.5
"""Progress is written at most this often."""
OUTAGE_PAUSE = 1.0
OUTAGE_PATIENCE = 60
"""Tries to write a job's end before it is left to be started again."""
STOPPING_PATIENCE = 5.0
"""How long a cancelled task may take to let go."""

logger = structlog.get_logger(__name__)
Result = TypeVar("Result")


class Runner:
    """Handles the queue's entries."""

    def __init__(self, runs: JobRuns, tasks: Mapping[str, Task], metrics: WorkerMetrics, settings: Settings) -> None:
        self._runs = runs
        self._tasks = tasks
        self._metrics = metrics
        self._beat_seconds = settings.worker_heartbeat_seconds
        self._grace_seconds = settings.worker_grace_seconds
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let the running jobs end within the time of grace, then hand them back."""
        self._stopping.set()

    async def handle(self, job_id: UUID, queue_id: int) -> timedelta | None:
        """Do what an entry asks for; gives the time after which it is to come back, if at all."""
        if self._stopping.is_set():
            return timedelta(0)
        claimed = await self._runs.claim(job_id, queue_id, bury=lambda run: self._tasks[run.job_type].failed(run))
        match claimed:
            case Later(delay):
                return delay
            case Buried(run):
                with bound_contextvars(**_names(run)):
                    logger.error("job given up: its worker was lost each time")
                self._metrics.count_end(run.job_type, JobStatus.DEAD)
                return None
            case Gone():
                return None
        with bound_contextvars(**_names(claimed)), _spanned(claimed):
            self._metrics.running.inc()
            try:
                return await self._run(claimed)
            finally:
                self._metrics.running.dec()

    async def _run(self, run: Run) -> timedelta | None:
        logger.info("job started")
        began = time.monotonic()
        watch = _Watch(self._runs, run, self._beat_seconds)
        watcher.set(spans.fetch_watcher())
        work = asyncio.create_task(self._tasks[run.job_type].work(run, watch.report), name="job")
        beats = asyncio.create_task(watch.keep_alive(), name="job heartbeat")
        stopping = asyncio.create_task(self._stop_requested(), name="job grace")
        try:
            await asyncio.wait({work, beats, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return await self._end(run, work, began)
            await _give_up(work)
            if beats.done():
                beats.result()
            await self._until_written(lambda: self._runs.hand_back(run))
            logger.info("job handed back")
            return timedelta(0)
        except RunLost:
            logger.info("job left: it was cancelled, or another worker runs it")
            return None
        except asyncio.CancelledError:
            logger.info("job cancelled")
            self._metrics.count_end(run.job_type, JobStatus.CANCELLED, time.monotonic() - began)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                for task in (work, beats, stopping):
                    await _give_up(task)
            watch.end_step()

    async def _end(self, run: Run, work: asyncio.Task[Finished], began: float) -> timedelta | None:
        try:
            finished = work.result()
        except EngineError as error:
            return await self._fail(run, error, began)
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("job failed by a fault of ours")
            failure = EngineError(ErrorCode.INTERNAL, f"The job failed unexpectedly ({type(error).__name__}).")
            return await self._fail(run, failure, began)
        await self._until_written(lambda: self._runs.succeed(run, finished.result, finished.effects))
        seconds = time.monotonic() - began
        self._metrics.count_fetches(finished.fetches)
        self._metrics.count_end(run.job_type, JobStatus.SUCCESS, seconds)
        if finished.publishes:
            self._metrics.count_blueprint((datetime.now(UTC) - run.requested_at).total_seconds())
        logger.info("job done", seconds=round(seconds, 2))
        return None

    async def _fail(self, run: Run, error: EngineError, began: float) -> timedelta | None:
        # Its message stays in the job: it quotes addresses, and what stands in those is nobody's business.
        effects = self._tasks[run.job_type].failed(run)
        ended = await self._until_written(lambda: self._runs.fail(run, error, effects))
        if isinstance(ended, timedelta):
            logger.warning("job failed, to be tried again", error=error.code, after=str(ended))
            return ended
        logger.warning("job failed", error=error.code, status=ended)
        self._metrics.count_end(run.job_type, ended, time.monotonic() - began)
        return None

    async def _until_written(self, write: Callable[[], Awaitable[Result]]) -> Result:
        """Write what must not be lost, through an outage of the database if need be."""
        for _ in range(OUTAGE_PATIENCE):
            try:
                return await write()
            except Exception as error:
                if not is_outage(error):
                    raise
                logger.warning("waiting for the database to write a job's end")
                await asyncio.sleep(OUTAGE_PAUSE)
        return await write()

    async def _stop_requested(self) -> None:
        await self._stopping.wait()
        await asyncio.sleep(self._grace_seconds)


class _Watch:
    """Writes a job's progress and heartbeat, and so notices when the job is no longer ours."""

    def __init__(self, runs: JobRuns, run: Run, beat_seconds: float) -> None:
        self._runs = runs
        self._run = run
        self._beat_seconds = beat_seconds
        self._latest: Progress | None = None
        self._step: str | None = None
        self._step_began = 0.0

    def report(self, progress: Progress) -> None:
        """Note how far the job has come; only the latest is written."""
        self._latest = progress
        if progress.step != self._step:
            self.end_step()
            self._step, self._step_began = progress.step, time.monotonic()
            logger.info("job step", step=progress.step, percentage=progress.percentage)

    def end_step(self) -> None:
        """Say that the present step has ended, where there is one."""
        if self._step is not None:
            spans.step(self._step, time.monotonic() - self._step_began)
            self._step = None

    async def keep_alive(self) -> None:
        """Write until cancelled.

        Raises:
            RunLost: the job was cancelled, or another worker runs it.
        """
        last = time.monotonic()
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            latest, self._latest = self._latest, None
            if latest is None and time.monotonic() - last < self._beat_seconds:
                continue
            try:
                if latest is not None:
                    await self._runs.progress(self._run, latest.step, latest.percentage, latest.message)
                else:
                    await self._runs.beat(self._run)
                last = time.monotonic()
            except Exception as error:
                if not is_outage(error):
                    raise
                self._latest = self._latest or latest


def _names(run: Run) -> dict[str, Any]:
    """What every log line about a run carries."""
    return {
        "job_id": str(run.job_id),
        "site_id": str(run.site_id),
        "job_type": run.job_type,
        "attempt": run.attempt,
        "caller": str(run.requested_by) if run.requested_by else None,
        REQUEST_ID: run.origin.get(REQUEST_ID),
    }


def _spanned(run: Run) -> AbstractContextManager[None]:
    attributes: dict[str, spans.Value] = {
        "webintel.job_id": str(run.job_id),
        "webintel.site_id": str(run.site_id),
        "webintel.attempt": run.attempt,
    }
    return spans.span(f"job {run.job_type}", "consumer", run.origin.get(TRACEPARENT), attributes)


async def _give_up(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait, within reason, until it has let go."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=STOPPING_PATIENCE)
    if task.done() and not task.cancelled():
        with contextlib.suppress(Exception):
            task.result()
