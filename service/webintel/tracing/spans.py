"""Spans, for whoever has something to tell: every call does nothing while no traces are made."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    # The web UI makes spans as well, and knows neither the database nor the engine.
    from sqlalchemy.ext.asyncio import AsyncEngine

    from webintel.engine.watching import Attempt

Kind = Literal["internal", "consumer"]
Value = str | int | float | bool


class Tracer(Protocol):
    """What makes the spans."""

    def request(self, scope: Any) -> AbstractContextManager[None]:
        """Span a request."""
        ...

    def span(
        self, name: str, kind: Kind, parent: str | None, attributes: dict[str, Value]
    ) -> AbstractContextManager[None]:
        """Span what happens in the context."""
        ...

    def step(self, name: str, seconds: float) -> None:
        """Tell of a step that has just ended."""
        ...

    def fetched(self, attempt: "Attempt") -> None:
        """Tell of a request to somebody else's server that has just ended."""
        ...

    def watch(self, engine: "AsyncEngine") -> None:
        """Tell of each statement of an engine."""
        ...

    def traceparent(self) -> str | None:
        """Name the present span, as W3C has it."""
        ...

    def trace_id(self) -> str | None:
        """Name the present trace, where it is kept."""
        ...


_tracer: Tracer | None = None


def make_with(tracer: Tracer | None) -> None:
    """Make spans with a tracer from now on, or none any more."""
    global _tracer  # noqa: PLW0603 - one for the process
    _tracer = tracer


def request(scope: Any) -> AbstractContextManager[None]:
    """Span the serving of an ASGI scope, as part of its caller's trace; its route is read at the end."""
    return nullcontext() if _tracer is None else _tracer.request(scope)


def span(name: str, kind: Kind, parent: str | None, attributes: dict[str, Value]) -> AbstractContextManager[None]:
    """Span what happens in the context, as part of the trace that `parent` (a W3C traceparent) names."""
    return nullcontext() if _tracer is None else _tracer.span(name, kind, parent, attributes)


def step(name: str, seconds: float) -> None:
    """Tell of a step that has just ended."""
    if _tracer is not None:
        _tracer.step(name, seconds)


def fetch_watcher() -> "Callable[[Attempt], None] | None":
    """Give what the engine is to tell of its requests; none where nobody listens."""
    return None if _tracer is None else _tracer.fetched


def watch(engine: "AsyncEngine") -> None:
    """Tell of each statement of an engine that runs within a span."""
    if _tracer is not None:
        _tracer.watch(engine)


def traceparent() -> str | None:
    """Name the present span for another process, as W3C has it; none where there is none."""
    return None if _tracer is None else _tracer.traceparent()


def trace_id() -> str | None:
    """Name the present trace for a person who looks for it; none where it is not kept."""
    return None if _tracer is None else _tracer.trace_id()
