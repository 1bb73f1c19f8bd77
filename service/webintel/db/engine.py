"""Connections to PostgreSQL: one bounded pool, one way to write and one way to read."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, cast
from weakref import WeakSet

import asyncpg
import msgspec
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection, QueuePool
from sqlalchemy.util import greenlet_spawn

import webintel.db.metadata  # noqa: F401 - a table that refers to another needs it known, whatever else is imported
from webintel.db.liveliness import watch_over
from webintel.db.login import Login
from webintel.db.reads import Read
from webintel.settings import Settings
from webintel.tracing import spans

_encoder = msgspec.json.Encoder()
_BROKEN = (
    *(ConnectionError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError),
    asyncpg.InternalClientError,  # the server's farewell has been read, but not yet that it has hung up
)


def to_json(value: object) -> str:
    """Write JSON for a jsonb column; structs, UUIDs and times included."""
    return _encoder.encode(value).decode()


class Database:
    """One pool of connections.

    Attributes:
        engine: for transactions.
        read_engine: the same pool in autocommit: a read costs no BEGIN and no ROLLBACK.
        sessions: makes sessions for transactions.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.read_engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._pool = cast("QueuePool", engine.sync_engine.pool)
        self._connections: WeakSet[asyncpg.Connection] = WeakSet()
        event.listen(engine.sync_engine, "connect", self._remember)
        spans.watch(engine)
        watch_over(engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose work is committed at the end, or rolled back as a whole."""
        async with self.sessions.begin() as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[asyncpg.Connection]:
        """Give the driver's own connection, in a transaction that ends the same way."""
        connection = await self._begin()
        raw: Any = connection.driver_connection
        try:
            yield raw
            await raw.execute("COMMIT")
        except BaseException as error:
            await self._roll_back(connection, error)
            raise
        await self._give_back(connection)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reads outside any transaction."""
        async with self.read_engine.connect() as connection:
            yield connection

    async def rows(self, read: Read, **values: Any) -> list[asyncpg.Record]:
        """Run a read outside any transaction; it is sent again when its connection turns out to be broken."""
        arguments = read.arguments(values)
        try:
            return await self._fetch(read.sql, arguments)
        except _BROKEN:
            return await self._fetch(read.sql, arguments)

    async def row(self, read: Read, **values: Any) -> asyncpg.Record | None:
        """Give the only row of a read, if there is one."""
        rows = await self.rows(read, **values)
        return rows[0] if rows else None

    async def _fetch(self, sql: str, arguments: list[Any]) -> list[asyncpg.Record]:
        connection = await self._take()
        raw: Any = connection.driver_connection
        try:
            rows: list[asyncpg.Record] = await _fetch(raw, sql, arguments)
        except asyncpg.PostgresError:
            await self._give_back(connection)
            raise
        except BaseException:
            connection.invalidate()  # whatever it still does, nobody else should wait for it
            raise
        await self._give_back(connection)
        return rows

    async def _begin(self) -> PoolProxiedConnection:
        """Take a connection and begin; one that turns out to be broken is no reason to fail before anything is done."""
        connection = await self._take()
        try:
            await _execute(connection, "BEGIN")
        except _BROKEN:
            connection = await self._take()
            await _execute(connection, "BEGIN")
        return connection

    async def _roll_back(self, connection: PoolProxiedConnection, error: BaseException) -> None:
        if isinstance(error, (OSError, *_BROKEN)) or not isinstance(error, Exception):
            connection.invalidate()  # whatever it still does, nobody else should wait for it
            return
        with contextlib.suppress(OSError, *_BROKEN, asyncpg.PostgresError):
            await _execute(connection, "ROLLBACK")
            await self._give_back(connection)

    async def _take(self) -> PoolProxiedConnection:
        if self._pool.checkedin():
            with contextlib.suppress(MissingGreenlet):  # the idle one is of no use: another has to be made
                return self._pool.connect()
        return await greenlet_spawn(self._pool.connect)

    async def _give_back(self, connection: PoolProxiedConnection) -> None:
        if self._pool.checkedin() < self._pool.size():
            connection.close()
        else:
            await greenlet_spawn(connection.close)  # one too many: it is closed

    def connections(self) -> tuple[int, int]:
        """How many connections are in use, and how many lie idle."""
        return self._pool.checkedout(), self._pool.checkedin()

    def abort(self) -> None:
        """Break every connection, because the server no longer answers: whoever waits for it fails now, not later."""
        for connection in list(self._connections):
            connection.terminate()

    def _remember(self, connection: Any, _: object) -> None:
        self._connections.add(connection.driver_connection)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _execute(connection: PoolProxiedConnection, sql: str) -> None:
    raw: Any = connection.driver_connection
    try:
        await raw.execute(sql)
    except BaseException:
        connection.invalidate()
        raise


async def _fetch(connection: Any, sql: str, arguments: list[Any]) -> Any:
    try:
        return await connection.fetch(sql, *arguments)
    except asyncpg.DataError:
        # The driver itself may have refused a value after PostgreSQL had parsed the statement, which holds its locks
        # until something else is sent.
        await connection.execute("SELECT 1")
        raise


def create_database(settings: Settings, *, role: str, pool_size: int | None = None) -> Database:
    """Prepare the pool; connections are made when they are first needed.

    Args:
        settings: must name a database.
        role: shown as the application name in `pg_stat_activity`.
        pool_size: overrides the setting.
    """
    engine = create_async_engine(
        make_url(settings.require_database_url()),
        pool_size=pool_size or settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_recycle=1800,
        # The connection that was used last: the others can rest, and the server's caches are warm for it.
        pool_use_lifo=True,
        # Or an error's text would carry password hashes and whatever else a statement was given.
        hide_parameters=True,
        json_serializer=to_json,
        json_deserializer=msgspec.json.decode,
        connect_args=connect_arguments(settings, role),
    )
    sign_in(engine, settings)
    return Database(engine)


def connect_arguments(settings: Settings, role: str) -> dict[str, Any]:
    """Bound the time that a connection and a statement may take, on both sides."""
    statement = settings.database_statement_timeout
    return {
        "timeout": settings.database_connect_timeout,
        # The server ends a slow statement first; this one is for a server that does not answer at all.
        "command_timeout": statement + 2,
        "server_settings": {
            "application_name": f"webintel {role}",
            "statement_timeout": str(int(statement * 1000)),
            "idle_in_transaction_session_timeout": "60000",
        },
    }


def sign_in(engine: AsyncEngine, settings: Settings) -> None:
    """Have an engine's connections made with either password that the settings know."""
    event.listen(engine.sync_engine, "do_connect", login_for(settings).do_connect)


def login_for(settings: Settings, url: str | None = None) -> Login:
    """How to sign in to the database of the settings, or to another one that takes the same passwords."""
    url = url or settings.require_database_url()
    other = settings.database_password_previous
    return Login(driver_dsn(url), make_url(url).password, other.get_secret_value() if other else None)


def driver_dsn(url: str | URL) -> str:
    """Spell the address for asyncpg itself."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
