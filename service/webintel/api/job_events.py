"""Who follows which job: one listening connection for the whole process."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import asyncpg
import structlog

from webintel.db.engine import login_for
from webintel.jobs.events import CHANNEL
from webintel.problems import Unavailable
from webintel.settings import Settings

MAX_FOLLOWERS = 1000
_CHECK_SECONDS = 5.0
_RECONNECT_SECONDS = 1.0

logger = structlog.get_logger(__name__)


class JobEvents:
    """Wakes those who follow a job when its row has changed; they poll as well, so a lost notification only delays."""

    def __init__(self, settings: Settings) -> None:
        self._login = login_for(settings)
        self._connect_timeout = settings.database_connect_timeout
        self._followers: dict[UUID, set[asyncio.Event]] = {}
        self._count = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen in the background."""
        self._task = asyncio.create_task(self._listen(), name="job events")

    async def stop(self) -> None:
        """Stop listening and wake everybody, so that they see the end."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.wake_all()

    def wake_all(self) -> None:
        """Let every follower look again."""
        for events in self._followers.values():
            for event in events:
                event.set()

    @contextmanager
    def follow(self, job_id: UUID) -> Iterator[asyncio.Event]:
        """Give an event that is set at each change.

        Leaving awaits nothing: a client that disconnects cancels whatever its stream awaits, clean-up included.

        Raises:
            Unavailable: too many follow already.
        """
        if self._count >= MAX_FOLLOWERS:
            raise Unavailable("Too many clients follow jobs at the moment; poll instead.", retry_after=30)
        event = asyncio.Event()
        self._followers.setdefault(job_id, set()).add(event)
        self._count += 1
        try:
            yield event
        finally:
            self._count -= 1
            self._followers[job_id].discard(event)
            if not self._followers[job_id]:
                del self._followers[job_id]

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.warning("following jobs by polling: cannot listen", error=type(error).__name__)
            # Processes that lost the same server must not all come back in the same moment.
            await asyncio.sleep(_RECONNECT_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads them

    async def _listen_once(self) -> None:
        connection = await self._login.connect(
            timeout=self._connect_timeout, server_settings={"application_name": "webintel job events"}
        )
        try:
            await connection.add_listener(CHANNEL, self._notified)
            self.wake_all()
            while True:
                await asyncio.sleep(_CHECK_SECONDS)
                await connection.execute("SELECT 1", timeout=self._connect_timeout)
        finally:
            connection.terminate()

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if not self._followers:
            return  # every new job is announced, and mostly nobody follows any
        with contextlib.suppress(ValueError):
            for event in self._followers.get(UUID(str(payload)), ()):
                event.set()
