"""A plain HTTP server on a loopback address that plays one site."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """What the visitor asked for."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    """The last value of each parameter."""
    headers: Mapping[str, str]
    """Names in lower case."""


@dataclass(frozen=True)
class Reply:
    """What the site answers; a body in parts is sent as it comes, without a length."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Site = Callable[[Request], Reply]


class RunningSite:
    """A site being played; leaving the context stops it."""

    def __init__(self, site: Site, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _handler(site, self._count))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="site", daemon=True)
        self.requests: list[str] = []
        """Every path and query asked for, in order of arrival."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def connect_to(self, host: str) -> str:
        """Say, as curl's option of the name does, that `host` is to be found here."""
        return f"{host}:80:127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening; replies in flight are cut off with the process."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _count(self, target: str) -> None:
        self.requests.append(target)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor that hangs up early is no event."""


def _handler(site: Site, count: Callable[[str], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "DemoShop"
        sys_version = ""
        # The second small packet of a reply must not wait for the acknowledgement of the first.
        disable_nagle_algorithm = True
        timeout = 60

        def do_GET(self) -> None:
            count(self.path)
            self._send(site(self._request()))

        do_HEAD = do_POST = do_GET  # noqa: N815 - names that http.server asks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: the visitor reports."""

        def _request(self) -> Request:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            return Request(self.command, headers.get("host", ""), unquote(parts.path), query, headers)

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if isinstance(reply.body, bytes):
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                parts: Iterable[bytes] = (reply.body,)
            else:
                self.send_header("Connection", "close")
                self.end_headers()
                parts = reply.body
            if self.command != "HEAD":
                for part in parts:
                    self.wfile.write(part)

    return Handler
