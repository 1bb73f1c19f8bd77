"""Telling a database that is away from a mistake of ours."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""What asyncpg raises when the server is away, starting, stopping or full."""

_PASSING = ("08", "53", "57")
"""Classes of SQLSTATE: connection, resources, operator intervention."""


def is_outage(error: BaseException) -> bool:
    """Whether the same statement may well succeed a little later."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return error.connection_invalidated or (isinstance(state, str) and state.startswith(_PASSING))
    return isinstance(error, (PoolTimeoutError, *CONNECTION_ERRORS))
