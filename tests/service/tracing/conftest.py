"""The real processes as an operator runs them, a site for them to visit, and a collector that reads what it is sent."""

import asyncio
import contextlib
import gzip
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.service.api_fixtures import people
from tests.service.conftest import SECRET_KEY

__all__ = ["people"]

PATIENCE = 180.0


class Received(NamedTuple):
    service: str
    span: Span

    @property
    def attributes(self) -> dict[str, Any]:
        found = {}
        for pair in self.span.attributes:
            kind = pair.value.WhichOneof("value")
            found[pair.key] = getattr(pair.value, kind)
        return found


class Collector:
    """Takes OTLP over HTTP, as protobuf."""

    def __init__(self) -> None:
        collector, self._spans = self, list[Received]()
        self.bytes = b""
        self.headers: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                collector.take(body, {name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        self.bytes += body
        self.headers.append(headers)
        for resource in request.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            self._spans += [Received(service, span) for scope in resource.scope_spans for span in scope.spans]

    def spans(self, name: str | None = None, service: str | None = None) -> list[Received]:
        return [r for r in self._spans if name in (None, r.span.name) and service in (None, r.service)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


class Process:
    """A role of the service."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it wrote: nothing but JSON, a line each."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    async def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@asynccontextmanager
async def running(role: str, database_url: str, log: Path, **variables: str) -> AsyncIterator[Process]:
    """Run a role until it is ready, and end it after."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment |= {
        "WEBINTEL_DATABASE_URL": database_url,
        "WEBINTEL_SECRET_KEY": SECRET_KEY,
        "WEBINTEL_LOG_FORMAT": "json",
        "WEBINTEL_FETCH_DELAY": "0",
        "WEBINTEL_WORKER_POLL_SECONDS": "0.3",
        "WEBINTEL_WORKER_GRACE_SECONDS": "0",
        **variables,
    }
    options = ["--drain-seconds", "0"] if role != "worker" else []
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "webintel", role, "--port", str(port), *options,
            env=environment, stdout=file, stderr=file,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=url) as client:
            await ready(client, process)
        yield Process(process, url, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.returncode is None:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/health/ready")).status_code == 200:
                return
        await asyncio.sleep(0.05)
    pytest.fail("it did not start")


async def job_ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """Wait for the end of a job."""
    async with asyncio.timeout(PATIENCE):
        while True:
            job: dict[str, Any] = (await client.get(f"/api/v1/jobs/{job_id}")).json()
            if job["status"] not in {"queued", "running"}:
                return job
            await asyncio.sleep(0.1)
