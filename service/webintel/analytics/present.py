"""How things stand now."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from webintel.analytics.dashboard_schemas import Backlog, TopSite
from webintel.jobs.models import JobType
from webintel.sites.models import SiteStatus

TOP_SITES = 10

_BACKLOG = text(
    """
    SELECT job_type, count(*) FILTER (WHERE status = 'queued') AS queued,
        count(*) FILTER (WHERE status = 'running') AS running,
        min(created_at) FILTER (WHERE status = 'queued') AS oldest
    FROM jobs WHERE status IN ('queued', 'running') GROUP BY job_type
    """
)
_TOP_SITES = text(
    """
    SELECT s.id AS site_id, s.domain, s.domain_unicode, s.platform, s.status, s.business_value_score,
        s.blueprint_version, f.confidence, f.pass_rate AS mean_pass_rate, s.last_discovered_at
    FROM (
        SELECT * FROM sites WHERE coalesce(business_value_score, -1) >= 0
        ORDER BY coalesce(business_value_score, -1) DESC, id DESC LIMIT :limit
    ) AS s LEFT JOIN LATERAL (
        SELECT * FROM blueprint_facts WHERE site_id = s.id AND version = s.blueprint_version LIMIT 1
    ) AS f ON true
    ORDER BY s.business_value_score DESC, s.id DESC
    """
)


async def read_backlog(connection: AsyncConnection, now: datetime) -> list[Backlog]:
    """Say what is under way, for every type of job."""
    rows = {row["job_type"]: row for row in (await connection.execute(_BACKLOG)).mappings()}
    backlog = []
    for job_type in JobType:
        row = rows.get(job_type)
        oldest = row["oldest"] if row else None
        waited = max(round((now - oldest).total_seconds(), 1), 0.0) if oldest else None
        backlog.append(
            Backlog(
                job_type=job_type,
                queued=row["queued"] if row else 0,
                running=row["running"] if row else 0,
                oldest_queued_at=oldest,
                oldest_queued_seconds=waited,
            )
        )
    return backlog


async def read_top_sites(connection: AsyncConnection) -> list[TopSite]:
    """Give the sites of the highest business value."""
    rows = (await connection.execute(_TOP_SITES, {"limit": TOP_SITES})).mappings()
    return [TopSite(**{**row, "status": SiteStatus(row["status"])}) for row in rows]
