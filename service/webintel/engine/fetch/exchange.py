"""One request to one URL: its turn, its time, its size, and another attempt where that may help."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import h2.exceptions
import httpx
import msgspec

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch.body import ACCEPT_ENCODING, inflater_for, read_body
from webintel.engine.fetch.cookies import Cookies
from webintel.engine.fetch.failures import is_disconnection, translate
from webintel.engine.fetch.gate import Target
from webintel.engine.fetch.network import GuardedBackend, GuardedTransport
from webintel.engine.fetch.options import FetchOptions
from webintel.engine.fetch.pacing import Pacer, parse_retry_after
from webintel.engine.fetch.response import Headers, find_header
from webintel.engine.fetch.walls import is_challenge
from webintel.engine.watching import Attempt, watcher

_PASSING_STATUSES: Final = frozenset({429, 502, 503, 504})
# What hostile HTTP/2 frames raise comes through httpx as it is.
_FAILURES: Final = (httpx.HTTPError, httpx.StreamError, h2.exceptions.H2Error, OSError, ValueError)
# Enough of a redirect or an error page to recognise a challenge, and to use the connection again.
_MAX_SIDE_BODY: Final = 64 * 1024
_CONNECT_SECONDS: Final = 10.0
_LONGEST_HOLD: Final = 24 * 3600.0


class Deadline:
    """The end of a visit."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """Never negative."""
        return max(0.0, self._end - time.monotonic())

    def require(self, seconds: float = 0.0) -> None:
        """Raise BUDGET_EXHAUSTED unless more than that much time is left."""
        if self.seconds_left <= seconds:
            raise EngineError(ErrorCode.BUDGET_EXHAUSTED, "The time for this visit is used up.")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How one URL is to be fetched."""

    limit: int
    """The most bytes of a body."""
    truncate: bool = False
    """Whether a longer body is cut rather than refused."""
    conditions: tuple[tuple[str, str], ...] = ()
    check: Callable[[Headers], None] | None = None
    """Looks at the headers of a good answer and may raise before its body is read."""


class Reply(msgspec.Struct, frozen=True):
    """An answer of any status."""

    status: int
    headers: Headers
    body: bytes
    bytes_received: int
    seconds: float

    @property
    def challenged(self) -> bool:
        """Whether the site tests for robots instead of answering."""
        return is_challenge(self.status, self.headers, self.body)


