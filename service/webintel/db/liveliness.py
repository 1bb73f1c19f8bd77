"""A pool gives no connection that is known to be broken, and tries one that has rested before it gives it."""

import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import in_greenlet

RESTED_SECONDS = 1.0
"""A connection that was used more recently is trusted: the end of a server is noticed as soon as it closes."""

_RETURNED = "returned at"


def watch_over(engine: AsyncEngine) -> None:
    """Let a restart of the server pass without a failed request.

    SQLAlchemy's own test of each connection before each use costs three round trips.
    """
    event.listen(engine.sync_engine, "checkin", _note)
    event.listen(engine.sync_engine, "checkout", _test)


def _note(connection: Any, entry: ConnectionPoolEntry) -> None:
    if connection is not None:
        entry.info[_RETURNED] = time.monotonic()


def _test(connection: Any, entry: ConnectionPoolEntry, _: object) -> None:
    if connection.driver_connection.is_closed():
        raise DisconnectionError("The server has closed the connection.")
    rested = time.monotonic() - entry.info.get(_RETURNED, time.monotonic()) > RESTED_SECONDS
    # What cannot wait here is a read, which is sent again when the connection is broken.
    if rested and in_greenlet():
        try:
            connection.ping()
        except Exception as error:
            raise InvalidatePoolError from error
