"""The application: what it is made of, and what starts and ends with it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
from litestar import Litestar, Router, get
from litestar.config.cors import CORSConfig
from litestar.di import Provide

from webintel import __version__
from webintel.accounts import controllers as accounts
from webintel.accounts.identities import Identities
from webintel.accounts.queries import AccountQueries
from webintel.accounts.roles import Permission
from webintel.accounts.sign_in import SignIn
from webintel.accounts.tokens import AccessTokens
from webintel.analytics import controllers as analytics
from webintel.analytics.site_counts import SiteCounting
from webintel.api import docs
from webintel.api.access import allow
from webintel.api.answers import Answer
from webintel.api.gate import Gate
from webintel.api.health import Health, HealthController
from webintel.api.job_events import JobEvents
from webintel.api.limits import Limits
from webintel.api.metrics import Metrics, metrics_endpoint
from webintel.api.openapi import openapi_config
from webintel.api.places import Places
from webintel.api.problems import EXCEPTION_HANDLERS
from webintel.api.requests import once_with, provide_caller, provide_session
from webintel.blueprints import controllers as blueprints
from webintel.blueprints.queries import BlueprintQueries
from webintel.db import create_database
from webintel.jobs import controllers as jobs
from webintel.jobs.queries import JobQueries
from webintel.serving.compression import Compression
from webintel.serving.observe import Application
from webintel.settings import Settings
from webintel.sites import controllers as sites
from webintel.sites.queries import SiteQueries

MAX_BODY_BYTES = 1024 * 1024


class ServiceIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What answers here, and where it is described."""

    service: str = "Web Intelligence Platform"
    version: str = __version__
    docs: str = "/docs"
    openapi: str = "/schema/openapi.json"
    api: str = "/api/v1"
    health: str = "/health"


@get(
    "/",
    operation_id="Index",
    summary="What this service is, and where its docs are",
    tags=["Operations"],
    opt=allow(Permission.PUBLIC),
    sync_to_thread=False,
)
def index() -> ServiceIndex:
    """Name the service and its docs."""
    return ServiceIndex()


class Parts:
    """Everything that lives as long as the application."""

    def __init__(self, settings: Settings) -> None:
        previous = settings.secret_key_previous
        access_tokens = AccessTokens(
            settings.require_secret_key(),
            previous.get_secret_value() if previous else None,
            lifetime=timedelta(seconds=settings.access_token_seconds),
        )
        self.settings = settings
        self.database = create_database(settings, role="api")
        self.account_queries = AccountQueries(self.database)
        self.site_queries = SiteQueries(self.database)
        self.job_queries = JobQueries(self.database)
        self.blueprint_queries = BlueprintQueries(self.database)
        self.site_counting = SiteCounting(self.database)
        self.identities = Identities(self.account_queries, access_tokens)
        self.limits = Limits(
            requests_per_minute=settings.rate_limit_per_minute,
            failed_logins_per_minute=settings.login_limit_per_minute,
            redis_url=settings.redis_url.get_secret_value() if settings.redis_url else None,
        )
        self.places = Places(settings.requests_at_once)
        self.metrics = Metrics(self.database, self.identities, self.places)
        self.health = Health(settings, self.database)
        self.job_events = JobEvents(settings)
        self.sign_in = SignIn(
            self.database.sessions,
            access_tokens,
            refresh_lifetime=timedelta(seconds=settings.refresh_token_seconds),
            refresh_leeway=timedelta(seconds=settings.refresh_leeway_seconds),
        )

    def dependencies(self) -> dict[str, Provide]:
        """Offer them to routes by name."""
        return {
            name: Provide(_always(part), use_cache=True, sync_to_thread=False) for name, part in vars(self).items()
        } | {
            "session": Provide(provide_session),
            "caller": Provide(provide_caller, sync_to_thread=False),
            "once": Provide(once_with(self.database, self.settings), sync_to_thread=False),
        }

    def announce_end(self) -> None:
        """Say that no new traffic should come, and let go of those who wait for news."""
        self.health.draining.set()
        self.job_events.wake_all()

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Run what works in the background; an absent database is no reason not to start."""
        await self.health.start()
        self.job_events.start()
        try:
            yield
        finally:
            await self.job_events.stop()
            await self.health.stop()
            await self.limits.close()
            await self.database.close()


def create_app(settings: Settings) -> Application:
    """Put the application together."""
    parts = Parts(settings)
    app = Application(
        settings,
        parts.metrics,
        route_handlers=[
            index,
            metrics_endpoint,
            HealthController,
            docs.router,
            Router(
                "/api/v1",
                route_handlers=[accounts.router, sites.router, jobs.router, blueprints.router, analytics.router],
            ),
        ],
        dependencies=parts.dependencies(),
        middleware=[
            Gate(parts.places, parts.identities, parts.limits, parts.health, settings.trusted_proxy_hops),
            Compression("gzip"),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[parts.lifespan],
        openapi_config=openapi_config(),
        cors_config=_cors(settings),
        response_class=Answer,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    app.state.announce_end = parts.announce_end
    return app


def _always(part: object) -> Callable[[], Any]:
    def provide() -> Any:
        return part

    return provide


def _cors(settings: Settings) -> CORSConfig | None:
    """Open the API to the pages of named origins; without any, browsers keep every other origin out."""
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-API-Key", "X-Request-ID"],
        expose_headers=["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"],
        max_age=600,
    )
