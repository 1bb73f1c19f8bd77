"""Statements of the database, timed: those of SQLAlchemy, and those that asyncpg is asked directly."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from asyncpg.connection import LoggedQuery
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

_PING = ";"


class Statement(msgspec.Struct, frozen=True):
    """A statement that has ended; what it was given is left out."""

    text: str
    seconds: float
    error: str | None = None

    @property
    def name(self) -> str:
        """The verb."""
        return self.text.lstrip(" \n(").partition(" ")[0].partition("\n")[0].rstrip(";").upper()[:20] or "statement"


def watch_statements(engine: AsyncEngine, tell: Callable[[Statement], None]) -> None:
    """Tell of each statement of an engine."""

    def begin(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
        context.webintel_started = time.perf_counter()

    def end(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool) -> None:
        tell(Statement(statement, time.perf_counter() - context.webintel_started))

    def fail(failure: Any) -> None:
        started = getattr(failure.execution_context, "webintel_started", None)
        if started is not None and failure.statement:
            # SQLAlchemy's name for a kind of failure stands before the driver's own, which says more.
            error = failure.original_exception
            name = type(error.__cause__ or error).__name__
            tell(Statement(failure.statement, time.perf_counter() - started, name))

    def ask(query: LoggedQuery) -> None:
        if query.query != _PING:
            error = type(query.exception).__name__ if query.exception else None
            tell(Statement(query.query, query.elapsed, error))

    def connect(connection: Any, _record: object) -> None:
        connection.driver_connection.add_query_logger(ask)

    sync = engine.sync_engine
    event.listen(sync, "before_cursor_execute", begin)
    event.listen(sync, "after_cursor_execute", end)
    event.listen(sync, "handle_error", fail)
    event.listen(sync, "connect", connect)
