"""Telling whoever watches a visit of each request that goes out."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

import msgspec


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A request that has ended; its query is left out, because it may hold what is nobody's business."""

    host: str
    path: str
    seconds: float
    status: int | None = None
    error: str | None = None
    """The name of what went wrong, where no answer came."""


watcher: Final[ContextVar[Callable[[Attempt], None] | None]] = ContextVar("watcher", default=None)
