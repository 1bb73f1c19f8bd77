"""The polite and safe fetcher that a visit goes through."""

import asyncio
import re
from collections import Counter, OrderedDict
from typing import Final, Literal, Self

import httpcore
import msgspec

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch.exchange import Deadline, Exchange, Plan, Reply
from webintel.engine.fetch.gate import Target, parse_url, resolve_location
from webintel.engine.fetch.ledger import Ledger, Outcome
from webintel.engine.fetch.network import AddressPolicy, GuardedBackend, Resolver, resolve
from webintel.engine.fetch.options import FetchOptions
from webintel.engine.fetch.response import Headers, Response, find_header, media_type
from webintel.engine.fetch.robots import MAX_ROBOTS_BYTES, MAX_ROBOTS_REDIRECTS, RobotsPolicy
from webintel.engine.fetch.walls import is_login_page
from webintel.engine.model import FetchRecord

Purpose = Literal["page", "sitemap", "robots", "probe"]

MAX_SITEMAPS: Final = 200
MAX_ROBOTS: Final = 100
MAX_PROBES: Final = 100
_MAX_ORIGINS: Final = 256
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TEXT: Final = re.compile(r"text/.*|application/(?:xhtml\+xml|xml|json|[\w.+-]+\+(?:xml|json))|")
_GZIP_MAGIC: Final = b"\x1f\x8b"
_SKIPPED: Final = frozenset(
    {ErrorCode.FORBIDDEN_BY_ROBOTS, ErrorCode.BUDGET_EXHAUSTED, ErrorCode.UNSUPPORTED_CONTENT, ErrorCode.CANCELLED}
)
# Failures of robots.txt that say nothing about the site's wishes and would be ours to repeat, not to remember.
_OURS: Final = frozenset({ErrorCode.BUDGET_EXHAUSTED, ErrorCode.CANCELLED})


