"""Publishing blueprints: versions 1, 2, 3 ... of a site, without a gap or a double."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.analytics.facts import measure
from webintel.blueprints.changes import compare, summarise
from webintel.blueprints.models import Blueprint
from webintel.engine.model import Blueprint as Content
from webintel.json_columns import storable
from webintel.problems import NotFound
from webintel.sites.models import Site
from webintel.sites.services import SiteService


class BlueprintService:
    """Blueprints are only ever added."""

    async def publish(
        self,
        session: AsyncSession,
        *,
        site_id: UUID,
        content: Content,
        created_by: UUID | None = None,
        job_id: UUID | None = None,
    ) -> Blueprint:
        """Add the next version; a job that publishes again gets the version that it published before.

        Raises:
            NotFound: there is no such site.
        """
        # The lock makes the next number ours alone, and a rollback gives it back.
        site = await SiteService(session).lock(site_id)
        if job_id is not None:
            published = await session.scalar(select(Blueprint).where(Blueprint.job_id == job_id))
            if published is not None:
                return published
        return await self._add(session, site, content, created_by=created_by, job_id=job_id)

    async def roll_back(self, session: AsyncSession, *, blueprint_id: UUID, reason: str, by: UUID) -> Blueprint:
        """Add a new version with the content of an old one.

        Raises:
            NotFound: there is no such blueprint.
        """
        old = await session.get(Blueprint, blueprint_id)
        if old is None:
            raise NotFound("There is no blueprint with this id.")
        site = await SiteService(session).lock(old.site_id)
        content = await read_content(session, blueprint_id)
        return await self._add(session, site, content, created_by=by, restored_version=old.version, reason=reason)

    async def _add(self, session: AsyncSession, site: Site, content: Content, **origin: Any) -> Blueprint:
        previous = (
            await session.execute(
                select(Blueprint.id, Blueprint.version)
                .where(Blueprint.site_id == site.id)
                .order_by(Blueprint.version.desc())
                .limit(1)
            )
        ).one_or_none()
        stored = storable(content)
        before = await read_content(session, previous.id) if previous else None
        differences = compare(before, msgspec.convert(stored, Content))
        blueprint = Blueprint(
            site_id=site.id,
            version=previous.version + 1 if previous else 1,
            confidence_score=content.confidence_score,
            content=stored,
            changes=msgspec.to_builtins(summarise(differences)),
            **origin,
        )
        session.add(blueprint)
        await session.flush()
        await session.refresh(blueprint)
        await measure(session, [blueprint.id])
        await SiteService(session).record_blueprint(
            site, content, blueprint.version, discovered=blueprint.restored_version is None
        )
        return blueprint


async def read_content(session: AsyncSession, blueprint_id: UUID) -> Content:
    """Give the engine's blueprint of a version."""
    stored = await session.scalar(select(Blueprint.content).where(Blueprint.id == blueprint_id))
    return msgspec.convert(stored, Content)
