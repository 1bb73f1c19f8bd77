"""Giving our role in the database the password that the settings have."""

import asyncpg

from webintel.db.engine import driver_dsn, login_for
from webintel.db.migrate import wait_until_ready
from webintel.db.outage import CONNECTION_ERRORS
from webintel.db.scram import scram_verifier
from webintel.settings import PREFIX, Settings

TIMEOUT = 10.0


class RolePasswordError(Exception):
    """The password is not changed; the message is one line that says why and what to do."""


async def change_role_password(settings: Settings, *, wait_seconds: float = 30.0) -> bool:
    """Have the database take the password of its address, where it still takes the previous one.

    A role may change its own password, so nobody else's is needed. Connections that are open stay open.

    Args:
        settings: name the database and both passwords.
        wait_seconds: how long the database may take to answer.

    Returns:
        Whether there was anything to change.

    Raises:
        MigrationError: the database does not answer, or takes neither password.
        RolePasswordError: the password cannot be changed here, or was not.
    """
    login = login_for(settings)
    password = login.accepted
    if not password:
        raise RolePasswordError(f"{PREFIX}DATABASE_URL has no password to give to the role.")
    await wait_until_ready(settings, wait_seconds)
    connection = await login.connect(timeout=TIMEOUT, command_timeout=TIMEOUT)
    try:
        if login.accepted == password:
            return False
        # No statement takes a parameter here; a verifier holds neither quotes nor backslashes.
        await connection.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{scram_verifier(password)}'")
        (await asyncpg.connect(driver_dsn(settings.require_database_url()), timeout=TIMEOUT)).terminate()
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise RolePasswordError(
            "The database is read-only, and takes its passwords from the one that it follows: change it there first."
        ) from error
    except CONNECTION_ERRORS as error:
        raise RolePasswordError("The database went away while it changed the password: run this again.") from error
    except asyncpg.PostgresError as error:
        raise RolePasswordError(f"The database does not change the password: {error}.") from error
    finally:
        connection.terminate()
    return True
