"""Reading a body that may be endless, compressed or both, within a number of bytes."""

import re
import zlib
from collections.abc import AsyncIterator
from typing import Final

from webintel.engine.errors import EngineError, ErrorCode

ACCEPT_ENCODING: Final = "gzip, deflate"
_GZIP_NAMES: Final = frozenset({"gzip", "x-gzip"})
_GZIP_MAGIC: Final = b"\x1f\x8b"
_TOKEN: Final = re.compile(r"[a-z0-9-]+")


class Inflater:
    """Undoes one layer of compression without ever holding more than it may hand out."""

    def __init__(self, coding: str, url: str) -> None:
        self._gzip = coding in _GZIP_NAMES
        self._url = url
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes, room: int) -> bytes:
        """Inflate a piece, up to `room` bytes and one more, by which the caller sees that there is more."""
        out = bytearray()
        try:
            while data and len(out) <= room:
                stream = self._stream
                if stream is None:
                    stream = self._stream = zlib.decompressobj(self._window(data[0]))
                out += stream.decompress(data, room + 1 - len(out))
                data = stream.unconsumed_tail
                if stream.eof:
                    # A gzip body may have several members; anything else after the end is padding.
                    data = stream.unused_data if stream.unused_data.startswith(_GZIP_MAGIC) else b""
                    if data:
                        self._stream = None
        except zlib.error:
            raise EngineError(ErrorCode.INVALID_RESPONSE, f"{self._url} sends a damaged compressed body.") from None
        return bytes(out)

    def finish(self) -> None:
        """Check that the compressed stream came to its end."""
        if self._stream is not None and not self._stream.eof:
            raise EngineError(ErrorCode.INVALID_RESPONSE, f"{self._url} breaks off in the middle of a compressed body.")

    def _window(self, first: int) -> int:
        if self._gzip:
            return 16 + zlib.MAX_WBITS
        # Some servers send raw deflate where the standard says zlib: its first byte always names method 8.
        return zlib.MAX_WBITS if first & 0x0F == 8 else -zlib.MAX_WBITS


def inflater_for(content_encoding: str, url: str) -> Inflater | None:
    """Choose how to read a body.

    Raises:
        EngineError: INVALID_RESPONSE for a coding that was not asked for, or for more than one layer.
    """
    codings = [coding for coding in _TOKEN.findall(content_encoding.lower()) if coding != "identity"]
    if not codings:
        return None
    if len(codings) > 1:
        raise EngineError(ErrorCode.INVALID_RESPONSE, f"{url} sends a body compressed {len(codings)} times over.")
    if codings[0] not in _GZIP_NAMES and codings[0] != "deflate":
        raise EngineError(ErrorCode.INVALID_RESPONSE, f"{url} sends an unknown content encoding, {codings[0][:40]}.")
    return Inflater(codings[0], url)


async def read_body(
    chunks: AsyncIterator[bytes], inflater: Inflater | None, limit: int, url: str, *, truncate: bool = False
) -> tuple[bytes, int]:
    """Read a body of at most `limit` bytes after decompression.

    Args:
        chunks: the body as it comes over the wire.
        inflater: undoes its compression; none for a plain body.
        limit: the most bytes to hold, compressed or not.
        url: for the sentence of an error.
        truncate: whether a longer body is cut rather than refused.

    Returns:
        The body, and how many bytes came over the wire.

    Raises:
        EngineError: TOO_LARGE, or INVALID_RESPONSE for a damaged body.
    """
    body = bytearray()
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        body += chunk if inflater is None else inflater.feed(chunk, limit - len(body))
        if len(body) > limit or received > limit:
            if truncate:
                return bytes(body[:limit]), received
            raise EngineError(ErrorCode.TOO_LARGE, f"{url} is larger than {limit:,} bytes.")
    if inflater is not None:
        inflater.finish()
    return bytes(body), received
