"""The way to the collector, which complains seldom when there is no way."""

import logging
import time
from collections.abc import Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

COMPLAINT_SECONDS = 300.0
_TALKATIVE = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal", "opentelemetry.sdk.trace.export")
"""Loggers that tell of each batch that is not sent, and of each span for which there is no room."""

logger = structlog.get_logger(__name__)


class SeldomComplaining(SpanExporter):
    """Says that spans do not arrive, and that they do again; not for each batch."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0
        self._next_complaint = 0.0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                logger.info("traces arrive again", spans_lost=self._lost)
            self._lost, self._next_complaint = 0, 0.0
            return result
        self._lost += len(spans)
        if time.monotonic() >= self._next_complaint:
            self._next_complaint = time.monotonic() + COMPLAINT_SECONDS
            logger.warning("traces do not arrive at their collector", spans_lost=self._lost)
        return result

    def shutdown(self) -> None:
        """Send nothing more, and stop trying."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what is held back, which is nothing."""
        return self._exporter.force_flush(timeout_millis)


def make_exporter() -> SpanExporter:
    """Make it as the environment says."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    return SeldomComplaining(OTLPSpanExporter())
