"""Listening to what PostgreSQL notifies, for as long as the process lives."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from typing import Any, Self

import asyncpg
import structlog

from webintel.db.engine import login_for
from webintel.settings import Settings

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
PROBE_SECONDS = 15.0
"""A server that vanished without a word is noticed after so long."""

logger = structlog.get_logger(__name__)

OnPayload = Callable[[str], None]


class Listener:
    """One connection that listens and, when it breaks, is made again.

    Nothing is received while it is broken, so whoever listens must also look by itself: `on_connected` is the moment.
    """

    def __init__(
        self, settings: Settings, channels: Mapping[str, OnPayload], on_connected: Callable[[], None] | None = None
    ) -> None:
        self._login = login_for(settings)
        self._timeout = settings.database_connect_timeout
        self._channels = dict(channels)
        self._on_connected = on_connected
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_listening(), name="listener")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep_listening(self) -> None:
        pause, said = FIRST_PAUSE, ""
        while True:
            try:
                async with asyncio.timeout(self._timeout + 1):
                    connection = await self._login.connect(
                        timeout=self._timeout,
                        command_timeout=self._timeout,
                        server_settings={"application_name": "webintel listener"},
                    )
                try:
                    lost = await self._listen(connection)
                    pause, said = FIRST_PAUSE, ""
                    await self._until(lost, connection)
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # A standby refuses to listen, for as long as it is one: that is said once.
                reason = str(error) or type(error).__name__
                if reason != said:
                    logger.warning("the database does not notify", error=reason)
                said = reason
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads the return
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self, connection: Any) -> asyncio.Event:
        """Listen on every channel; gives what is set when the connection is lost."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        for channel in self._channels:
            await connection.add_listener(channel, self._receive)
        if self._on_connected is not None:
            self._on_connected()
        return lost

    async def _until(self, lost: asyncio.Event, connection: Any) -> None:
        while not lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await lost.wait()
            if not lost.is_set():
                await connection.execute("SELECT 1")

    def _receive(self, _connection: object, _pid: int, channel: str, payload: str) -> None:
        self._channels[channel](payload)
