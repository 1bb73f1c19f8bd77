"""Small HTTP servers on loopback that answer exactly the bytes a test wants, and count who came."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import httpcore

from webintel.engine.errors import EngineError
from webintel.engine.fetch import ConnectTo, Fetcher, FetchOptions

LOOPBACK = ("127.0.0.0/8", "::1/128")


class Request:
    """One request as it arrived."""

    def __init__(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = lines[0].split(" ", 2)
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
Answer = bytes | Handler | Sequence[bytes]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Write a whole response; header names take underscores for hyphens."""
    fields = {"content_length": str(len(body)), **headers}
    if body:
        fields.setdefault("content_type", "text/html")
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Some Reason\r\n{head}\r\n".encode("latin-1") + body


PAGE = answer(200, b"<html><title>Shop</title>" + b"<p>word</p>" * 20 + b"</html>")
NOT_FOUND = answer(404)


class Site:
    """A loopback server: a path's answer is raw bytes, several in turn, or a function that writes what it likes."""

    def __init__(self, routes: Mapping[str, Answer]) -> None:
        self.routes = dict(routes)
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def seen(self, path: str) -> int:
        return self.paths.count(path)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    request = Request((await reader.readuntil(b"\r\n\r\n"))[:-4])
                    self.requests.append(request)
                    await self._answer(request, writer)
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        default = NOT_FOUND if request.path == "/robots.txt" else self.routes.get("*", NOT_FOUND)
        chosen = self.routes.get(request.path, default)
        if callable(chosen):
            await chosen(request, writer)
            return
        if not isinstance(chosen, bytes):
            chosen = chosen[min(self.seen(request.path), len(chosen)) - 1]
        writer.write(chosen)
        await writer.drain()


@asynccontextmanager
async def serve(
    routes: Mapping[str, Answer] | None = None,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Site]:
    site = Site({"*": PAGE} if routes is None else routes)
    server = await asyncio.start_server(site.accept, address, port, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        await site.close()


def options_for(site: Site, **overrides: object) -> FetchOptions:
    """Bounds under which every host and port leads to the site, quickly."""
    settings: dict[str, object] = {
        "connect_to": (ConnectTo(None, None, "127.0.0.1", site.port),),
        "allow_private": LOOPBACK,
        "delay": 0.0,
        "backoff": 0.01,
        "request_timeout": 5.0,
    }
    return FetchOptions(**{**settings, **overrides})  # type: ignore[arg-type]


async def failure(fetcher: Fetcher, url: str, **arguments: object) -> EngineError:
    """Fetch what must fail, and give the failure."""
    try:
        response = await fetcher.get(url, **arguments)  # type: ignore[arg-type]
    except EngineError as error:
        return error
    raise AssertionError(f"{url} was fetched with status {response.status}")


class CountingDialler(httpcore.AnyIOBackend):
    """Counts connections, and lets none of them leave this machine."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *arguments: object, **options: object):
        self.dialled.append((host, port))
        if not host.startswith("127.") and host != "::1":
            raise httpcore.ConnectError("the test keeps to loopback")
        return await super().connect_tcp(host, port, *arguments, **options)


def resolver_of(*answers: str):
    """A resolver that knows one answer for every name."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(answers)

    return resolve
