"""How much a caller may ask for."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from webintel.problems import NotSignedIn, TooManyRequests, Unavailable

WINDOW_SECONDS = 60
_REDIS_TIMEOUT_SECONDS = 1.0
_LOGIN_LOCKS = 256

logger = structlog.get_logger(__name__)


class Allowance(msgspec.Struct, frozen=True):
    """What is left of a limit after a request."""

    policy: str
    limit: int
    remaining: int
    reset_seconds: int
    allowed: bool

    def headers(self) -> dict[str, str]:
        """Write it as draft-ietf-httpapi-ratelimit-headers has it."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset_seconds}',
        }


class Limits:
    """Moving windows of a minute, in memory for one process or in Redis for many: exact in both.

    The cheaper sliding counters let one more through where a minute turns.
    """

    def __init__(
        self, *, requests_per_minute: int, failed_logins_per_minute: int, redis_url: str | None = None
    ) -> None:
        self._storage = _storage(redis_url)
        self._windows = MovingWindowRateLimiter(self._storage)
        self._requests = RateLimitItemPerMinute(requests_per_minute, namespace="webintel")
        self._failed_logins = RateLimitItemPerMinute(failed_logins_per_minute, namespace="webintel")
        # A fixed number of locks: one per address would let strangers fill the memory.
        self._login_locks = [asyncio.Lock() for _ in range(_LOGIN_LOCKS)]

    async def count_request(self, key: str) -> Allowance | None:
        """Count a request; none when the counter does not answer, because the service matters more than the limit."""
        try:
            allowed = await self._windows.hit(self._requests, "requests", key)
            return await self._allowance("default", self._requests, ("requests", key), allowed=allowed)
        except Exception as error:  # noqa: BLE001 - any client library's own errors
            logger.warning("rate limit is off: the counter does not answer", error=type(error).__name__)
            return None

    @asynccontextmanager
    async def login(self, email: str, address: str) -> AsyncIterator[None]:
        """Let someone try to sign in; failing inside counts against both the account and the address.

        Raises:
            TooManyRequests: too many have failed within a minute.
            Unavailable: the counter does not answer, and without it passwords could be guessed.
        """
        account, place = ("login-account", email.lower()), ("login-address", address)
        async with self._login_locks[hash(address) % _LOGIN_LOCKS]:
            with _counter_needed():
                # The account is counted first and given back on success, so that parallel guesses gain nothing.
                account_allowed = await self._windows.hit(self._failed_logins, *account)
                place_allowed = await self._windows.test(self._failed_logins, *place)
            if not account_allowed:
                await self._refuse(account)
            if not place_allowed:
                await self._refuse(place)
            try:
                yield
            except NotSignedIn:
                with _counter_needed():
                    await self._windows.hit(self._failed_logins, *place)
                raise
            with _counter_needed():
                await self._windows.clear(self._failed_logins, *account)

    async def _refuse(self, identifiers: Iterable[str]) -> None:
        with _counter_needed():
            stats = await self._windows.get_window_stats(self._failed_logins, *identifiers)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        raise TooManyRequests("Too many failed attempts to sign in; wait before the next one.", retry_after=wait)

    async def _allowance(
        self, policy: str, item: RateLimitItem, identifiers: Iterable[str], *, allowed: bool
    ) -> Allowance:
        stats = await self._windows.get_window_stats(item, *identifiers)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        return Allowance(policy, item.amount, stats.remaining if allowed else 0, reset, allowed)


@contextmanager
def _counter_needed() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.warning("signing in is off: the counter does not answer", error=type(error).__name__)
        raise Unavailable("Signing in is not possible at the moment.", retry_after=5) from error


def _storage(redis_url: str | None) -> Storage:
    if redis_url is None:
        return MemoryStorage()
    return RedisStorage(
        redis_url.replace("valkey", "redis", 1) if redis_url.startswith("valkey") else redis_url,
        implementation="redispy",
        socket_timeout=_REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
    )
