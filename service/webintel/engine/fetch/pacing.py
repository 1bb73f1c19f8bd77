"""When the next request to a host may start."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_MAX_HOSTS: Final = 1_000


class Pacer:
    """Keeps the distance between requests to one host, from start to start."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._next_start: OrderedDict[str, float] = OrderedDict()
        self._held_until: OrderedDict[str, float] = OrderedDict()

    def waiting_time(self, host: str) -> float:
        """Seconds until the next free turn at a host."""
        return max(0.0, self._next_start.get(host, 0.0) - self._clock(), self.held_for(host))

    def held_for(self, host: str) -> float:
        """Seconds for which a host has asked to be left alone."""
        return max(0.0, self._held_until.get(host, 0.0) - self._clock())

    async def turn(self, host: str, delay: float) -> None:
        """Wait for this request's turn, and keep the delay after it free of others."""
        wait = self.waiting_time(host)
        if delay:
            _remember(self._next_start, host, self._clock() + wait + delay)
        while wait:
            await self._sleep(wait)
            # The host may have asked for quiet in the meantime.
            wait = self.held_for(host)

    def hold(self, host: str, seconds: float) -> None:
        """Leave a host alone for that long."""
        _remember(self._held_until, host, max(self._held_until.get(host, 0.0), self._clock() + seconds))


def _remember(times: OrderedDict[str, float], host: str, moment: float) -> None:
    times[host] = moment
    times.move_to_end(host)
    while len(times) > _MAX_HOSTS:
        times.popitem(last=False)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header, in seconds or as a date.

    Returns:
        Seconds from now, never negative; none where there is no readable value.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
