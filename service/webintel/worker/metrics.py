"""What a worker tells Prometheus."""

from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from webintel.db import Database
from webintel.db.metrics import ConnectionCollector
from webintel.engine.fetch.ledger import Outcome
from webintel.engine.model import FetchRecord
from webintel.jobs.models import ENDED, JobType

_DURATIONS = (1, 5, 15, 30, 60, 120, 300, 600, 1200)
# 900 is the objective of the alerts in gitops/base/monitoring.
_WAITS = (5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)

# A second series for each counter, with the time of its birth, that nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


class WorkerMetrics:
    """A registry of its own, so that several workers can live in one process."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.finished = Counter(
            "jobs_finished_total", "Jobs that have ended.", ["type", "status"], registry=self.registry
        )
        self.durations = Histogram(
            "job_duration_seconds",
            "Time from a job's last start to its end.",
            ["type"],
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self.queue_depth = Gauge("job_queue_depth", "Jobs that wait for a worker.", ["type"], registry=self.registry)
        self.running = Gauge("jobs_running", "Jobs that this worker runs.", registry=self.registry)
        self.blueprints = Counter("blueprints_created_total", "Blueprints published.", registry=self.registry)
        self.waits = Histogram(
            "time_to_blueprint_seconds",
            "Time from asking for a blueprint until it is published.",
            buckets=_WAITS,
            registry=self.registry,
        )
        self.fetches = Counter("fetches_total", "URLs asked for.", ["outcome"], registry=self.registry)
        self.registry.register(ConnectionCollector(database))
        for collector in (ProcessCollector, PlatformCollector):
            collector(registry=self.registry)
        # A rate sees the first of a kind only where there was a zero before it.
        for job_type in JobType:
            self.queue_depth.labels(job_type)
            self.durations.labels(job_type)
            for status in ENDED:
                self.finished.labels(job_type, status)
        for outcome in get_args(Outcome):
            self.fetches.labels(outcome)

    def count_fetches(self, fetches: list[FetchRecord]) -> None:
        """Count what became of a visit's URLs."""
        for record in fetches:
            self.fetches.labels(record.outcome).inc()

    def count_blueprint(self, seconds: float) -> None:
        """Count a blueprint, and how long ago somebody asked for it."""
        self.blueprints.inc()
        self.waits.observe(seconds)

    def count_end(self, job_type: str, status: str, seconds: float | None = None) -> None:
        """Count a job that has ended."""
        self.finished.labels(job_type, status).inc()
        if seconds is not None:
            self.durations.labels(job_type).observe(seconds)
