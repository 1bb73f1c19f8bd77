"""How the work on one site goes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from webintel.analytics.durations import of_values
from webintel.analytics.schemas import SelectorHistory, SiteDiscovery, SiteReport, VersionQuality
from webintel.db import Database
from webintel.jobs.models import JobStatus, JobType
from webintel.problems import NotFound
from webintel.sites.models import SiteStatus

MOST_DISCOVERIES = 50
MOST_JOBS = 500
"""Of so many newest jobs of a site the discoveries are picked."""
MOST_VERSIONS = 20
MOST_SELECTORS = 200

_SITE = text(
    """
    SELECT s.id, s.domain, s.status, s.created_at, first.waited_seconds
    FROM sites s LEFT JOIN blueprint_facts first ON first.site_id = s.id AND first.version = 1
    WHERE s.id = :site_id
    """
)
_DISCOVERIES = text(
    """
    SELECT j.id AS job_id, j.job_type, j.method, j.status, j.attempt_count, j.created_at, j.started_at, j.ended_at,
        b.id AS blueprint_id, b.version AS blueprint_version, b.confidence_score AS confidence, j.error_code
    FROM (
        SELECT * FROM (SELECT * FROM jobs WHERE site_id = :site_id ORDER BY id DESC LIMIT :jobs) AS newest
        WHERE job_type IN ('discovery', 'blueprint_update') ORDER BY id DESC LIMIT :limit
    ) AS j LEFT JOIN blueprints b ON b.job_id = j.id
    ORDER BY j.id DESC
    """
)
_VERSIONS = text(
    """
    SELECT blueprint_id, version, published_at, restored, confidence, selectors, tested AS selectors_tested,
        pass_rate AS mean_pass_rate, fallen AS selectors_fallen
    FROM blueprint_facts WHERE site_id = :site_id ORDER BY version DESC LIMIT :limit
    """
)
_SELECTORS = text(
    """
    SELECT page_type, field_name, ordinal, version, pass_rate, since_version, since_at FROM selector_facts
    WHERE site_id = :site_id AND version >= :first ORDER BY page_type, field_name, ordinal, version LIMIT :limit
    """
)


class SiteAnalyticsQueries:
    """Reads about one site."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, site_id: UUID) -> SiteReport:
        """Say how the work on a site goes.

        Raises:
            NotFound: there is no such site.
        """
        async with self._database.reading() as connection:
            site = (await connection.execute(_SITE, {"site_id": site_id})).mappings().one_or_none()
            if site is None:
                raise NotFound("There is no site with this id.")
            bounds = {"site_id": site_id, "jobs": MOST_JOBS, "limit": MOST_DISCOVERIES}
            discoveries = [_discovery(row) for row in (await connection.execute(_DISCOVERIES, bounds)).mappings()]
            bounds = {"site_id": site_id, "limit": MOST_VERSIONS}
            versions = [VersionQuality(**row) for row in (await connection.execute(_VERSIONS, bounds)).mappings()][::-1]
            bounds = {
                "site_id": site_id,
                "first": versions[0].version if versions else 1,
                "limit": MOST_SELECTORS * MOST_VERSIONS,
            }
            selectors = (await connection.execute(_SELECTORS, bounds)).mappings().all()
        return SiteReport(
            site_id=site["id"],
            domain=site["domain"],
            status=SiteStatus(site["status"]),
            registered_at=site["created_at"],
            time_to_blueprint_seconds=site["waited_seconds"],
            discovery_time=of_values(
                [one.seconds for one in discoveries if one.status == JobStatus.SUCCESS and one.seconds is not None]
            ),
            discoveries=discoveries,
            versions=versions,
            selectors=_histories(selectors, [version.version for version in versions]),
        )


def _discovery(row: RowMapping) -> SiteDiscovery:
    created, started, ended = row["created_at"], row["started_at"], row["ended_at"]
    fields: dict[str, Any] = {**row, "job_type": JobType(row["job_type"]), "status": JobStatus(row["status"])}
    return SiteDiscovery(
        **fields,
        waited_seconds=round((started - created).total_seconds(), 3) if started else None,
        seconds=round((ended - started).total_seconds(), 3) if started and ended else None,
    )


def _histories(rows: Sequence[RowMapping], versions: Sequence[int]) -> list[SelectorHistory]:
    found: dict[tuple[str, str, int], list[RowMapping]] = {}
    for row in rows:
        found.setdefault((row["page_type"], row["field_name"], row["ordinal"]), []).append(row)
    histories = []
    for (page_type, field_name, ordinal), facts in list(found.items())[:MOST_SELECTORS]:
        rates = {fact["version"]: fact["pass_rate"] for fact in facts}
        histories.append(
            SelectorHistory(
                page_type=page_type,
                field_name=field_name,
                ordinal=ordinal,
                since_version=facts[-1]["since_version"],
                since_at=facts[-1]["since_at"],
                pass_rates=[rates.get(version) for version in versions],
            )
        )
    return histories
