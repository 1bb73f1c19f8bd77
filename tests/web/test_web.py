"""The web UI: its page says how the API is, whatever the API does; it needs nothing else."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from webintel import __version__
from webintel.settings import SettingsError, load_settings
from webintel.web.app import create_app

ALIVE = {"status": "ok", "service": "webintel", "version": "9.8.7"}
READY: tuple[int, object] = (200, {"status": "ok"})


class StandIn:
    """In place of the API: answers its two probes as a test wants; `None` is an API that never answers."""

    def __init__(self, ready: tuple[int, object] | None, alive: object = ALIVE) -> None:
        self._answers = None if ready is None else {"/health/ready": ready, "/health": (200, alive)}
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            if self._answers is None:
                await asyncio.sleep(3600)
                return
            self.asked += 1
            status, content = self._answers[line.decode().split()[1]]
            body = json.dumps(content).encode() if not isinstance(content, bytes) else content
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def visitor(api: StandIn | None = None, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who looks at the pages of a web UI of this API; without one, nobody listens there."""
    server = await asyncio.start_server((api or StandIn(None)).serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if api is None:
        server.close()
    app = create_app(load_settings(**{"api_url": address, **settings}))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
        yield client
    server.close()


@pytest.mark.parametrize(
    ("api", "sentence"),
    [
        (StandIn(READY), "The API is ready."),
        (StandIn((503, {"status": "unavailable", "reason": "database is read-only"})),
         "The API answers, but takes no requests: database is read-only."),
        (StandIn((503, {"status": "unavailable", "reason": "<script>alert(1)</script>"})),
         "takes no requests: &lt;script&gt;alert(1)&lt;/script&gt;."),
        (StandIn((200, b"<html>hello</html>")), "it is not the API."),
        (StandIn(READY, {"status": "fine"}), "it is not the API."),
        (StandIn((200, b"\xff\xfe")), "it is not the API."),
        (None, "The API is not reachable at the moment."),
        (StandIn(None), "The API is not reachable at the moment."),
    ],
)  # fmt: skip
async def test_the_page_says_how_the_api_is_and_the_ui_stays_ready(api: StandIn | None, sentence: str) -> None:
    async with visitor(api) as client:
        async with asyncio.timeout(10):
            page = await client.get("/")
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert sentence in page.text
        assert "<script" not in page.text
        assert f"Web Intelligence Platform {__version__}" in page.text
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok"})


async def test_the_version_of_the_api_is_shown_and_its_documents_are_linked() -> None:
    async with visitor(StandIn(READY), api_public_url="https://api.webintel.example/") as client:
        page = (await client.get("/")).text
    assert "It runs version 9.8.7." in page
    assert 'href="https://api.webintel.example/docs"' in page
    assert 'href="https://api.webintel.example/schema/openapi.json"' in page
    async with visitor(None, api_url="http://127.0.0.1:1") as client:
        assert 'href="http://127.0.0.1:1/docs"' in (await client.get("/")).text


async def test_many_visitors_at_once_cost_the_api_one_question() -> None:
    api = StandIn(READY)
    async with visitor(api) as client:
        pages = await asyncio.gather(*(client.get("/") for _ in range(20)))
    assert all("The API is ready." in page.text for page in pages)
    assert api.asked == 2


async def test_probes_and_metrics() -> None:
    async with visitor() as client:
        for path in ("/health", "/health/live"):
            assert (await client.get(path)).json() == {"status": "ok", "service": "webintel", "version": __version__}
        assert (await client.get("/health/startup")).status_code == 200
        await client.get("/")
        await client.get("/no/such/page")
        metrics = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",path="/",status="200"} 1.0' in metrics
    assert 'http_requests_total{method="GET",path="unmatched",status="404"} 1.0' in metrics
    assert 'http_request_duration_seconds_bucket{le="0.005",method="GET",path="/health/live"}' in metrics
    assert "process_resident_memory_bytes" in metrics


async def test_every_answer_is_closed_to_what_does_not_belong_to_it() -> None:
    async with visitor(environment="production") as client:
        for path in ("/", "/no/such/page", "/health/ready", "/static/web.css"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["strict-transport-security"].startswith("max-age=")
            assert headers["x-request-id"]


async def test_errors_are_pages() -> None:
    async with visitor() as client:
        for path in ("/no/such/page", "/static/nothing.css", "/static/..%2fapp.py", "/%3Cscript%3E"):
            missing = await client.get(path)
            assert missing.status_code == 404
            assert "There is no such page." in missing.text
        refused = await client.post("/", content="x")
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]


async def test_a_fault_of_ours_tells_nothing_but_the_request_id(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("webintel.web.api_state.ApiWatch.look", broken)
    async with visitor() as client:
        page = await client.get("/")
    assert page.status_code == 500
    assert "hunter2" not in page.text
    assert page.headers["x-request-id"] in page.text


async def test_what_the_page_loads_is_there_and_may_be_kept() -> None:
    async with visitor() as client:
        page = (await client.get("/")).text
        links = [part.split('"')[0] for part in page.split('href="')[1:] if part.startswith("/static/")]
        assert len(links) == 2
        for link in links:
            file = await client.get(link)
            assert file.status_code == 200
            assert "immutable" in file.headers["cache-control"]


@pytest.mark.parametrize("address", ["api:8000", "javascript:alert(1)", "ftp://api", "http://", "https://a:b@api"])
def test_an_address_that_is_none_is_refused_by_the_name_of_its_variable(address: str) -> None:
    with pytest.raises(SettingsError, match=r"^WEBINTEL_API_PUBLIC_URL: is no address such as"):
        load_settings(api_public_url=address)


def test_it_knows_the_api_by_http_only() -> None:
    code = (
        "import sys; import webintel.commands.web;"
        "areas = {'accounts', 'api', 'blueprints', 'db', 'drill', 'engine', 'jobs', 'sites', 'worker'};"
        "print(sorted(m for m in sys.modules if m.startswith('webintel.') and m.split('.')[1] in areas)"
        " + sorted({'asyncpg', 'alembic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


@asynccontextmanager
async def process(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The command, with neither a database nor a secret key."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "webintel", "web", "--port", str(port), *options),
        env={**os.environ, "WEBINTEL_ENVIRONMENT": "production"}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield started, f"http://127.0.0.1:{port}"
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def test_sigterm_is_announced_then_obeyed() -> None:
    never = await asyncio.start_server(StandIn(None).serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{never.sockets[0].getsockname()[1]}"
    async with (
        process("--drain-seconds", "1", "--api-url", address) as (running, base),
        httpx.AsyncClient(base_url=base, timeout=20) as client,
    ):
        deadline = time.monotonic() + 30
        while True:
            try:
                assert (await client.get("/health/ready")).status_code == 200
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        # A page that is still at work when the end comes: the API keeps it waiting.
        in_flight = asyncio.create_task(client.get("/"))
        await asyncio.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            while (response := await client.get("/health/ready")).status_code == 200:
                await asyncio.sleep(0.02)
        assert response.json() == {"status": "unavailable", "reason": "draining"}
        async with httpx.AsyncClient(base_url=base) as newcomer:
            assert (await newcomer.get("/health/live")).status_code == 200
        assert (await in_flight).status_code == 200
        assert await asyncio.wait_for(running.wait(), 20) == 0
        assert running.stderr is not None
        assert b"Traceback" not in await running.stderr.read()
    never.close()


async def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with process("--port", str(taken.getsockname()[1])) as (running, _):
            assert running.stderr is not None
            output = (await running.stderr.read()).decode()
            assert await running.wait() == 1
    assert len(output.strip().splitlines()) == 1
    assert "Choose another with --port" in output