class _Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One URL with all that its redirects lead to."""

    plan: Plan
    purpose: Purpose
    max_redirects: int
    is_robots: bool = False
    login_is_a_wall: bool = True


class Fetcher:
    """Fetches the pages of one visit within its bounds, obeying robots.txt.

    Every failure is an EngineError, and every URL that is asked for leaves a record in the ledger.

    Attributes:
        options: the bounds of the visit.
        ledger: what became of every URL.
    """

    def __init__(
        self,
        options: FetchOptions,
        *,
        resolver: Resolver = resolve,
        dialler: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self.options = options
        self.ledger = Ledger()
        self._policy = AddressPolicy(options)
        self._deadline = Deadline(options.max_seconds)
        self._exchange = Exchange(options, GuardedBackend(self._policy, resolver, dialler), self._deadline)
        self._spent: Counter[str] = Counter()
        self._limits = {
            "page": options.max_pages,
            "sitemap": MAX_SITEMAPS,
            "robots": MAX_ROBOTS,
            "probe": MAX_PROBES,
        }
        self._robots: OrderedDict[str, RobotsPolicy] = OrderedDict()
        self._robots_locks: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._exchange.aclose()

    @property
    def pages_fetched(self) -> int:
        """Pages that were asked for over the network."""
        return self._spent["page"]

    @property
    def pages_left(self) -> int:
        """Pages that may still be asked for."""
        return self.options.max_pages - self._spent["page"]

    @property
    def seconds_left(self) -> float:
        """Time until the visit ends, from the making of this object."""
        return self._deadline.seconds_left

    async def get(
        self,
        url: str,
        purpose: Purpose = "page",
        max_bytes: int | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> Response:
        """Fetch a URL and follow its redirects.

        Args:
            url: absolute, http or https.
            purpose: which budget it counts towards; a page must also be text.
            max_bytes: the most bytes of its body, instead of the options' own.
            etag: of a copy that the caller holds.
            last_modified: of a copy that the caller holds.

        Returns:
            An answer with a status below 300, or 304 where the caller's copy is still good.

        Raises:
            EngineError: whatever else happens.
        """
        conditions = (("If-None-Match", etag), ("If-Modified-Since", last_modified))
        plan = Plan(
            limit=self.options.max_bytes if max_bytes is None else max_bytes,
            conditions=tuple((name, value) for name, value in conditions if value and _is_header_value(value)),
            check=_require_text if purpose == "page" else None,
        )
        try:
            target = parse_url(url)
        except EngineError as error:
            self._record_failure(url, error, None)
            raise
        visit = _Visit(
            plan=plan,
            purpose=purpose,
            max_redirects=self.options.max_redirects,
            login_is_a_wall=not is_login_page(target),
        )
        return await self._follow(target, url, visit)

    async def robots(self, url: str) -> RobotsPolicy:
        """Give the robots.txt policy for a URL's origin, fetched once.

        A robots.txt that cannot be had forbids everything; `error` of the policy says why.
        """
        target = parse_url(url)
        origin = target.origin
        async with self._robots_locks.setdefault(origin, asyncio.Lock()):
            policy = self._robots.get(origin)
            if policy is None:
                policy = await self._fetch_robots(msgspec.structs.replace(target, path="/robots.txt"))
                self._robots[origin] = policy
                while len(self._robots) > _MAX_ORIGINS:
                    oldest, _ = self._robots.popitem(last=False)
                    self._robots_locks.pop(oldest, None)
        return policy

    def skip(self, url: str, reason: str, detail: str | None = None) -> None:
        """Write down a URL that the caller decided not to fetch."""
        self.ledger.add(FetchRecord(url=url, outcome="skipped", reason=reason, detail=detail))

    async def _follow(self, start: Target, requested_url: str, visit: _Visit) -> Response:
        target, plan = start, visit.plan
        hops: list[str] = []
        seen: set[tuple[str, str]] = set()
        while True:
            reply: Reply | None = None
            try:
                if len(hops) > visit.max_redirects:
                    self._too_many(start, f"redirects more than {visit.max_redirects} times")
                # The same URL again is no loop as long as each round sets another cookie.
                state = (target.url, self._exchange.cookies.header(target.scheme, target.host))
                if state in seen:
                    self._too_many(start, f"redirects in a loop over {target.url}")
                seen.add(state)
                delay = await self._admit(target, visit, first=not hops)
                reply = await self._exchange.fetch(target, plan, delay)
                following = _redirect_target(target, reply)
                if following is None:
                    _judge(target, reply, visit)
            except EngineError as error:
                self._record_failure(target.url, error, reply)
                raise
            except asyncio.CancelledError:
                self.skip(target.url, ErrorCode.CANCELLED)
                raise
            if following is None:
                self._record_answer(target.url, reply)
                return Response(
                    requested_url, target.url, reply.status, reply.headers, reply.body, tuple(hops), reply.seconds
                )
            self._record_answer(target.url, reply, following)
            hops.append(target.url)
            self._require_no_login(target, following, visit)
            target, plan = following, msgspec.structs.replace(plan, conditions=())

    async def _admit(self, target: Target, visit: _Visit, *, first: bool) -> float:
        """Ask everyone who may forbid a request, and give the delay to keep after it."""
        self._deadline.require()
        self._policy.route(target.host, target.port)
        if visit.is_robots:
            delay = self.options.delay
        else:
            self._require_budget(visit.purpose, first=first)
            policy = await self.robots(target.url)
            policy.require(target.url)
            delay = max(self.options.delay, policy.crawl_delay or 0.0)
        self._require_budget(visit.purpose, first=first)
        if first:
            self._spent[visit.purpose] += 1
        return delay

    def _require_budget(self, purpose: Purpose, *, first: bool) -> None:
        limit = self._limits[purpose]
        if first and self._spent[purpose] >= limit:
            what = "robots.txt files" if purpose == "robots" else f"{purpose}s"
            raise EngineError(ErrorCode.BUDGET_EXHAUSTED, f"The {limit} {what} of this visit are used up.")

    def _require_no_login(self, target: Target, following: Target, visit: _Visit) -> None:
        if visit.is_robots or not visit.login_is_a_wall or not is_login_page(following):
            return
        error = EngineError(ErrorCode.LOGIN_REQUIRED, f"{target.url} leads to a login page, {following.url}.")
        self._record_failure(following.url, error, None)
        raise error

    def _too_many(self, start: Target, what: str) -> None:
        raise EngineError(ErrorCode.TOO_MANY_REDIRECTS, f"{start.url} {what}.")

    async def _fetch_robots(self, target: Target) -> RobotsPolicy:
        visit = _Visit(
            plan=Plan(limit=MAX_ROBOTS_BYTES, truncate=True),
            purpose="robots",
            max_redirects=MAX_ROBOTS_REDIRECTS,
            is_robots=True,
        )
        try:
            response = await self._follow(target, target.url, visit)
        except EngineError as error:
            if error.code in _OURS:
                raise
            # More redirects than the standard asks to follow, or ones to nowhere, mean that there is no such file.
            if error.code in (ErrorCode.TOO_MANY_REDIRECTS, ErrorCode.INVALID_URL):
                return RobotsPolicy.allow_all()
            return RobotsPolicy.disallow_all(error)
        return self._robots_policy(target, response)

    def _robots_policy(self, target: Target, response: Response) -> RobotsPolicy:
        if response.status < 300:
            return RobotsPolicy(response.body.decode("utf-8", "replace"), self.options.robots_token)
        if response.status == 429:
            error = EngineError(ErrorCode.RATE_LIMITED, f"{target.host} asks for fewer requests, even for robots.txt.")
            return RobotsPolicy.disallow_all(error)
        if response.status >= 500:
            error = EngineError(
                ErrorCode.FORBIDDEN_BY_ROBOTS,
                f"{target.url} answers {response.status}, and until it can be read nothing may be visited.",
                "Retry when the site answers again.",
            )
            return RobotsPolicy.disallow_all(error)
        return RobotsPolicy.allow_all()

    def _record_answer(self, url: str, reply: Reply, following: Target | None = None) -> None:
        outcome: Outcome = "ok"
        if following is not None:
            outcome = "redirected"
        elif reply.status == 304:
            outcome = "not_modified"
        elif reply.status >= 300:
            outcome = "failed"
        self.ledger.add(
            FetchRecord(
                url=url,
                outcome=outcome,
                status=reply.status,
                bytes_received=reply.bytes_received,
                reason=ErrorCode.HTTP_STATUS if outcome == "failed" else None,
                detail=f"to {following.url}" if following else None,
            )
        )

    def _record_failure(self, url: str, error: EngineError, reply: Reply | None) -> None:
        self.ledger.add(
            FetchRecord(
                url=url,
                outcome="skipped" if error.code in _SKIPPED else "failed",
                status=reply.status if reply else None,
                bytes_received=reply.bytes_received if reply else 0,
                reason=error.code,
                detail=error.message,
            )
        )


def _redirect_target(target: Target, reply: Reply) -> Target | None:
    location = find_header(reply.headers, "location")
    if reply.status not in _REDIRECTS or not location:
        return None
    return resolve_location(target, location)


def _require_text(headers: Headers) -> None:
    kind = media_type(headers)
    if not _TEXT.fullmatch(kind):
        raise EngineError(ErrorCode.UNSUPPORTED_CONTENT, f"The answer is {kind[:80]}, which is not a page.")


def _judge(target: Target, reply: Reply, visit: _Visit) -> None:
    """Raise for an answer that is not what was asked for; any status will do for robots.txt."""
    if visit.is_robots:
        return
    status, url = reply.status, target.url
    if status == 401:
        raise EngineError(ErrorCode.LOGIN_REQUIRED, f"{url} asks for a user name and password (401).")
    if status in (403, 451) or reply.challenged:
        raise EngineError(ErrorCode.ACCESS_DENIED, f"{url} is not shown to automated visitors ({status}).")
    if status == 429:
        raise EngineError(ErrorCode.RATE_LIMITED, f"{url} asks for fewer requests (429).")
    if status >= 300 and not (status == 304 and visit.plan.conditions):
        raise EngineError(ErrorCode.HTTP_STATUS, f"{url} answers {status}.")
    if visit.purpose == "page" and reply.body.startswith(_GZIP_MAGIC):
        raise EngineError(ErrorCode.INVALID_RESPONSE, f"{url} sends a page that is compressed twice.")


def _is_header_value(value: str) -> bool:
    return len(value) <= 1_000 and value.isascii() and value.isprintable()
