"""The calls about how the platform does."""

from datetime import UTC, datetime
from uuid import UUID

from litestar import Controller, Router, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery

from webintel.accounts.roles import Permission
from webintel.analytics.dashboard_queries import DashboardQueries
from webintel.analytics.dashboard_schemas import Dashboard
from webintel.analytics.method_queries import MethodQueries
from webintel.analytics.periods import DateRange
from webintel.analytics.schemas import MethodReport, SelectorReport, SiteReport
from webintel.analytics.selector_queries import SelectorQueries
from webintel.analytics.site_counts import SiteCounting
from webintel.analytics.site_queries import SiteAnalyticsQueries
from webintel.api.access import allow
from webintel.api.openapi import SECURITY
from webintel.api.problems import documented
from webintel.db import Database

DEFAULT_RANGE: DateRange = "30d"


def provide_dashboard_queries(
    database: NamedDependency[Database], site_counting: NamedDependency[SiteCounting]
) -> DashboardQueries:
    """Give the reads for the overview."""
    return DashboardQueries(database, site_counting)


def provide_site_analytics(database: NamedDependency[Database]) -> SiteAnalyticsQueries:
    """Give the reads about one site."""
    return SiteAnalyticsQueries(database)


def provide_method_queries(database: NamedDependency[Database]) -> MethodQueries:
    """Give the reads about methods."""
    return MethodQueries(database)


def provide_selector_queries(database: NamedDependency[Database]) -> SelectorQueries:
    """Give the reads about selectors."""
    return SelectorQueries(database)


class AnalyticsController(Controller):
    """Analytics."""

    path = "/analytics"
    tags = ("Analytics",)
    security = SECURITY
    opt = allow(Permission.READ)

    @get("/dashboard", operation_id="GetDashboard", summary="Read the overview", responses=documented())
    async def dashboard(
        self, dashboard_queries: NamedDependency[DashboardQueries], date_range: FromQuery[DateRange] = DEFAULT_RANGE
    ) -> Dashboard:
        """Give sites, jobs, durations, quality, backlog and what needs a person.

        `1d` is the last 24 hours by the hour, the others are days, all of UTC and with the present one. A job counts
        when it ended, a blueprint when it was published. Deleting a site leaves what was done for it in these figures.
        """
        return await dashboard_queries.report(date_range, datetime.now(UTC))

    @get(
        "/sites/{site_id:uuid}",
        operation_id="GetSiteAnalytics",
        summary="Read how the work on a site goes",
        responses=documented(404),
    )
    async def site(self, site_id: FromPath[UUID], site_analytics: NamedDependency[SiteAnalyticsQueries]) -> SiteReport:
        """Give a site's newest discoveries, how long they took, and its selectors' pass rates over versions."""
        return await site_analytics.report(site_id)

    @get("/methods", operation_id="GetMethodAnalytics", summary="Compare methods", responses=documented())
    async def methods(
        self, method_queries: NamedDependency[MethodQueries], date_range: FromQuery[DateRange] = DEFAULT_RANGE
    ) -> MethodReport:
        """Give success rate, duration and confidence of discoveries by method and by the site's platform."""
        return await method_queries.report(date_range, datetime.now(UTC))

    @get("/selectors", operation_id="GetSelectorAnalytics", summary="Find selectors that fail", responses=documented())
    async def selectors(self, selector_queries: NamedDependency[SelectorQueries]) -> SelectorReport:
        """Give the selectors that fail on most sites now, how they did in the last weeks, and how long selectors live.

        A version is counted some ten minutes after it was published.
        """
        return await selector_queries.report(datetime.now(UTC))


router = Router(
    "/",
    route_handlers=[AnalyticsController],
    dependencies={
        "dashboard_queries": Provide(provide_dashboard_queries, sync_to_thread=False),
        "site_analytics": Provide(provide_site_analytics, sync_to_thread=False),
        "method_queries": Provide(provide_method_queries, sync_to_thread=False),
        "selector_queries": Provide(provide_selector_queries, sync_to_thread=False),
    },
)
