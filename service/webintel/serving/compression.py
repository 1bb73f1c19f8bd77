"""Compressing answers: each at once when it is whole, so that nothing of it is left in memory when it has been sent."""

import gzip
import re
from collections.abc import Awaitable, Callable, Mapping

import brotli
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

UNCOMPRESSED = "uncompressed"
"""Routes with this option send what they send as it is."""
_LEAST_BYTES = 1200
"""What fits into one packet arrives no sooner."""
_METHODS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=5, lgwin=18),
    "gzip": lambda body: gzip.compress(body, 5, mtime=0),
}
_REFUSED = re.compile(r";\s*q=0(\.0*)?\s*$")


class Compression:
    """Litestar's own makes a compressor for every answer, however short, and keeps brotli's: 500 MiB of them."""

    def __init__(self, *encodings: str) -> None:
        """Offer these, the best first: `br`, which packs closer, or `gzip`, which takes less time."""
        self._encodings = encodings

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Stand before a route, and compress for who asks for it."""

        def compress(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] == ScopeType.HTTP and not scope["route_handler"].opt.get(UNCOMPRESSED):
                for name, value in scope["headers"]:
                    if name == b"accept-encoding":
                        if encoding := self._encoding_for(value.decode("latin-1")):
                            send = _compressed(send, encoding)
                        break
            return app(scope, receive, send)

        return compress

    def _encoding_for(self, header: str) -> str | None:
        accepted = accepted_encodings(header)
        return next((each for each in self._encodings if each in accepted), None)


def accepted_encodings(header: str) -> set[str]:
    """Read what a client can decode."""
    return {part.split(";")[0].strip() for part in header.split(",") if not _REFUSED.search(part)}


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
