"""One drill from its start to its record, whatever happens in between."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from webintel.db import Database, create_database
from webintel.db.readiness import why_unusable
from webintel.drill.checks import Comparison, Findings, blaming
from webintel.drill.cluster import DrillCluster, Say
from webintel.drill.errors import DrillError
from webintel.drill.kubernetes import ClusterAccess, KubernetesApi, Object
from webintel.drill.models import Outcome, RestoreDrill
from webintel.drill.server import until_restored
from webintel.drill.services import record
from webintel.settings import Settings

ROLE = "restore drill"
RECORD_SECONDS = 15.0
LETTING_GO_SECONDS = 5.0
"""How long a stopped attempt may take before what it made is cleaned up without it."""

logger = structlog.get_logger(__name__)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill may take, and what the backup may lack."""

    max_missing: timedelta
    restore_seconds: float
    check_seconds: float
    cleanup_seconds: float


class ClusterPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A server to make for the drill."""

    access: ClusterAccess
    manifest: Object
    namespace: str


class Drill:
    """Restores, compares, cleans up, and writes down what became of it."""

    def __init__(self, settings: Settings, limits: Limits, *, cluster: ClusterPlan | None, say: Say) -> None:
        self._settings = settings
        self._limits = limits
        self._plan = cluster
        self._say = say
        self._findings = Findings()
        self._stopped = asyncio.Event()

    async def run(self) -> RestoreDrill:
        """Run it to its end; a signal ends it early, and cleans up all the same.

        Raises:
            DrillError: the live database cannot be asked, or cannot keep the result.
        """
        # Counting takes longer than what a request may take.
        patient = self._settings.model_copy(update={"database_statement_timeout": self._limits.check_seconds})
        with _on_signals(self._stopped.set):
            async with create_database(patient, role=ROLE) as live:
                return await self._run(live)

    async def _run(self, live: Database) -> RestoreDrill:
        await self._until_stopped(_check_live(live))
        started_at = datetime.now(UTC)
        failure = await self._attempt(live, started_at)
        missing = self._findings.missing
        drill = RestoreDrill(
            started_at=started_at,
            finished_at=datetime.now(UTC),
            outcome=Outcome.FAILURE if failure else Outcome.SUCCESS,
            recovery_point=self._findings.recovery_point,
            missing_seconds=None if missing is None else missing.total_seconds(),
            rows_read=self._findings.rows_read,
            failure=failure,
        )
        await _record(live, drill)
        return drill

    async def _attempt(self, live: Database, started_at: datetime) -> str | None:
        """Give the sentence that says what failed; none where nothing did."""
        if self._plan is None:
            return await _failure_of(self._until_stopped(self._restore_and_check(live, started_at, None)))
        try:
            api = KubernetesApi(self._plan.access)
        except DrillError as error:
            return str(error)
        async with api:
            cluster = DrillCluster(api, self._plan.manifest, self._plan.namespace, self._say)
            failure = await _failure_of(self._until_stopped(self._restore_and_check(live, started_at, cluster)))
            self._say(f"deleting Cluster {cluster.name}")
            left = await _failure_of(cluster.delete(time.monotonic() + self._limits.cleanup_seconds))
        return " ".join(sentence for sentence in (failure, left) if sentence) or None

    async def _restore_and_check(self, live: Database, started_at: datetime, cluster: DrillCluster | None) -> None:
        deadline = time.monotonic() + self._limits.restore_seconds
        if cluster is not None:
            if await cluster.exists():
                self._say(f"deleting Cluster {cluster.name}, left over from an earlier drill")
            await cluster.delete(min(deadline, time.monotonic() + self._limits.cleanup_seconds))
            await cluster.create()
            await cluster.until_ready(deadline)
        url = self._restored_url(cluster)
        await until_restored(self._settings, url, deadline, self._say)
        self._say("comparing what was restored with the live database")
        try:
            async with asyncio.timeout(self._limits.check_seconds):
                await self._compare(live, url, started_at)
        except TimeoutError as error:
            raise DrillError(f"The checks were not through after {self._limits.check_seconds:.0f} seconds.") from error

    def _restored_url(self, cluster: DrillCluster | None) -> str:
        if self._settings.restored_database_url is not None:
            return self._settings.restored_database_url.get_secret_value()
        if cluster is None:
            raise DrillError("Nothing says where the restored database is.")
        live = make_url(self._settings.require_database_url())
        return live.set(host=cluster.host, port=5432, query={}).render_as_string(hide_password=False)

    async def _compare(self, live: Database, url: str, started_at: datetime) -> None:
        settings = self._settings.model_copy(
            update={"database_url": SecretStr(url), "database_statement_timeout": self._limits.check_seconds}
        )
        async with (
            create_database(settings, role=ROLE) as database,
            _reading(live, "live") as living,
            _reading(database, "restored") as restored,
        ):
            try:
                await Comparison(living, restored, self._findings).run(started_at, self._limits.max_missing)
            except asyncio.CancelledError:
                # A server that hangs would be asked to roll back, and waited for.
                database.abort()
                raise

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that a signal ends."""
        task = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=LETTING_GO_SECONDS)
            raise DrillError("The drill was stopped by a signal before its end.")
        task.result()


@contextlib.contextmanager
def _on_signals(react: Callable[[], None]) -> Iterator[None]:
    """React to each request to end, the second as the first: cleaning up is bounded, and must not be cut short."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, react)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _reading(database: Database, which: str) -> AsyncIterator[AsyncConnection]:
    with blaming(which):
        async with database.reading() as connection:
            yield connection


async def _failure_of(work: Coroutine[Any, Any, None]) -> str | None:
    try:
        await work
    except DrillError as error:
        return str(error)
    except Exception as error:
        logger.exception("a drill failed by a fault of ours")
        return f"The drill itself is broken ({type(error).__name__}): its log has the traceback."
    return None


async def _check_live(live: Database) -> None:
    """Refuse to begin where the result could not be kept."""
    async with _reading(live, "live") as connection:
        problem = await why_unusable(connection)
    if problem:
        raise DrillError(f"No drill without a live database to compare with and to keep the result: {problem}.")


async def _record(live: Database, drill: RestoreDrill) -> None:
    deadline = time.monotonic() + RECORD_SECONDS
    while True:
        try:
            with blaming("live", "did not keep the result"):
                async with asyncio.timeout(RECORD_SECONDS):
                    await record(live, drill)
        except DrillError as error:
            if time.monotonic() > deadline:
                raise DrillError(f"{drill.failure or 'The drill went well.'} {error}") from error
            await asyncio.sleep(1)
        else:
            return
