"""How methods, selectors and the way to a blueprint do over all sites."""

import asyncio

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from webintel.web import plots
from webintel.web.areas import Area
from webintel.web.ranges import PARAMETER, RANGES, chosen_range
from webintel.web.views.dashboard import Dashboard
from webintel.web.views.reports import MethodReport, SelectorReport
from webintel.web.visit import Visit

DEFAULT_RANGE = "90d"
_BLUEPRINT_RANGE = "90d"


@get("/analytics")
async def analytics(visit: NamedDependency[Visit]) -> Template:
    """Compare methods, and find selectors that fail."""
    chosen = chosen_range(visit.request, DEFAULT_RANGE)
    methods, selectors, overview = await asyncio.gather(
        visit.api.get("/api/v1/analytics/methods", MethodReport, {PARAMETER: chosen.name}),
        visit.api.get("/api/v1/analytics/selectors", SelectorReport),
        visit.api.get("/api/v1/analytics/dashboard", Dashboard, {PARAMETER: _BLUEPRINT_RANGE}),
    )
    return await visit.page(
        "analytics/page.html",
        ranges=RANGES,
        chosen=chosen,
        methods=methods,
        selectors=selectors,
        overview=overview,
        sparklines=[plots.sparkline([week.mean_pass_rate for week in one.trend], 96, 24) for one in selectors.failing],
        blueprint_plot=plots.time_to_blueprint(overview) if overview.eventful else None,
        survival_plot=plots.survival(selectors.lifetime),
    )


AREA = Area(title="Analytics", path="/analytics", routes=[analytics])
