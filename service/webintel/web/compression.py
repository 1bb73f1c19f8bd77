"""Compressing pages: each at once when it is whole, so that nothing of it is left in memory when it has been sent."""

import gzip
from collections.abc import Callable, Mapping
from typing import Any

import brotli
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

UNCOMPRESSED = "uncompressed"
"""Routes with this option send what they send as it is."""
_LEAST_BYTES = 500
_METHODS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=5, lgwin=18),
    "gzip": lambda body: gzip.compress(body, 5, mtime=0),
}
"""The best first."""


class Compression(ASGIMiddleware):
    """Litestar's own keeps a compressor for each request until the garbage collector comes by: 500 MiB of them."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = UNCOMPRESSED

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Compress for who asks for it."""
        accepted = accepted_encodings(Headers.from_scope(scope))
        encoding = next((name for name in _METHODS if name in accepted), None)
        await next_app(scope, receive, _compressed(send, encoding) if encoding else send)


def accepted_encodings(headers: Mapping[str, Any]) -> set[str]:
    """Read what a browser can decode."""
    return {part.split(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")}


def _compressed(send: Send, encoding: str) -> Send:
    held: list[HTTPResponseStartEvent] = []

    async def hold(message: Message) -> None:
        if message["type"] == "http.response.start":
            held.append(message)
            return
        if message["type"] == "http.response.body" and held:
            start = held.pop()
            if not message.get("more_body") and len(message.get("body", b"")) >= _LEAST_BYTES:
                message["body"] = _METHODS[encoding](message["body"])
                headers = MutableScopeHeaders.from_message(start)
                headers["content-encoding"] = encoding
                headers["content-length"] = str(len(message["body"]))
                headers.extend_header_value("vary", "Accept-Encoding")
            await send(start)
        await send(message)

    return hold
