"""The overview: what needs a person, and how the platform does."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from webintel.web import plots
from webintel.web.areas import Area
from webintel.web.attention import concerns
from webintel.web.ranges import PARAMETER, RANGES, Range, chosen_range
from webintel.web.views.dashboard import STATUSES, Dashboard
from webintel.web.visit import Visit

DEFAULT_RANGE = "1d"


@get("/")
async def overview(visit: NamedDependency[Visit]) -> Template:
    """Show how things stand."""
    return await visit.page("overview/page.html", ranges=RANGES, **await _read(visit))


@get("/overview/figures")
async def figures(visit: NamedDependency[Visit]) -> Template:
    """Show the same as it is now."""
    return await visit.fragment("overview/figures.html", **await _read(visit))


async def _read(visit: Visit) -> dict[str, Any]:
    chosen = chosen_range(visit.request, DEFAULT_RANGE)
    report = await visit.api.get("/api/v1/analytics/dashboard", Dashboard, {PARAMETER: chosen.name})
    return {
        "chosen": chosen,
        "report": report,
        "concerns": concerns(report.alerts),
        "plots": _plots(report, chosen) if report.eventful else [],
        "ends": STATUSES,
    }


def _plots(report: Dashboard, chosen: Range) -> list[plots.Plot]:
    return [
        plots.jobs_by_outcome(report, chosen),
        plots.success_rate(report),
        plots.time_to_blueprint(report),
        plots.blueprint_quality(report),
    ]


AREA = Area(title="Overview", path="/", routes=[overview, figures])
