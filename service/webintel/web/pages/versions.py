"""The versions of a site's blueprint: what changed, and the way back."""

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from webintel.problems import InvalidInput
from webintel.web.flash import Tone
from webintel.web.pages.blueprint import require_of_site
from webintel.web.pages.site_shared import api_path, site_head, startable
from webintel.web.slices import cut
from webintel.web.views.blueprints import Comparison, Version
from webintel.web.views.page import Page
from webintel.web.visit import Visit

ROLL_BACK = "roll_back_blueprints"
_ROWS = 50
_DIFFERENCES = 50
_MAX_TEXT = 1000
_KINDS = ("selectors", "categories", "endpoints")


class RollbackForm(msgspec.Struct):
    """Why an old version comes back."""

    reason: str = ""


@get("/sites/{site_id:uuid}/versions")
async def list_versions(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Response[Any]:
    """Show the versions, the newest first."""
    cursor = visit.request.query_params.get("cursor", "")[:_MAX_TEXT]
    site, found = await asyncio.gather(
        site_head(visit, site_id),
        visit.api.get(api_path(site_id, "blueprints"), Page[Version], {"limit": _ROWS, "cursor": cursor or None}),
    )
    if not found.items and not cursor:
        return await visit.page("site/no_blueprint.html", site=site, startable=startable(None))
    base = f"/sites/{site_id}/versions"
    return await visit.page(
        "site/versions.html",
        site=site,
        found=found,
        first=base if cursor else None,
        following=f"{base}?{urlencode({'cursor': found.next_cursor})}" if found.next_cursor else None,
    )


@get("/sites/{site_id:uuid}/versions/compare")
async def compare(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Response[Any]:
    """Show how two versions differ."""
    old, new = (_uuid(visit.request.query_params.get(name, "")) for name in ("old", "new"))
    if old is None or new is None:
        return visit.redirect(f"/sites/{site_id}/versions", "Choose two versions to compare.", Tone.INFO)
    site, found = await asyncio.gather(
        site_head(visit, site_id), visit.api.get(f"/api/v1/blueprints/{old}/diff/{new}", Comparison)
    )
    require_of_site(found.old.site_id, site_id)
    require_of_site(found.new.site_id, site_id)
    parts = {
        kind: {
            how: cut(visit.request, f"{kind}-{how}", getattr(getattr(found, kind), how), _DIFFERENCES)
            for how in ("changed", "added", "removed")
        }
        for kind in _KINDS
    }
    base = f"/sites/{site_id}/versions/compare?{urlencode({'old': str(old), 'new': str(new)})}"
    return await visit.page("site/compare.html", site=site, found=found, parts_by_kind=parts, base=base)


@get("/sites/{site_id:uuid}/versions/{blueprint_id:uuid}/rollback")
async def rollback_form(
    visit: NamedDependency[Visit], site_id: FromPath[UUID], blueprint_id: FromPath[UUID]
) -> Response[Any]:
    """Ask for the reason."""
    await visit.require(ROLL_BACK)
    return await _rollback_page(visit, site_id, blueprint_id, RollbackForm())


@post("/sites/{site_id:uuid}/versions/{blueprint_id:uuid}/rollback")
async def roll_back(
    visit: NamedDependency[Visit],
    site_id: FromPath[UUID],
    blueprint_id: FromPath[UUID],
    data: URLEncodedBody[RollbackForm],
) -> Response[Any]:
    """Bring an old version back."""
    old = await visit.api.get(f"/api/v1/blueprints/{blueprint_id}", Version)
    require_of_site(old.site_id, site_id)
    reason = data.reason.strip()
    try:
        if not reason:
            raise InvalidInput.of("reason", "Say why, in a few words.")
        made = await visit.api.post(f"/api/v1/blueprints/{blueprint_id}/rollback", Version, {"reason": reason})
    except InvalidInput as problem:
        return await _rollback_page(visit, site_id, blueprint_id, data, problem)
    return visit.redirect(
        f"/sites/{site_id}/versions", f"Version {made.version} brings version {old.version} back; it is in use now."
    )


async def _rollback_page(
    visit: Visit, site_id: UUID, blueprint_id: UUID, form: RollbackForm, problem: InvalidInput | None = None
) -> Response[Any]:
    site, old = await asyncio.gather(
        site_head(visit, site_id), visit.api.get(f"/api/v1/blueprints/{blueprint_id}", Version)
    )
    require_of_site(old.site_id, site_id)
    return await visit.page(
        "site/rollback.html",
        status_code=problem.status if problem else 200,
        site=site,
        old=old,
        form=form,
        problem=problem,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES = [list_versions, compare, rollback_form, roll_back]
