"""PgQueuer's connection to PostgreSQL, made to outlast an outage.

PgQueuer's own drivers end the whole worker at the first broken connection, and its listening stays broken after one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import asyncpg
import structlog
from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import NotifyCallback

from webintel.db.engine import login_for
from webintel.db.listen import Listener
from webintel.db.outage import CONNECTION_ERRORS, is_read_only
from webintel.db.readiness import READ_ONLY, UNREACHABLE
from webintel.settings import Settings

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 3.0

logger = structlog.get_logger(__name__)
Result = TypeVar("Result")


class ReconnectingDriver:
    """Repeats a statement until the database is back; every statement of the queue may be repeated.

    A claim whose answer was lost is the exception that does no harm: nobody beats for it, so it is given up and claimed
    again.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._login = login_for(settings)
        self._pool: asyncpg.Pool | None = None
        self._listeners: dict[str, Listener] = {}
        self._shutdown = asyncio.Event()
        self.problem: str | None = None

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Run a statement and give its rows."""
        return await self._until_back(lambda pool: _rows(pool, query, args))

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement and give its status."""
        return await self._until_back(lambda pool: pool.execute(query, *args))

    async def notify(self, channel: str, payload: str) -> None:
        """Notify the listeners of a channel."""
        await self.execute("SELECT pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Call back for every payload on a channel."""
        self._listeners[channel] = await Listener(self._settings, {channel: callback}).__aenter__()

    async def remove_listener(self, channel: str, callback: NotifyCallback) -> None:  # noqa: ARG002 - the port's signature
        """Stop calling back."""
        listener = self._listeners.pop(channel, None)
        if listener is not None:
            await listener.__aexit__()

    @property
    def shutdown(self) -> asyncio.Event:
        """Set when statements are no longer to be repeated."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """PgQueuer asks for one."""
        return TaskManager()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for listener in self._listeners.values():
            await listener.__aexit__()
        self._listeners.clear()

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _until_back(self, statement: Callable[[Any], Awaitable[Result]]) -> Result:
        pause = FIRST_PAUSE
        while True:
            try:
                result = await statement(await self._connected())
            except CONNECTION_ERRORS as error:
                if self._shutdown.is_set():
                    raise
                problem = READ_ONLY if is_read_only(error) else UNREACHABLE
                if self.problem != problem:
                    logger.warning("the queue waits", reason=problem, error=str(error) or type(error).__name__)
                self.problem = problem
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads the return
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if self.problem:
                    logger.info("the queue's database is back")
                self.problem = None
                return result

    async def _connected(self) -> Any:
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                connect=self._login.connect,
                min_size=0,
                max_size=2,
                timeout=self._settings.database_connect_timeout,
                command_timeout=self._settings.database_statement_timeout,
                server_settings={"application_name": "webintel worker queue"},
            )
        return self._pool


async def _rows(pool: Any, query: str, args: tuple[object, ...]) -> list[dict[str, object]]:
    return [dict(row) for row in await pool.fetch(query, *args)]
