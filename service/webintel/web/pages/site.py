"""One site: how it stands, what it runs on, and what to do next."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from webintel.web.areas import Area
from webintel.web.next_steps import next_step
from webintel.web.pages import blueprint, site_actions, site_details, site_jobs, versions
from webintel.web.pages.site_shared import api_path, or_none, startable
from webintel.web.views.blueprints import Outline
from webintel.web.views.jobs import JobRow
from webintel.web.views.page import Page
from webintel.web.views.site import Site
from webintel.web.visit import Visit

_RECENT_JOBS = 10
_LIVE = {"HX-Retarget": "#live", "HX-Reswap": "outerHTML"}


@get("/sites/{site_id:uuid}")
async def overview(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Template:
    """Show all about a site but its blueprint."""
    return await visit.page("site/overview.html", **await _all(visit, site_id), form=None, theirs=None, problem=None)


@get("/sites/{site_id:uuid}/state")
async def state(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Response[Any]:
    """Show how it stands now; once the site has changed, everything about it but what somebody may be editing."""
    (site, etag), jobs = await asyncio.gather(_site(visit, site_id), _jobs(visit, site_id))
    if etag == visit.request.query_params.get("seen"):
        return await visit.fragment("site/state.html", site=site, step=next_step(site, jobs.items))
    whole = await visit.fragment("site/live.html", **await _all(visit, site_id))
    whole.headers.update(_LIVE)
    return whole


async def _all(visit: Visit, site_id: UUID) -> dict[str, Any]:
    (site, etag), jobs, outline = await asyncio.gather(
        _site(visit, site_id),
        _jobs(visit, site_id),
        or_none(visit, api_path(site_id, "blueprint"), Outline),
    )
    return {
        "site": site,
        "etag": etag,
        "outline": outline,
        "step": next_step(site, jobs.items),
        "startable": startable(site.blueprint_version),
    }


async def _site(visit: Visit, site_id: UUID) -> tuple[Site, str]:
    return await visit.api.get_tagged(api_path(site_id), Site)


async def _jobs(visit: Visit, site_id: UUID) -> Page[JobRow]:
    return await visit.api.get("/api/v1/jobs", Page[JobRow], {"site_id": str(site_id), "limit": _RECENT_JOBS})


AREA = Area(
    path="/sites",
    routes=[
        overview,
        state,
        *site_details.ROUTES,
        *site_actions.ROUTES,
        *blueprint.ROUTES,
        *versions.ROUTES,
        *site_jobs.ROUTES,
    ],
)
