"""Waiting until a restored server answers, and has come as far as its backup goes."""

import asyncio
import time
from typing import Any

import asyncpg
from sqlalchemy import make_url

from webintel.db.engine import login_for
from webintel.db.login import Login
from webintel.drill.cluster import Say
from webintel.drill.errors import DrillError
from webintel.settings import Settings

CONNECT_SECONDS = 5.0
PAUSE_SECONDS = 1.0
REFUSAL_PATIENCE = 60.0
"""A role or a database that is not known so long after the server answers will not be known later."""
SETTLED_SECONDS = 10.0
"""A server that stays in recovery has come as far as it can when it has replayed nothing for so long."""

REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidPasswordError,
)
_RECOVERY = "SELECT pg_is_in_recovery() AS recovering, pg_last_wal_replay_lsn()::text AS replayed, "
_RECOVERY += "CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END AS paused"


async def until_restored(settings: Settings, url: str, deadline: float, say: Say) -> None:
    """Wait until the server has left recovery, or stands still in it.

    Raises:
        DrillError: it does not by the deadline, or lets nobody in.
    """
    where = make_url(url).render_as_string().replace("+asyncpg", "", 1)
    login = login_for(settings, url)
    said, settled_at, refused_at, replayed = "", 0.0, 0.0, None
    while True:
        try:
            state = await _ask(login)
        except REFUSED as error:
            refused_at = refused_at or time.monotonic()
            problem = f"{where} refuses the connection: {error}"
            if time.monotonic() - refused_at > REFUSAL_PATIENCE:
                raise DrillError(f"The restored database lets nobody in: {problem}.") from error
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            problem = f"{where} does not answer: {str(error) or type(error).__name__}"
        else:
            if not state["recovering"] or state["paused"] == "paused":
                return
            if state["replayed"] != replayed:
                replayed, settled_at = state["replayed"], time.monotonic()
            if time.monotonic() - settled_at > SETTLED_SECONDS:
                return
            problem = f"{where} is still in recovery, at {replayed}"
        if time.monotonic() > deadline:
            raise DrillError(f"The restored database was not there in time: {problem}.")
        if problem != said:
            say(problem)
            said = problem
        await asyncio.sleep(PAUSE_SECONDS)


async def _ask(login: Login) -> Any:
    connection = await login.connect(timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS)
    try:
        return await connection.fetchrow(_RECOVERY)
    finally:
        connection.terminate()
