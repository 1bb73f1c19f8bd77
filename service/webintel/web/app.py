"""The application: pages, probes and metrics; it needs neither the database nor the secret key."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from webintel.serving.compression import Compression
from webintel.serving.metrics import RequestMetrics, exposition
from webintel.serving.observe import Application
from webintel.settings import Settings
from webintel.web import visit
from webintel.web.api import Connections
from webintel.web.api_state import ApiWatch
from webintel.web.assets import Assets, asset
from webintel.web.failures import EXCEPTION_HANDLERS
from webintel.web.health import Health, HealthController
from webintel.web.pages import AREAS, COMMON
from webintel.web.people import People
from webintel.web.policy import complete_page_headers
from webintel.web.renewals import Renewals
from webintel.web.same_site import SameSiteOnly
from webintel.web.session import CookieJar
from webintel.web.site_names import SiteNames
from webintel.web.templating import environment

MAX_BODY_BYTES = 64 * 1024


@get("/metrics", media_type=MediaType.TEXT, sync_to_thread=False)
def metrics_endpoint(request: Request[Any, Any, Any], metrics: NamedDependency[RequestMetrics]) -> Response[bytes]:
    """Give every metric of this process."""
    content, media_type = exposition(metrics.registry, request.headers.get("accept", ""))
    return Response(content, media_type=media_type)


class Parts:
    """Everything that lives as long as the application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = RequestMetrics()
        self.health = Health()
        self.assets = Assets()
        self.api_watch = ApiWatch(settings.api_url)
        self.site_names = SiteNames()
        self.visits = visit.Parts(
            settings=settings,
            connections=Connections(settings.api_url, settings.api_patience_seconds),
            jar=CookieJar(secure=settings.production),
            people=People(),
            renewals=Renewals(),
        )

    def dependencies(self) -> dict[str, Provide]:
        """Offer them to routes by name."""
        return {name: Provide(_always(part), sync_to_thread=False) for name, part in vars(self).items()} | {
            "visit": Provide(visit.provide_visit, sync_to_thread=False)
        }

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """End what asks the API."""
        try:
            yield
        finally:
            await self.api_watch.close()
            await self.visits.connections.close()


def create_app(settings: Settings) -> Application:
    """Put the application together."""
    parts = Parts(settings)
    templates = environment(parts.assets, AREAS)
    app = Application(
        settings,
        parts.metrics,
        route_handlers=[
            *COMMON,
            *(route for area in AREAS for route in area.routes),
            asset,
            HealthController,
            metrics_endpoint,
        ],
        dependencies=parts.dependencies(),
        middleware=[Compression("br", "gzip"), SameSiteOnly()],
        before_send=[complete_page_headers, visit.set_cookies],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[parts.lifespan],
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(templates)),
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.state.visits = parts.visits
    app.state.announce_end = parts.health.draining.set
    return app


def _always(part: object) -> Callable[[], Any]:
    def provide() -> Any:
        return part

    return provide
