"""What the API tells Prometheus."""

import asyncio
import time
from collections.abc import Iterator

import structlog
from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import func, select

from webintel.accounts.identities import Identities
from webintel.accounts.roles import Permission
from webintel.api.access import UNLIMITED_OPT, allow
from webintel.api.places import Places
from webintel.api.requests import AnyRequest
from webintel.db import Database
from webintel.db.metrics import ConnectionCollector
from webintel.drill.models import Outcome
from webintel.drill.queries import DrillSummary, summary
from webintel.jobs.models import Job, JobStatus, JobType
from webintel.serving.metrics import RequestMetrics, exposition
from webintel.sites.models import Site, SiteStatus

_BUSINESS_SECONDS = 5.0
_READ_TIMEOUT_SECONDS = 1.0

logger = structlog.get_logger(__name__)


class Metrics(RequestMetrics):
    """Requests, what others of this process keep, and the business."""

    def __init__(self, database: Database, identities: Identities, places: Places) -> None:
        super().__init__()
        self._business = BusinessCollector(database)
        self.registry.register(ConnectionCollector(database))
        self.registry.register(CacheCollector(identities))
        self.registry.register(places)
        self.registry.register(self._business)

    async def render(self, accept: str) -> tuple[bytes, str]:
        """Write everything in one of Prometheus' text formats, and name it."""
        await self._business.refresh()
        return exposition(self.registry, accept)


class CacheCollector:
    """Numbers of the caches."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def collect(self) -> Iterator[Metric]:
        """Give the numbers of this moment."""
        hits = CounterMetricFamily("cache_hits", "Answers from a cache.", labels=["cache"])
        hits.add_metric(["identities"], self._identities.hits)
        yield hits
        misses = CounterMetricFamily("cache_misses", "Answers that a cache did not have.", labels=["cache"])
        misses.add_metric(["identities"], self._identities.misses)
        yield misses


class BusinessCollector:
    """Numbers from the database; the last known ones while it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sites = dict.fromkeys(SiteStatus, 0)
        self._queue = dict.fromkeys(JobType, 0)
        self._drills = DrillSummary()
        self._next_refresh = 0.0
        self._reading: asyncio.Task[None] | None = None

    def collect(self) -> Iterator[Metric]:
        """Give the last known numbers."""
        sites = GaugeMetricFamily("sites", "Sites by status.", labels=["status"])
        for status, count in self._sites.items():
            sites.add_metric([status], count)
        yield sites
        queue = GaugeMetricFamily("job_queue_depth", "Jobs that wait for a worker.", labels=["type"])
        for job_type, count in self._queue.items():
            queue.add_metric([job_type], count)
        yield queue
        yield from drill_metrics(self._drills)

    async def refresh(self) -> None:
        """Read the numbers again, not more often than every few seconds."""
        if time.monotonic() < self._next_refresh:
            return
        self._next_refresh = time.monotonic() + _BUSINESS_SECONDS
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="business metrics")
        # A scrape does not wait for a database that hangs; the numbers come with the next one.
        await asyncio.wait({self._reading}, timeout=_READ_TIMEOUT_SECONDS)

    async def _read(self) -> None:
        try:
            async with self._database.reading() as connection:
                sites = await connection.execute(select(Site.status, func.count()).group_by(Site.status))
                queued = await connection.execute(
                    select(Job.job_type, func.count()).where(Job.status == JobStatus.QUEUED).group_by(Job.job_type)
                )
                drills = await summary(connection)
        except Exception as error:  # noqa: BLE001 - metrics must come out, most of all while something is broken
            logger.warning("numbers of the business are old: the database does not answer", error=type(error).__name__)
            return
        self._sites = dict.fromkeys(SiteStatus, 0) | {SiteStatus(status): count for status, count in sites}
        self._queue = dict.fromkeys(JobType, 0) | {JobType(job_type): count for job_type, count in queued}
        self._drills = drills


def drill_metrics(drills: DrillSummary) -> Iterator[Metric]:
    """Say when a restore was last tried and when it last went well; 0 stands for never."""
    moments = {
        "restore_drill_last_run_timestamp_seconds": ("When the last restore drill ended.", drills.finished_at),
        "restore_drill_last_success_timestamp_seconds": (
            "When a restore drill last ended well.",
            drills.succeeded_at,
        ),
        "restore_drill_last_recovery_point_timestamp_seconds": (
            "The newest moment that the last restore drill brought back.",
            drills.recovery_point,
        ),
    }
    for name, (documentation, moment) in moments.items():
        yield GaugeMetricFamily(name, documentation, value=moment.timestamp() if moment else 0.0)
    if drills.started_at is None or drills.finished_at is None:
        return
    yield GaugeMetricFamily(
        "restore_drill_last_duration_seconds",
        "How long the last restore drill took.",
        value=(drills.finished_at - drills.started_at).total_seconds(),
    )
    if drills.missing_seconds is not None:
        yield GaugeMetricFamily(
            "restore_drill_last_missing_seconds",
            "How much of the latest past the backup lacked, in the last restore drill that could tell.",
            value=drills.missing_seconds,
        )
    outcomes = GaugeMetricFamily(
        "restore_drill_last_outcome", "1 for the outcome of the last restore drill.", labels=["outcome"]
    )
    for outcome in Outcome:
        outcomes.add_metric([outcome], float(drills.outcome == outcome))
    yield outcomes


@get(
    "/metrics",
    operation_id="Metrics",
    summary="Metrics in Prometheus' text format",
    tags=["Operations"],
    media_type=MediaType.TEXT,
    opt=allow(Permission.PUBLIC, **{UNLIMITED_OPT: True}),
)
async def metrics_endpoint(request: AnyRequest, metrics: NamedDependency[Metrics]) -> Response[bytes]:
    """Give every metric of this process."""
    content, media_type = await metrics.render(request.headers.get("accept", ""))
    return Response(content, media_type=media_type)
