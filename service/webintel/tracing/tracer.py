"""Spans by OpenTelemetry's SDK, sent to a collector in the background."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy.ext.asyncio import AsyncEngine

from webintel import __version__
from webintel.engine.watching import Attempt
from webintel.tracing.exporter import make_exporter
from webintel.tracing.spans import Kind, Value
from webintel.tracing.statements import Statement, watch_statements

LONGEST_VALUE = 1000
CLOSING_SECONDS = 3.0
"""For what is still to be sent at the end."""
_KINDS = {"internal": SpanKind.INTERNAL, "consumer": SpanKind.CONSUMER}


class OtlpTracer:
    """Makes spans of this process; a full queue drops them, and nobody waits for the collector."""

    def __init__(self, role: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME") or f"webintel-{role}"
        self._exporter = make_exporter()
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__}),
            span_limits=SpanLimits(max_span_attribute_length=LONGEST_VALUE),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("webintel", __version__)
        # `tracestate` is other vendors' and can be long: only the trace itself is taken over.
        self._propagator = TraceContextTextMapPropagator()

    def close(self) -> None:
        """Send what is left, within bounds."""
        closing = threading.Thread(target=self._provider.shutdown, name="closing traces", daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)
        if closing.is_alive():
            self._exporter.shutdown()

    @contextmanager
    def request(self, scope: Any) -> Iterator[None]:
        """Span a request."""
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), b"").decode("latin-1")
        state = scope["state"]
        with self._open("request", SpanKind.SERVER, given, {}) as span:
            structlog.contextvars.bind_contextvars(trace_id=_trace_id(span))
            try:
                yield
            finally:
                if outcome := state.get("outcome"):
                    _describe(span, *outcome)
                span.set_attribute("webintel.request_id", state["request_id"])

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str | None, attributes: dict[str, Value]) -> Iterator[None]:
        """Span what happens in the context."""
        with self._open(name, _KINDS[kind], parent, attributes) as span:
            structlog.contextvars.bind_contextvars(trace_id=_trace_id(span))
            yield

    @contextmanager
    def _open(self, name: str, kind: SpanKind, parent: str | None, attributes: dict[str, Value]) -> Iterator[Span]:
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        # An exception's text may hold what strangers sent: its name has to do.
        with self._tracer.start_as_current_span(
            name, context, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                _fail(span, type(error).__name__)
                raise

    def step(self, name: str, seconds: float) -> None:
        """Tell of a step that has just ended."""
        self._record(name, SpanKind.INTERNAL, seconds, {}, None)

    def fetched(self, attempt: Attempt) -> None:
        """Tell of a request to somebody else's server that has just ended."""
        attributes: dict[str, Value] = {
            "http.request.method": "GET",
            "server.address": attempt.host,
            "url.path": attempt.path,
        }
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
        self._record("GET", SpanKind.CLIENT, attempt.seconds, attributes, attempt.error)

    def watch(self, engine: AsyncEngine) -> None:
        """Tell of each statement of an engine."""
        watch_statements(engine, self._stated)

    def _stated(self, statement: Statement) -> None:
        attributes: dict[str, Value] = {"db.system.name": "postgresql", "db.query.text": statement.text}
        self._record(statement.name, SpanKind.CLIENT, statement.seconds, attributes, statement.error)

    def _record(
        self, name: str, kind: SpanKind, seconds: float, attributes: dict[str, Value], error: str | None
    ) -> None:
        # Without a span around it, it would be a trace of its own: a worker that looks for jobs makes many of them.
        if not trace.get_current_span().is_recording():
            return
        started = time.time_ns() - int(seconds * 1e9)
        span = self._tracer.start_span(name, None, kind, attributes, start_time=started)
        if error is not None:
            _fail(span, error)
        span.end()

    def traceparent(self) -> str | None:
        """Name the present span, as W3C has it."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent")

    def trace_id(self) -> str | None:
        """Name the present trace, where it is kept."""
        span = trace.get_current_span()
        return _trace_id(span) if span.is_recording() else None


def _describe(span: Span, method: str, path: str, status: int) -> None:
    span.update_name(f"{method} {path}")
    # Neither the path itself nor the query: both are the caller's words.
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.route", path)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        _fail(span, str(status))


def _fail(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))


def _trace_id(span: Span) -> str:
    return trace.format_trace_id(span.get_span_context().trace_id)
