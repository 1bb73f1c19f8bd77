"""The application: pages, probes and metrics; it needs neither the database nor the secret key."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, MediaType, Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from webintel.serving.metrics import RequestMetrics, exposition
from webintel.serving.observe import Application
from webintel.settings import Settings
from webintel.web.api_state import ApiWatch
from webintel.web.health import Health, HealthController
from webintel.web.pages import EXCEPTION_HANDLERS, TEMPLATES, home, shared_values, static_files

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
        self.api_watch = ApiWatch(settings.api_url)

    def dependencies(self) -> dict[str, Provide]:
        """Offer them to routes by name."""
        return {name: Provide(_always(part), sync_to_thread=False) for name, part in vars(self).items()}

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """End what asks the API."""
        try:
            yield
        finally:
            await self.api_watch.close()


def create_app(settings: Settings) -> Application:
    """Put the application together."""
    parts = Parts(settings)
    app = Application(
        settings,
        parts.metrics,
        route_handlers=[home, static_files, HealthController, metrics_endpoint],
        dependencies=parts.dependencies(),
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[parts.lifespan],
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(_templates())),
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.state.announce_end = parts.health.draining.set
    return app


def _templates() -> Environment:
    """Everything that a template shows is escaped; a name that nobody gave is a mistake and not an empty place."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(shared_values())
    return environment


def _always(part: object) -> Callable[[], Any]:
    def provide() -> Any:
        return part

    return provide
