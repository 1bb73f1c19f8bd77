"""The jobs of one site, as they go on."""

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from webintel.web.pages.site_shared import site_head, startable
from webintel.web.views.jobs import JobRow
from webintel.web.views.page import Page
from webintel.web.visit import Visit

_ROWS = 50
_MAX_TEXT = 1000


@get("/sites/{site_id:uuid}/jobs")
async def list_jobs(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Template:
    """Show the jobs, the newest first."""
    site, listed = await asyncio.gather(site_head(visit, site_id), _listed(visit, site_id))
    return await visit.page("site/jobs.html", site=site, startable=startable(site.blueprint_version), **listed)


@get("/sites/{site_id:uuid}/jobs/rows")
async def rows(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Template:
    """Show the same jobs as they are now."""
    return await visit.fragment("site/jobs_table.html", **await _listed(visit, site_id))


async def _listed(visit: Visit, site_id: UUID) -> dict[str, Any]:
    cursor = visit.request.query_params.get("cursor", "")[:_MAX_TEXT]
    params = {"site_id": str(site_id), "limit": _ROWS, "cursor": cursor or None}
    found = await visit.api.get("/api/v1/jobs", Page[JobRow], params)
    base = f"/sites/{site_id}/jobs"
    return {
        "found": found,
        "first": base if cursor else None,
        "following": f"{base}?{urlencode({'cursor': found.next_cursor})}" if found.next_cursor else None,
        "rows": f"{base}/rows?{urlencode({'cursor': cursor})}",
    }


ROUTES = [list_jobs, rows]
