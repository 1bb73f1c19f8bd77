"""Connections: one for each client, as browsers and scripts have them."""

import asyncio
import contextlib
import ssl

import httpx
import msgspec

from webintel.load.errors import LoadError
from webintel.load.targets import Target

MOST_BYTES = 16 * 1024 * 1024
"""Of one answer."""
_UNLIMITED = {"timeout": {"connect": None, "read": None, "write": None, "pool": None}}
_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectError, "not connected"),
    (httpx.RemoteProtocolError, "closed by the server"),
    (httpx.ReadError, "closed by the server"),
    (httpx.WriteError, "closed by the server"),
    (httpx.HTTPError, "not understood"),
)


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        error: what kind of failure it was; none where it went well.
    """

    content: bytes
    error: str | None = None
    status: int | None = None
    retry_after: str | None = None


def tls_context(target: Target) -> ssl.SSLContext:
    """Make what all connections check the server with.

    Raises:
        LoadError: the certificate authority cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=target.ca_file)
    except OSError as error:
        raise LoadError(f"{target.ca_file}: {error}. Name a PEM file with --ca-file.") from error


class Lane:
    """One connection, kept alive, opened again when it breaks."""

    def __init__(self, target: Target, context: ssl.SSLContext, headers: dict[str, str], timeout: float) -> None:
        self._base = httpx.URL(target.url)
        self._prefix = self._base.raw_path.rstrip(b"/")
        self._context = context
        port = f":{self._base.port}" if self._base.port else ""
        host = f"[{target.host}]" if ":" in target.host else target.host
        self._headers = {"Host": f"{host}{port}", "Accept": "application/json", "User-Agent": "webintel-load"} | headers
        self._timeout = timeout
        self._transport = self._open()

    def _open(self) -> httpx.AsyncHTTPTransport:
        # The transport alone: no redirects to hosts that are not ours, no proxies of the environment, no cookies.
        return httpx.AsyncHTTPTransport(
            verify=self._context, limits=httpx.Limits(max_connections=1, max_keepalive_connections=1)
        )

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send a request and read the whole answer."""
        url = self._base.copy_with(raw_path=self._prefix + path.encode())
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        request = httpx.Request(method, url, headers=headers, content=body, extensions=_UNLIMITED)
        try:
            # One limit for all of it: httpx's own begin again with each byte.
            async with asyncio.timeout(self._timeout):
                return await self._exchange(request)
        except TimeoutError:
            await self._again()
            return Answer(b"", "timeout")
        except httpx.HTTPError as error:
            await self._again()
            return Answer(b"", next(name for kind, name in _ERRORS if isinstance(error, kind)))

    async def _exchange(self, request: httpx.Request) -> Answer:
        response = await self._transport.handle_async_request(request)
        try:
            content = b""
            async for chunk in response.stream:  # type: ignore[union-attr]  # of an async transport
                content = content + chunk if content else chunk
                if len(content) > MOST_BYTES:
                    raise httpx.DecodingError("too long")
        finally:
            await response.aclose()
        status = response.status_code
        error = None if 200 <= status < 300 else f"HTTP {status}"
        return Answer(content, error, status, response.headers.get("retry-after"))

    async def _again(self) -> None:
        old, self._transport = self._transport, self._open()
        await _close(old)

    async def close(self) -> None:
        """Hang up."""
        await _close(self._transport)


async def _close(transport: httpx.AsyncHTTPTransport) -> None:
    with contextlib.suppress(httpx.HTTPError, OSError, RuntimeError, TimeoutError):
        async with asyncio.timeout(1.0):
            await transport.aclose()
