"""How the API is, as far as its own probes say."""

import asyncio
import time
from enum import StrEnum

import httpx
import msgspec

from webintel.serving.probes import Alive, Readiness

LOOK_SECONDS = 2.0
"""A visitor waits no longer for an API that does not answer."""
FRESH_SECONDS = 1.0
"""Many visitors at once cost the API one question."""


class Condition(StrEnum):
    """What to tell visitors."""

    READY = "ready"
    NOT_READY = "not ready"
    UNREACHABLE = "not reachable"
    STRANGE = "not recognised"


class ApiState(msgspec.Struct, frozen=True, kw_only=True):
    """The API at one moment."""

    condition: Condition
    reason: str | None = None
    version: str | None = None


class ApiWatch:
    """Asks the API when somebody wants to know."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=LOOK_SECONDS, trust_env=False)
        self._looking: asyncio.Task[ApiState] | None = None
        self._looked_at = 0.0

    async def look(self) -> ApiState:
        """Give the state, not older than a moment."""
        fresh = time.monotonic() - self._looked_at < FRESH_SECONDS
        if self._looking is None or (self._looking.done() and not fresh):
            self._looked_at = time.monotonic()
            self._looking = asyncio.create_task(self._ask(), name="API state")
        # A visitor who leaves must not take the answer away from the others.
        return await asyncio.shield(self._looking)

    async def close(self) -> None:
        """Ask nothing more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        await self._client.aclose()

    async def _ask(self) -> ApiState:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                ready, alive = await asyncio.gather(self._client.get("/health/ready"), self._client.get("/health"))
            readiness = msgspec.json.decode(ready.content, type=Readiness)
            version = msgspec.json.decode(alive.content, type=Alive).version
        except (httpx.HTTPError, TimeoutError):
            return ApiState(condition=Condition.UNREACHABLE)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ApiState(condition=Condition.STRANGE)
        if ready.is_success and readiness.status == "ok":
            return ApiState(condition=Condition.READY, version=version)
        return ApiState(condition=Condition.NOT_READY, reason=readiness.reason, version=version)
