"""How the work on one site goes."""

import asyncio
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from webintel.web import plots
from webintel.web.areas import Area
from webintel.web.views.reports import SiteName, SiteReport
from webintel.web.visit import Visit


@get("/sites/{site_id:uuid}/analytics")
async def site_analytics(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Template:
    """Show a site's visits, how long they took, and how its selectors do over versions."""
    site, report = await asyncio.gather(
        visit.api.get(f"/api/v1/sites/{site_id}", SiteName),
        visit.api.get(f"/api/v1/analytics/sites/{site_id}", SiteReport),
    )
    shown = []
    if report.discovery_time.count:
        shown.append(plots.site_durations(report))
    if report.versions:
        shown.append(plots.site_quality(report))
    return await visit.page("site_analytics/page.html", site=site, report=report, plots=shown)


AREA = Area(routes=[site_analytics])
