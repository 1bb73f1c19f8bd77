"""Bringing a database to a revision of the schema, one migration at a time, whoever else tries the same."""

import asyncio
import functools
import random
import time
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from webintel.db.engine import login_for, sign_in
from webintel.db.revision import head_revision
from webintel.settings import PREFIX, Settings

LOCK_KEY = 7_264_193_025
"""Whoever migrates holds the advisory lock of this number."""
LOCK_TIMEOUT = "2s"
"""A migration that waits for a table must not make everybody else wait behind it for longer."""
LOCK_ATTEMPTS = 15
LOCK_NOT_AVAILABLE = "55P03"

NOT_YET = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, asyncpg.TooManyConnectionsError)
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidPasswordError,
)


class MigrationError(Exception):
    """The database cannot be brought to the revision; the message is one line that says why and what to do."""


@functools.cache
def known_revisions() -> frozenset[str]:
    """Every revision that this version of the service knows."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


async def current_revision(connection: AsyncConnection) -> str | None:
    """The revision that the database is at; none when it is empty."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def migrate(settings: Settings, revision: str = "head", *, wait_seconds: float = 30.0) -> str:
    """Bring the database to a revision and name the one it is at then.

    Args:
        settings: name the database.
        revision: `head`, another revision to go up or down to, or `base` for an empty database. A database that is
            past our head already is left as it is.
        wait_seconds: how long the database may take to answer.

    Raises:
        MigrationError: it cannot be done.
    """
    url = settings.require_database_url()
    await wait_until_ready(settings, wait_seconds)
    engine = create_async_engine(
        make_url(url), connect_args={"server_settings": {"application_name": "webintel migrate"}}
    )
    sign_in(engine, settings)
    try:
        for attempt in range(LOCK_ATTEMPTS):
            try:
                async with engine.begin() as connection:
                    await _run(connection, revision)
                async with engine.connect() as connection:
                    return await current_revision(connection) or "base"
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
            await asyncio.sleep(min(0.2 * 2**attempt, 5.0) * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads retries
    finally:
        await engine.dispose()
    raise MigrationError("Others hold locks on the database for too long: try again when less is going on.")


async def wait_until_ready(settings: Settings, wait_seconds: float) -> None:
    """Wait until the database accepts connections.

    Raises:
        MigrationError: it does not in time, or refuses us for good.
    """
    deadline = time.monotonic() + wait_seconds
    where = make_url(settings.require_database_url()).set(password=None).render_as_string().replace("+asyncpg", "", 1)
    login = login_for(settings)
    while True:
        try:
            connection = await login.connect(timeout=5)
        except REFUSED as error:
            raise MigrationError(f"{where} refuses the connection: {error}. Check {PREFIX}DATABASE_URL.") from error
        except (*NOT_YET, TimeoutError) as error:
            if time.monotonic() > deadline:
                reason = str(error) or type(error).__name__
                raise MigrationError(
                    f"{where} does not answer: {reason}. Check {PREFIX}DATABASE_URL and that the server runs."
                ) from error
            await asyncio.sleep(0.2)
        else:
            await connection.close()
            return


async def _run(connection: AsyncConnection, revision: str) -> None:
    current = await current_revision(connection)
    if await connection.scalar(text("SELECT current_setting('transaction_read_only') = 'on'")):
        # A replica's schema comes from its primary: there is nothing to do once it has come.
        if current is not None and current == (head_revision() if revision == "head" else revision):
            return
        raise MigrationError(
            f"The database is read-only and at revision {current or 'base'}: migrate its primary, or take back "
            "default_transaction_read_only."
        )
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    current = await current_revision(connection)
    if current is not None and current not in known_revisions():
        if revision == "head" and current > head_revision():
            # A release was taken back: its schema stays, and the one before serves with it.
            return
        raise MigrationError(
            f"The database is at revision {current}, which this version does not know: "
            "use the version that made it, or a newer one."
        )
    await connection.run_sync(_go, current, revision)


def _go(connection: Connection, current: str | None, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if revision == "base" or (current is not None and revision not in {"head", current} and revision < current):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
