"""Changes to sites, each within the caller's transaction."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from advanced_alchemy.service import SQLAlchemyAsyncRepositoryService

from webintel.analytics.totals import hold, settle_site
from webintel.engine.model import Blueprint, Fingerprint
from webintel.jobs.services import JobService
from webintel.json_columns import storable
from webintel.problems import NotFound, Stale
from webintel.sites.models import Site, SiteStatus
from webintel.sites.schemas import SiteChange

READY_CONFIDENCE = 0.5
"""Below it a person should look at the blueprint before anyone relies on it."""

_NO_SITE = "There is no site with this id."


class SiteService(SQLAlchemyAsyncRepositoryService[Site]):
    """Sites."""

    class Repository(SQLAlchemyAsyncRepository[Site]):
        """The table of sites."""

        model_type = Site

    repository_type = Repository

    def __init__(self, session: Any, *, jobs: JobService | None = None, **options: Any) -> None:
        super().__init__(session=session, **options)
        self._jobs = jobs or JobService()

    async def change(self, site_id: UUID, data: SiteChange, expected_revision: int | None) -> Site:
        """Change a site.

        Raises:
            NotFound: there is no such site.
            Stale: it is not the revision that the caller has seen.
        """
        site = await self.lock(site_id)
        if expected_revision is not None and expected_revision != site.revision:
            raise Stale("The site has changed since you read it; read it again.")
        for name, value in msgspec.structs.asdict(data).items():
            if value is not msgspec.UNSET:
                setattr(site, name, value)
        await self.repository.session.flush()
        return site

    async def remove(self, site_id: UUID, expected_revision: int | None = None) -> None:
        """Delete a site, its jobs and its blueprints; what was done for it stays in the totals.

        Raises:
            NotFound: there is no such site.
            Stale: it is not the revision that the caller has seen.
        """
        reach = await hold(self.repository.session)
        site = await self.lock(site_id)
        if expected_revision is not None and expected_revision != site.revision:
            raise Stale("The site has changed since you read it; read it again.")
        await self._jobs.cancel_for_site(self.repository.session, site_id)
        await settle_site(self.repository.session, site_id, reach, datetime.now(UTC))
        await self.repository.session.delete(site)
        await self.repository.session.flush()

    async def lock(self, site_id: UUID) -> Site:
        """Give a site that nobody else can change until the transaction ends.

        Raises:
            NotFound: there is no such site.
        """
        site: Site | None = await self.repository.session.get(
            Site, site_id, with_for_update=True, populate_existing=True
        )
        if site is None:
            raise NotFound(_NO_SITE)
        return site

    async def record_fingerprint(self, site_id: UUID, fingerprint: Fingerprint) -> Site:
        """Note what a site runs on; a site that has a blueprint keeps its status."""
        site = await self.lock(site_id)
        _describe(site, fingerprint)
        if site.status in {SiteStatus.PENDING, SiteStatus.FAILED}:
            site.status = SiteStatus.FINGERPRINTED
        await self.repository.session.flush()
        return site

    async def record_blueprint(self, site: Site, content: Blueprint, version: int, *, discovered: bool = True) -> None:
        """Note a new blueprint on a locked site; one that was only brought back is no discovery."""
        _describe(site, content.fingerprint)
        site.blueprint_version = version
        site.discovery_method = content.discovery_method
        if discovered:
            site.last_discovered_at = datetime.now(UTC)
        site.status = SiteStatus.READY if content.confidence_score >= READY_CONFIDENCE else SiteStatus.REVIEW
        await self.repository.session.flush()

    async def mark(self, site_id: UUID, status: SiteStatus) -> Site:
        """Set the status of a site."""
        site = await self.lock(site_id)
        site.status = status
        await self.repository.session.flush()
        return site


def _describe(site: Site, fingerprint: Fingerprint) -> None:
    site.fingerprint = storable(fingerprint)
    site.platform = fingerprint.platform[:100] if fingerprint.platform else None
    site.complexity_score = fingerprint.complexity_score
