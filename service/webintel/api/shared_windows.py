"""Moving windows in a Redis or Valkey."""

from redis.asyncio import BlockingConnectionPool, Redis

from webintel.api.windows import Count

_REDIS_TIMEOUT_SECONDS = 1.0
_REDIS_CONNECTIONS = 50

_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local name, seconds, limit, counts = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local oldest = redis.call('LINDEX', name, 0)
while oldest and tonumber(oldest) <= now - seconds do
  redis.call('LPOP', name)
  oldest = redis.call('LINDEX', name, 0)
end
local used = redis.call('LLEN', name)
local allowed = used < limit
if allowed and counts then
  redis.call('RPUSH', name, string.format('%.6f', now))
  redis.call('EXPIRE', name, seconds)
  used = used + 1
end
return {allowed and 1 or 0, math.max(0, limit - used), math.max(1, math.ceil((oldest or now) + seconds - now))}
"""
"""One step, so that no other process comes in between; by the server's clock, so that theirs need not agree."""


class RedisWindows:
    """For all processes that share a Redis or Valkey."""

    def __init__(self, url: str, seconds: int) -> None:
        self._seconds = seconds
        pool = BlockingConnectionPool.from_url(
            "redis" + url.removeprefix("valkey") if url.startswith("valkey") else url,
            max_connections=_REDIS_CONNECTIONS,
            timeout=_REDIS_TIMEOUT_SECONDS,
            socket_timeout=_REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
        )
        self._redis = Redis(connection_pool=pool)
        self._script = self._redis.register_script(_SCRIPT)

    async def hit(self, name: str, limit: int) -> Count:
        """Count one more, unless the window is full."""
        return await self._count(name, limit, counts=True)

    async def look(self, name: str, limit: int) -> Count:
        """Count nothing."""
        return await self._count(name, limit, counts=False)

    async def clear(self, name: str) -> None:
        """Forget everything under a name."""
        await self._redis.delete(_key(name))

    async def close(self) -> None:
        """Let go of connections."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _count(self, name: str, limit: int, *, counts: bool) -> Count:
        allowed, remaining, reset = await self._script(keys=[_key(name)], args=[self._seconds, limit, int(counts)])
        return Count(bool(allowed), remaining, reset)


def _key(name: str) -> str:
    return f"webintel:window:{name}"
