"""Health and metrics of a worker over HTTP: three fixed answers, so no framework is loaded for them."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Self

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

REQUEST_TIMEOUT = 5.0
MAX_HEADERS = 100


class PortError(Exception):
    """The port cannot be used; the message is one line that names it and the option."""


Answer = tuple[HTTPStatus, str, bytes]


class StatusServer:
    """Answers `/health/live`, `/health/ready`, `/health` and `/metrics`."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, problem: Callable[[], str | None]) -> None:
        self._host = host
        self._port = port
        self._registry = registry
        self._problem = problem
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port in use, also when 0 asked for any."""
        if self._server is None:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=8192)
        except OSError as error:
            raise PortError(
                f"{self._host}:{self._port} cannot be used for health and metrics: {error.strerror}. "
                "Choose another with --port or WEBINTEL_WORKER_PORT."
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_TIMEOUT):
                request = (await reader.readline()).decode("latin-1").split()
                for _ in range(MAX_HEADERS):
                    if (await reader.readline()).strip() == b"":
                        break
                writer.write(_response(self._answer(request)))
                await writer.drain()
        writer.close()

    def _answer(self, request: list[str]) -> Answer:
        if len(request) != 3 or request[0] not in {"GET", "HEAD"}:
            return _json(HTTPStatus.METHOD_NOT_ALLOWED, {"status": "error"})
        match request[1].partition("?")[0]:
            case "/health" | "/health/live" | "/health/startup":
                return _json(HTTPStatus.OK, {"status": "ok"})
            case "/health/ready":
                problem = self._problem()
                if problem is None:
                    return _json(HTTPStatus.OK, {"status": "ok"})
                return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", "reason": problem})
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)
            case _:
                return _json(HTTPStatus.NOT_FOUND, {"status": "error"})


def _json(status: HTTPStatus, content: dict[str, str]) -> Answer:
    return status, "application/json", json.dumps(content).encode()


def _response(answer: Answer) -> bytes:
    status, media_type, body = answer
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
