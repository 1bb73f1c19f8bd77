"""How many sites there are: the more, the longer a count is kept, because every one of them is looked at."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import text

from webintel.analytics.dashboard_schemas import PlatformCount, SiteCounts
from webintel.db import Database
from webintel.sites.models import SiteStatus

MOST_PLATFORMS = 20
SECONDS_PER_SITE = 1e-5
"""A count of a million sites is kept for ten seconds, which is some twenty times what it takes."""
LONGEST_SECONDS = 30.0

_COUNT = text(
    """
    SELECT GROUPING(status) = 0 AS by_status, status, platform, count(*) AS sites FROM sites
    GROUP BY GROUPING SETS ((status), (platform)) ORDER BY count(*) DESC, platform
    """
)


class SiteCounting:
    """Counts every site, once for all who ask at the same time."""

    def __init__(
        self,
        database: Database,
        *,
        seconds_per_site: float = SECONDS_PER_SITE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._seconds_per_site = seconds_per_site
        self._clock = clock
        self._counting = asyncio.Lock()
        self._counts: SiteCounts | None = None
        self._kept_until = 0.0

    async def counts(self) -> SiteCounts:
        """Give the sites by status and platform."""
        async with self._counting:
            if self._counts is None or self._clock() >= self._kept_until:
                self._counts = await self._count()
                seconds = min(self._counts.total * self._seconds_per_site, LONGEST_SECONDS)
                self._kept_until = self._clock() + seconds
            return self._counts

    async def _count(self) -> SiteCounts:
        as_of = datetime.now(UTC)
        async with self._database.reading() as connection:
            rows = (await connection.execute(_COUNT)).tuples().all()
        statuses = {status: sites for by_status, status, _, sites in rows if by_status}
        platforms = [(platform, sites) for by_status, _, platform, sites in rows if not by_status]
        return SiteCounts(
            as_of=as_of,
            total=sum(statuses.values()),
            by_status={status: statuses.get(status, 0) for status in SiteStatus},
            by_platform=[PlatformCount(platform=name, sites=sites) for name, sites in platforms[:MOST_PLATFORMS]],
            other_platforms=sum(sites for _, sites in platforms[MOST_PLATFORMS:]),
        )