class Exchange:
    """Sends requests politely and within their bounds.

    It talks to httpx's transport: the client on top reads every Location and Set-Cookie and stumbles over hostile ones.
    """

    def __init__(self, options: FetchOptions, backend: GuardedBackend, deadline: Deadline) -> None:
        self._options = options
        self._deadline = deadline
        self._pacer = Pacer()
        self.cookies = Cookies()
        self._transport = GuardedTransport(backend)
        self._headers = {
            "User-Agent": options.user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Encoding": ACCEPT_ENCODING,
        }
        # The whole is bounded by `asyncio.timeout`, since these start again with every byte.
        connect_seconds = min(_CONNECT_SECONDS, options.request_timeout)
        self._timeouts = httpx.Timeout(options.request_timeout, connect=connect_seconds).as_dict()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def fetch(self, target: Target, plan: Plan, delay: float) -> Reply:
        """Fetch one URL without following redirects, trying again what may pass."""
        attempt = 0
        while True:
            await self._turn(target.host, delay)
            pause = self._options.backoff * 2**attempt
            final = attempt >= self._options.retries
            try:
                reply = await self._watched(target, plan)
            except _FAILURES as error:
                # A connection whose HTTP/2 is broken would otherwise be used again.
                await self._transport.discard_idle()
                if final or not is_disconnection(error) or pause >= self._deadline.seconds_left:
                    raise translate(error, target.url, target.host) from error
                await asyncio.sleep(pause)
            else:
                if reply.status not in _PASSING_STATUSES or reply.challenged:
                    return reply
                asked = parse_retry_after(find_header(reply.headers, "retry-after"))
                pause = min(asked, _LONGEST_HOLD) if asked is not None else pause
                if reply.status in (429, 503):
                    self._pacer.hold(target.host, pause)
                if final or pause > self._options.max_retry_after or pause >= self._deadline.seconds_left:
                    return reply
                await asyncio.sleep(pause)
            attempt += 1

    async def _turn(self, host: str, delay: float) -> None:
        held = self._pacer.held_for(host)
        if held > self._options.max_retry_after:
            raise EngineError(ErrorCode.RATE_LIMITED, f"{host} asks not to be visited for {held:.0f} seconds.")
        self._deadline.require(self._pacer.waiting_time(host))
        await self._pacer.turn(host, delay)

    async def _watched(self, target: Target, plan: Plan) -> Reply:
        tell = watcher.get()
        if tell is None:
            return await self._attempt(target, plan)
        started = time.monotonic()
        status, problem = None, None
        try:
            reply = await self._attempt(target, plan)
            status = reply.status
        except BaseException as error:
            problem = type(error).__name__
            raise
        finally:
            path, seconds = target.path.partition("?")[0], time.monotonic() - started
            tell(Attempt(host=target.host, path=path, seconds=seconds, status=status, error=problem))
        return reply

    async def _attempt(self, target: Target, plan: Plan) -> Reply:
        seconds = min(self._options.request_timeout, self._deadline.seconds_left)
        started = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                response = await self._transport.handle_async_request(self._request(target, plan))
                reply = await self._receive(response, target, plan, started)
        except TimeoutError:
            self._deadline.require()
            message = f"{target.url} does not answer within {seconds:g} seconds."
            raise EngineError(ErrorCode.TIMED_OUT, message) from None
        set_cookies = [value for name, value in reply.headers if name == "set-cookie"]
        if set_cookies:
            self.cookies.store(target.host, set_cookies)
        return reply

    def _request(self, target: Target, plan: Plan) -> httpx.Request:
        headers = self._headers | dict(plan.conditions)
        cookie = self.cookies.header(target.scheme, target.host)
        if cookie:
            headers["Cookie"] = cookie
        # The path goes out as the gate wrote it, not as httpx would: it is what robots.txt was asked about.
        extensions = {"target": target.path.encode("ascii"), "timeout": self._timeouts}
        return httpx.Request("GET", target.origin + "/", headers=headers, extensions=extensions)

    async def _receive(self, response: httpx.Response, target: Target, plan: Plan, started: float) -> Reply:
        headers = tuple((name.decode("latin-1").lower(), _text(value)) for name, value in response.headers.raw)
        complete = False
        try:
            if 200 <= response.status_code < 300:
                body, received = await self._main_body(response, headers, target, plan)
                complete = not plan.truncate or len(body) < plan.limit
            else:
                body, received = await _side_body(response, headers, target)
                complete = received < _MAX_SIDE_BODY
        finally:
            await response.aclose()
            if not complete and response.http_version == "HTTP/2":
                await self._transport.discard_idle()
        return Reply(response.status_code, headers, body, received, time.monotonic() - started)

    async def _main_body(
        self, response: httpx.Response, headers: Headers, target: Target, plan: Plan
    ) -> tuple[bytes, int]:
        if plan.check is not None:
            plan.check(headers)
        inflater = inflater_for(_encoding(headers), target.url)
        length = find_header(headers, "content-length") or ""
        if not plan.truncate and length.isascii() and length.isdigit() and int(length[:20]) > plan.limit:
            raise EngineError(ErrorCode.TOO_LARGE, f"{target.url} is larger than {plan.limit:,} bytes.")
        return await read_body(response.aiter_raw(), inflater, plan.limit, target.url, truncate=plan.truncate)


async def _side_body(response: httpx.Response, headers: Headers, target: Target) -> tuple[bytes, int]:
    """Read the beginning of a body that only matters as a hint: a damaged one is an empty one."""
    try:
        inflater = inflater_for(_encoding(headers), target.url)
        return await read_body(response.aiter_raw(), inflater, _MAX_SIDE_BODY, target.url, truncate=True)
    except EngineError:
        return b"", _MAX_SIDE_BODY


def _encoding(headers: Headers) -> str:
    return ",".join(value for name, value in headers if name == "content-encoding")


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
