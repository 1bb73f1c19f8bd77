"""Telling a database that is away from a mistake of ours."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What asyncpg raises when the server is away, starting, stopping, full, or not the one that takes writes."""

_READ_ONLY = "25006"
_PASSING = ("08", "53", "57", _READ_ONLY)
"""Beginnings of SQLSTATE: connection, resources, operator intervention, and writing where nothing may be written."""


def is_outage(error: BaseException) -> bool:
    """Whether the same statement may well succeed a little later."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return error.connection_invalidated or (isinstance(state, str) and state.startswith(_PASSING))
    return isinstance(error, (PoolTimeoutError, *CONNECTION_ERRORS))


def is_read_only(error: BaseException) -> bool:
    """Whether the database answers, but takes no writes: a standby, or one that was told so."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) == _READ_ONLY
