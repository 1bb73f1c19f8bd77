"""What every HTTP process tells Prometheus."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


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
            "Requests that failed on our side (5xx).",
            ["method", "path", "status"],
            registry=self.registry,
        )
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one response."""
        self._requests.labels(method, path, str(status)).inc()
        self._durations.labels(method, path).observe(seconds)
        if status >= 500:
            self._errors.labels(method, path, str(status)).inc()
