"""How much a caller may ask for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import structlog

from webintel.api.windows import Count, MemoryWindows, Windows
from webintel.problems import NotSignedIn, TooManyRequests, Unavailable

WINDOW_SECONDS = 60
_LOGIN_LOCKS = 256

logger = structlog.get_logger(__name__)


class Allowance(msgspec.Struct, frozen=True):
    """What is left of a limit after a request."""

    policy: str
    limit: int
    count: Count

    @property
    def allowed(self) -> bool:
        """Whether the request may pass."""
        return self.count.allowed

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Write it as draft-ietf-httpapi-ratelimit-headers has it."""
        policy, count = self.policy.encode(), self.count
        return [
            (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (policy, self.limit, WINDOW_SECONDS)),
            (b"ratelimit", b'"%b";r=%d;t=%d' % (policy, count.remaining, count.reset_seconds)),
        ]


class Limits:
    """Moving windows of a minute, in memory for one process or in Redis for many: exact in both.

    The cheaper sliding counters let one more through where a minute turns.
    """

    def __init__(
        self, *, requests_per_minute: int, failed_logins_per_minute: int, redis_url: str | None = None
    ) -> None:
        self._windows = _windows(redis_url)
        self._requests = requests_per_minute
        self._failed_logins = failed_logins_per_minute
        # A fixed number of locks: one per address would let strangers fill the memory.
        self._login_locks = [asyncio.Lock() for _ in range(_LOGIN_LOCKS)]

    async def count_request(self, key: str) -> Allowance | None:
        """Count a request; none when the counter does not answer, because the service matters more than the limit."""
        try:
            count = await self._windows.hit(f"requests:{key}", self._requests)
        except Exception as error:  # noqa: BLE001 - any client library's own errors
            logger.warning("rate limit is off: the counter does not answer", error=type(error).__name__)
            return None
        return Allowance("default", self._requests, count)

    @asynccontextmanager
    async def login(self, email: str, address: str) -> AsyncIterator[None]:
        """Let someone try to sign in; failing inside counts against both the account and the address.

        Raises:
            TooManyRequests: too many have failed within a minute.
            Unavailable: the counter does not answer, and without it passwords could be guessed.
        """
        account, place = f"login-account:{email.lower()}", f"login-address:{address}"
        async with self._login_locks[hash(address) % _LOGIN_LOCKS]:
            with _counter_needed():
                # The account is counted first and given back on success, so that parallel guesses gain nothing.
                of_account = await self._windows.hit(account, self._failed_logins)
                of_place = await self._windows.look(place, self._failed_logins)
            for count in (of_account, of_place):
                if not count.allowed:
                    raise TooManyRequests(
                        "Too many failed attempts to sign in; wait before the next one.",
                        retry_after=count.reset_seconds,
                    )
            try:
                yield
            except NotSignedIn:
                with _counter_needed():
                    await self._windows.hit(place, self._failed_logins)
                raise
            with _counter_needed():
                await self._windows.clear(account)

    async def close(self) -> None:
        """Let go of connections."""
        await self._windows.close()


def _windows(redis_url: str | None) -> Windows:
    if redis_url is None:
        return MemoryWindows(WINDOW_SECONDS)
    from webintel.api.shared_windows import RedisWindows  # noqa: PLC0415 - its client would slow every other start

    return RedisWindows(redis_url, WINDOW_SECONDS)


@contextmanager
def _counter_needed() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.warning("signing in is off: the counter does not answer", error=type(error).__name__)
        raise Unavailable("Signing in is not possible at the moment.", retry_after=5) from error
