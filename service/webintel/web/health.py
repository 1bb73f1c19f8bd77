"""Probes of the web UI.

It stays ready while the API is away: a page that says so helps visitors more than the gateway's bare 503, and pods that
leave the Service because of somebody else's outage only make it larger.
"""

import asyncio

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from webintel.serving.probes import DRAINING, Alive, Readiness, readiness


class Health:
    """Whether visitors may come.

    Attributes:
        draining: set when the process is about to end.
    """

    def __init__(self) -> None:
        self.draining = asyncio.Event()


class HealthController(Controller):
    """What orchestrators ask."""

    path = "/health"

    @get("/", sync_to_thread=False)
    def health(self) -> Alive:
        """Answer, with the version."""
        return Alive()

    @get("/live", sync_to_thread=False)
    def live(self) -> Alive:
        """Answer without touching anything."""
        return Alive()

    @get("/ready", sync_to_thread=False)
    def ready(self, health: NamedDependency[Health]) -> Response[Readiness]:
        """Say whether visitors may come."""
        return readiness(DRAINING if health.draining.is_set() else None)

    @get("/startup", sync_to_thread=False)
    def startup(self) -> Response[Readiness]:
        """Say that the start is over: a process that answers has started."""
        return readiness(None)
