"""Moving windows: how often something has happened within the last so many seconds, exact at every moment."""

import math
import time
from collections import deque
from typing import Protocol

import msgspec


class Count(msgspec.Struct, frozen=True):
    """What a window says."""

    allowed: bool
    """Whether there was room for one more."""
    remaining: int
    reset_seconds: int
    """Until the oldest that counts is forgotten; at least 1."""


class Windows(Protocol):
    """Windows of one length, each with a name."""

    async def hit(self, name: str, limit: int) -> Count:
        """Count one more, unless the window is full."""
        ...

    async def look(self, name: str, limit: int) -> Count:
        """Count nothing."""
        ...

    async def clear(self, name: str) -> None:
        """Forget everything under a name."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class MemoryWindows:
    """For one process."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._moments: dict[str, deque[float]] = {}
        self._next_cleaning = 0.0

    async def hit(self, name: str, limit: int) -> Count:
        """Count one more, unless the window is full."""
        now = time.time()
        if now >= self._next_cleaning:
            self._clean(now)
        moments = self._moments.get(name)
        if moments is None:
            moments = self._moments[name] = deque()
        return self._count(moments, limit, now, counts=True)

    async def look(self, name: str, limit: int) -> Count:
        """Count nothing."""
        return self._count(self._moments.get(name, deque()), limit, time.time(), counts=False)

    async def clear(self, name: str) -> None:
        """Forget everything under a name."""
        self._moments.pop(name, None)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def names(self) -> set[str]:
        """What there is to remember."""
        return set(self._moments)

    def _count(self, moments: deque[float], limit: int, now: float, *, counts: bool) -> Count:
        forgotten = now - self._seconds
        while moments and moments[0] <= forgotten:
            moments.popleft()
        allowed = len(moments) < limit
        if allowed and counts:
            moments.append(now)
        oldest = moments[0] if moments else now
        return Count(allowed, max(0, limit - len(moments)), max(1, math.ceil(oldest + self._seconds - now)))

    def _clean(self, now: float) -> None:
        """Drop the names that nobody has used for a whole window."""
        self._next_cleaning = now + self._seconds
        for name in [
            name for name, moments in self._moments.items() if not moments or moments[-1] <= now - self._seconds
        ]:
            del self._moments[name]
