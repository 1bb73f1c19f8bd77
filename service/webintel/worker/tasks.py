"""What each type of job does: it asks the engine, and says what its end changes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from webintel.blueprints.queries import BlueprintQueries
from webintel.blueprints.services import BlueprintService
from webintel.db import Database
from webintel.engine import scan as engine
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.model import Selector
from webintel.jobs.models import JobType
from webintel.jobs.runs import Effects, Run
from webintel.problems import NotFound
from webintel.settings import Settings
from webintel.sites.models import SiteStatus
from webintel.sites.queries import SiteQueries
from webintel.sites.services import SiteService
from webintel.worker.task import Finished, Report, Task, nothing
from webintel.worker.visits import fetch_options, summary

TOLERATED_FALL = 0.1
"""A blueprint whose selectors pass on so much fewer pages than before should be looked at by a person."""


class _SiteTask:
    """What the tasks share."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def domain(self, run: Run) -> str:
        """Give the domain of the job's site."""
        try:
            site, _ = await SiteQueries(self._database).one(run.site_id)
        except NotFound as error:
            raise EngineError(ErrorCode.CANCELLED, "The site has been deleted.") from error
        return site.domain

    def failed(self, run: Run) -> Effects:  # noqa: ARG002 - tasks that change something use it
        """Change nothing."""
        return nothing


class FingerprintTask(_SiteTask):
    """Says what the site runs on."""

    async def work(self, run: Run, report: Report) -> Finished:
        """Look at a few pages."""
        options = fetch_options(self._settings, run.parameters)
        found, fetches = await engine.fingerprint_domain(await self.domain(run), options, report)

        async def record(session: AsyncSession) -> dict[str, Any]:
            await SiteService(session).record_fingerprint(run.site_id, found)
            return {}

        result = {
            "platform": found.platform,
            "requires_js": found.requires_js,
            "complexity_score": found.complexity_score,
            "technologies": len(found.technologies),
        }
        return Finished(result=result | summary(fetches), fetches=fetches, effects=record)


class DiscoveryTask(_SiteTask):
    """Visits the site and publishes a new version of its blueprint."""

    async def work(self, run: Run, report: Report) -> Finished:
        """Scan the site."""
        options = fetch_options(self._settings, run.parameters)
        scanned = await engine.scan(await self.domain(run), options, report)
        content = scanned.blueprint

        async def publish(session: AsyncSession) -> dict[str, Any]:
            blueprint = await BlueprintService().publish(
                session, site_id=run.site_id, content=content, created_by=run.requested_by, job_id=run.job_id
            )
            return {"blueprint_id": str(blueprint.id), "blueprint_version": blueprint.version}

        result = {
            "method": content.discovery_method,
            "confidence_score": content.confidence_score,
            "categories": len(content.categories),
            "page_types": len(content.page_types),
            "selectors": len(content.selectors),
            "endpoints": len(content.endpoints),
        }
        return Finished(
            result=result | summary(scanned.fetches), fetches=scanned.fetches, effects=publish, publishes=True
        )

    def failed(self, run: Run) -> Effects:
        """A site of which nothing is known has failed; one with a blueprint keeps its status."""

        async def mark(session: AsyncSession) -> dict[str, Any]:
            sites = SiteService(session)
            if (await sites.lock(run.site_id)).blueprint_version is None:
                await sites.mark(run.site_id, SiteStatus.FAILED)
            return {}

        return mark


class ExtractionTask(_SiteTask):
    """Fetches the newest blueprint's example pages again and measures its selectors on them."""

    async def work(self, run: Run, report: Report) -> Finished:
        """Verify the newest blueprint."""
        blueprints = BlueprintQueries(self._database)
        try:
            newest = await blueprints.newest(run.site_id)
        except NotFound as error:
            raise EngineError(
                ErrorCode.UNUSABLE_BLUEPRINT, "The site has no blueprint yet.", "Run a discovery of the site first."
            ) from error
        content, version = await blueprints.content(newest.id)
        measured = await engine.verify(content, fetch_options(self._settings, run.parameters), report)
        before, now = _pass_rate(content.selectors), _pass_rate(measured.blueprint.selectors)
        fell = now is not None and before is not None and before - now > TOLERATED_FALL

        async def mark(session: AsyncSession) -> dict[str, Any]:
            if fell:
                await SiteService(session).mark(run.site_id, SiteStatus.REVIEW)
            return {}

        result = {
            "blueprint_id": str(newest.id),
            "blueprint_version": version,
            "pages_tested": measured.pages_tested,
            "pass_rate": now,
            "pass_rate_before": before,
            "broken": [f"{selector.page_type}.{selector.field_name}" for selector in measured.broken],
            "selectors": [
                {
                    "field_name": selector.field_name,
                    "page_type": selector.page_type,
                    "test_pass_rate": selector.test_pass_rate,
                    "pages_tested": selector.pages_tested,
                }
                for selector in measured.blueprint.selectors
            ],
        }
        return Finished(result=result | summary(measured.fetches), fetches=measured.fetches, effects=mark)


def all_tasks(database: Database, settings: Settings) -> Mapping[str, Task]:
    """The task of each type of job; an update of a blueprint is a discovery of a site that has been discovered."""
    discovery = DiscoveryTask(database, settings)
    return {
        JobType.FINGERPRINT: FingerprintTask(database, settings),
        JobType.DISCOVERY: discovery,
        JobType.EXTRACTION: ExtractionTask(database, settings),
        JobType.BLUEPRINT_UPDATE: discovery,
    }


def _pass_rate(selectors: list[Selector]) -> float | None:
    """The mean over the selectors that were tried on any page."""
    rates = [selector.test_pass_rate for selector in selectors if selector.pages_tested]
    return round(sum(rates) / len(rates), 4) if rates else None
