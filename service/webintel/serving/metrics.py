"""What every HTTP process tells Prometheus."""

from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from webintel.tracing import spans

# A second series for each counter, with the time of its birth, that nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class _Counted(NamedTuple):
    requests: Counter
    durations: Histogram


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """Write a registry in the format that is asked for, and name it; only OpenMetrics has room for trace ids."""
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class RequestMetrics:
    """A registry of its own, so that several applications can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total",
            "Requests by route and outcome.",
            ["method", "path", "status"],
            registry=self.registry,
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time until the response begins.",
            ["method", "path"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._errors = Counter(
            "http_requests_errors_total",
            "Requests that failed on our side: answered with 5xx, or broken off in mid-response.",
            ["method", "path", "status"],
            registry=self.registry,
        )
        self._counted: dict[tuple[str, str, int], _Counted] = {}
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one response."""
        counted = self._counted.get((method, path, status)) or self._begin(method, path, status)
        counted.requests.inc()
        trace_id = spans.trace_id()
        counted.durations.observe(seconds, {"trace_id": trace_id} if trace_id else None)
        if status >= 500:
            self.count_failure(method, path, status)

    def _begin(self, method: str, path: str, status: int) -> "_Counted":
        counted = _Counted(self._requests.labels(method, path, str(status)), self._durations.labels(method, path))
        self._counted[method, path, status] = counted
        # A rate sees the first failure only where there was a zero before it.
        self._errors.labels(method, path, "500")
        return counted

    def count_failure(self, method: str, path: str, status: int) -> None:
        """Count a request that failed on our side, perhaps after its response had begun with another status."""
        self._errors.labels(method, path, str(status)).inc()
