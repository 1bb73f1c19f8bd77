"""What orchestrators ask: is it alive, may it have traffic, has it started."""

import asyncio
import contextlib
import time

import structlog
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.status_codes import HTTP_503_SERVICE_UNAVAILABLE

from webintel.accounts.roles import Permission
from webintel.api.access import UNLIMITED_OPT, allow
from webintel.db import Database, create_database
from webintel.db.readiness import READ_ONLY, UNREACHABLE, why_unusable
from webintel.serving.probes import DRAINING, Alive, Readiness, readiness
from webintel.settings import Settings

CHECK_EVERY_SECONDS = 1.0
CHECK_TIMEOUT_SECONDS = 1.5
STALE_SECONDS = 10.0
"""A check that has not come back for so long counts as failed."""

logger = structlog.get_logger(__name__)


class Health:
    """Looks at the database once a second, so that probes cost nothing and wait for nothing.

    Attributes:
        draining: set when the process is about to end; no new traffic should come.
        started: whether it has been ready once, or stands by with a database that takes no writes yet.
    """

    def __init__(self, settings: Settings, served: Database) -> None:
        self._served = served
        # A connection of its own: a pool that is merely busy must not look like a database that is gone.
        self._database = create_database(settings, role="api health")
        self._problem: str | None = "starting"
        self._checked_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._question: asyncio.Task[str | None] | None = None
        self.draining = asyncio.Event()
        self.started = False

    @property
    def problem(self) -> str | None:
        """Why traffic should not come; none when it may."""
        if self.draining.is_set():
            return DRAINING
        if time.monotonic() - self._checked_at > STALE_SECONDS:
            return self._problem or UNREACHABLE
        return self._problem

    @property
    def database_away(self) -> bool:
        """Whether asking the database now would only make somebody wait."""
        return self._problem == UNREACHABLE

    async def start(self) -> None:
        """Check once, then again and again in the background."""
        await self._check()
        self._task = asyncio.create_task(self._watch(), name="health check")

    async def stop(self) -> None:
        """End the background check."""
        for task in (self._task, self._question):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._database.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY_SECONDS)
            await self._check()

    async def _check(self) -> None:
        before = self._problem
        # A question that gets no answer is left alone: even cancelling it would wait for a server that hangs.
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._ask(), name="health question")
        answered, _ = await asyncio.wait({self._question}, timeout=CHECK_TIMEOUT_SECONDS)
        self._problem = self._question.result() if answered else UNREACHABLE
        self._checked_at = time.monotonic()
        self.started = self.started or self._problem in {None, READ_ONLY}
        if not answered:
            self._served.abort()
        if before != self._problem:
            logger.info("readiness changed", ready=self._problem is None, reason=self._problem)

    async def _ask(self) -> str | None:
        try:
            async with self._database.reading() as connection:
                return await why_unusable(connection)
        except Exception:  # noqa: BLE001 - whatever it is, the database cannot be used
            return UNREACHABLE


_UNREADY = {
    HTTP_503_SERVICE_UNAVAILABLE: ResponseSpec(
        data_container=Readiness, description="Not now; `reason` says why.", generate_examples=False
    )
}


class HealthController(Controller):
    """Probes."""

    path = "/health"
    tags = ("Operations",)
    opt = allow(Permission.PUBLIC, **{UNLIMITED_OPT: True})

    @get("/", operation_id="Health", summary="Alive, with the version", sync_to_thread=False)
    def health(self) -> Alive:
        """Answer, for clients that know no other probe."""
        return Alive()

    @get("/live", operation_id="Live", summary="The process answers", sync_to_thread=False)
    def live(self) -> Alive:
        """Answer without touching anything."""
        return Alive()

    @get(
        "/ready",
        operation_id="Ready",
        summary="The database is reachable, migrated and writable, and the process is not shutting down",
        responses=_UNREADY,
        sync_to_thread=False,
    )
    def ready(self, health: NamedDependency[Health]) -> Response[Readiness]:
        """Say whether traffic may come."""
        return readiness(health.problem)

    @get(
        "/startup",
        operation_id="Startup",
        summary="It has been ready once, or stands by",
        responses=_UNREADY,
        sync_to_thread=False,
    )
    def startup(self, health: NamedDependency[Health]) -> Response[Readiness]:
        """Say whether the start is over."""
        return readiness(None if health.started else health.problem)
