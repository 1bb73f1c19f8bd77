"""What a browser may do with our pages."""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

# Pico draws its arrows and ticks from data: URLs in the style sheet.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    # With `no-referrer` browsers send `Origin: null` with our own forms, which then look like strangers'.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


async def complete_page_headers(message: Message, scope: Scope) -> None:  # noqa: ARG001 - how Litestar calls it
    """Give pages the policy of pages; everything else gets the one that closes all."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    if headers.get("content-type", "").startswith("text/html"):
        for name, value in _PAGE_HEADERS.items():
            headers.setdefault(name, value)
