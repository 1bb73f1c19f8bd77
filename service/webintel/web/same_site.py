"""Changes come from our own pages only: what another site makes a visitor's browser send is refused."""

import httpx
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from webintel.problems import NotAllowed

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SameSiteOnly(ASGIMiddleware):
    """Guards every route against forged requests; cookies with SameSite are the other half."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let a request pass, or raise the reason why not."""
        method = scope["method"]  # type: ignore[typeddict-item]  # only HTTP comes here
        if method not in _SAFE_METHODS and not comes_from_us(Headers.from_scope(scope)):
            raise NotAllowed(
                "The request did not come from a page of this site, so nothing was changed. "
                "Open the page here and try again."
            )
        await next_app(scope, receive, send)


def comes_from_us(headers: Headers) -> bool:
    """Tell whether a page of ours sent this, by what browsers say and pages cannot forge."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Browsers send Sec-Fetch-Site over https and to localhost only; Origin comes with every unsafe method.
    try:
        origin = httpx.URL(headers.get("origin", ""))
        ours = httpx.URL(f"{origin.scheme}://{headers.get('host', '')}")
    except httpx.InvalidURL:
        return False
    # A default port is written or left out; httpx leaves it out.
    return origin.scheme in {"http", "https"} and bool(origin.host) and origin.netloc == ours.netloc
