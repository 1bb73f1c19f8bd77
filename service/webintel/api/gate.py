"""The gate in front of every route: who is it, how often, and may it."""

from litestar.enums import ScopeType
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from webintel.accounts.identities import Identities
from webintel.accounts.queries import Caller
from webintel.accounts.roles import PERMISSIONS, Permission
from webintel.api.access import API_KEY_HEADER, PERMISSION_OPT, UNLIMITED_OPT
from webintel.api.health import Health
from webintel.api.limits import Limits
from webintel.api.places import Place, Places
from webintel.problems import NotAllowed, NotSignedIn, TooManyRequests, Unavailable, UnsupportedMediaType
from webintel.serving.address import client_address

RETRY_AFTER_SECONDS = 5
_API_KEY = API_KEY_HEADER.lower().encode()
_API_PATH = "/api/"
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


class Gate:
    """A place, authentication, limits and authorization, in this order, so that failed attempts are counted too."""

    def __init__(
        self, places: Places, identities: Identities, limits: Limits, health: Health, trusted_proxy_hops: int
    ) -> None:
        self._places = places
        self._identities = identities
        self._limits = limits
        self._health = health
        self._trusted_proxy_hops = trusted_proxy_hops

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Stand before a route: let a request pass, or raise the reason why not."""

        async def gate(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
            elif scope["route_handler"].opt.get(UNLIMITED_OPT):
                await self._let_in(scope, receive, send, app)
            else:
                place = Place(self._places, receive, send, body=_has_body(scope))
                try:
                    await self._let_in(scope, place.receive, place.send, app)
                finally:
                    place.leave()

        return gate

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        options = scope["route_handler"].opt
        asks_for_methods = scope["method"] == "OPTIONS"  # type: ignore[typeddict-item]  # only HTTP comes here
        permission = Permission.PUBLIC if asks_for_methods else options.get(PERMISSION_OPT)
        if self._health.database_away and scope["path"].startswith(_API_PATH):
            # Nobody waits for what is known not to answer; the health check notices when it is back.
            raise Unavailable("The database does not answer at the moment.", retry_after=RETRY_AFTER_SECONDS)
        caller, refusal = None, None
        scope["user"] = None
        if permission is not Permission.PUBLIC:
            try:
                # Also for the log of what is refused from here on.
                scope["user"] = caller = await self._identify(scope)
            except NotSignedIn as error:
                refusal = error
        if not options.get(UNLIMITED_OPT):
            await self._count(scope, caller)
        if asks_for_methods:
            await _answer_options(scope, receive, send)
            return
        if refusal:
            raise refusal
        if permission is not Permission.PUBLIC:
            _authorize(caller, permission)
        _require_json(scope)  # type: ignore[arg-type]  # only HTTP comes here
        await next_app(scope, receive, send)

    async def _identify(self, scope: Scope) -> Caller:
        if key := _header(scope, _API_KEY):
            return await self._identities.by_api_key(key)
        scheme, _, token = _header(scope, b"authorization").partition(" ")
        if scheme.lower() == "bearer" and token:
            return await self._identities.by_access_token(token.strip())
        raise NotSignedIn(f"Sign in and send `Authorization: Bearer ...`, or send an API key as `{API_KEY_HEADER}`.")

    async def _count(self, scope: Scope, caller: Caller | None) -> None:
        key = caller.limit_key if caller else f"address:{client_address(scope, self._trusted_proxy_hops)}"
        allowance = await self._limits.count_request(key)
        if allowance is None:
            return
        scope["state"]["limit_headers"] = allowance.headers()
        if not allowance.allowed:
            raise TooManyRequests(
                "You have sent too many requests; slow down.", retry_after=allowance.count.reset_seconds
            )


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


async def _answer_options(scope: Scope, receive: Receive, send: Send) -> None:
    """Name the methods of a path; Litestar's own answer knows only those of one of its handlers."""
    routes = scope["litestar_app"].routes
    methods = {m for route in routes if route.path == scope["path_template"] for m in getattr(route, "methods", ())}
    response = ASGIResponse(status_code=204, headers={"Allow": ", ".join(sorted(methods))})
    await response(scope, receive, send)


def _authorize(caller: Caller | None, permission: Permission | None) -> None:
    if caller is None:
        raise NotSignedIn("Sign in first.")
    if permission not in PERMISSIONS[caller.role]:
        raise NotAllowed(f"Your role ({caller.role}) does not allow this.")


def _has_body(scope: HTTPScope) -> bool:
    if scope["method"] not in _BODY_METHODS:
        return False
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def _require_json(scope: HTTPScope) -> None:
    """Refuse a body that says it is something else than JSON."""
    if not _has_body(scope):
        return
    given = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    media_type = given.split(b";")[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        raise UnsupportedMediaType("Send the body as application/json.")
