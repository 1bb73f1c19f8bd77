"""Whether traces are made: where the environment names a collector, in OpenTelemetry's own variables.

`OTEL_EXPORTER_OTLP_ENDPOINT` (or `..._TRACES_ENDPOINT`) turns them on, `OTEL_SDK_DISABLED` off again. Its other
variables, for resources, samplers, batches and the exporter, hold as well.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import structlog

from webintel.settings import SettingsError
from webintel.tracing import spans

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"

logger = structlog.get_logger(__name__)


@contextmanager
def traced(role: str) -> Iterator[None]:
    """Make traces for as long as the context lasts, where a collector is configured.

    Raises:
        SettingsError: one that cannot be used is.
    """
    if not _wanted():
        yield
        return
    # Its import takes a third of a second, which nobody spends who has no collector.
    from webintel.tracing.tracer import OtlpTracer  # noqa: PLC0415

    tracer = OtlpTracer(role)
    spans.make_with(tracer)
    logger.info("traces are made")
    try:
        yield
    finally:
        spans.make_with(None)
        tracer.close()


def _wanted() -> bool:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    name = next((name for name in ENDPOINTS if os.environ.get(name, "").strip()), None)
    if name is None:
        return False
    if not _is_address(os.environ[name].strip()):
        raise SettingsError(f"{name} is no address such as http://collector:4318.")
    for variable in _PROTOCOLS:
        if os.environ.get(variable, "").strip() not in {"", _SPOKEN}:
            raise SettingsError(f"{variable}: only {_SPOKEN} is spoken; collectors listen to it on port 4318.")
    return True


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
