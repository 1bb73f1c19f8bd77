"""The web UI by itself: probes, metrics, headers and files, whatever the API does; it needs nothing else."""

import asyncio
import json
import os
import re
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

READY = (200, {"status": "ok"})
ALIVE = (200, {"status": "ok", "service": "webintel", "version": "9.8.7"})
ME = {"id": "0198c0de-0000-7000-8000-000000000001", "email": "ada@shop.example", "name": "Ada", "role": "viewer",
      "permissions": ["read"]}  # fmt: skip
TOKENS = {"access_token": "new", "expires_in": 900, "refresh_token": "next", "refresh_expires_in": 3600}
NO_SITES: dict[str, object] = {"items": [], "next_cursor": None, "total": 0}
HERE = {"Origin": "http://app.test"}
SIGNED_IN = {"access": "token", "refresh": "old"}


class StandIn:
    """In place of the API: answers by path as a test wants; with no answers at all it never does."""

    def __init__(self, answers: dict[str, tuple[int, object]] | None) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in head.splitlines())}
            await reader.readexactly(int(headers.get("content-length", 0)))
            if self.answers is None:
                await asyncio.sleep(3600)
                return
            path = line.decode().split()[1].split("?")[0]
            self.asked.append((path, headers))
            status, content = self.answers[path]
            body = json.dumps(content).encode() if not isinstance(content, bytes) else content
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()


def working(**others: tuple[int, object]) -> StandIn:
    """An API that knows Ada and has no sites."""
    return StandIn({
        "/health/ready": READY, "/health": ALIVE, "/api/v1/me": (200, ME), "/api/v1/sites": (200, NO_SITES),
        "/api/v1/jobs": (200, NO_SITES), "/api/v1/auth/refresh": (200, TOKENS), "/api/v1/auth/login": (200, TOKENS),
        **{f"/api/v1/{name}": answer for name, answer in others.items()},
    })  # fmt: skip


def unready(reason: str) -> StandIn:
    """An API that takes no requests."""
    return StandIn({"/health/ready": (503, {"status": "unavailable", "reason": reason}), "/health": ALIVE})


@asynccontextmanager
async def visitor(
    api: StandIn | None = None, address: str = "192.0.2.7", cookies: dict[str, str] | None = None, **settings: object
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who looks at the pages of a web UI of this API; without one, nobody listens there."""
    server = await asyncio.start_server((api or StandIn(None)).serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if api is None:
        server.close()
    app = create_app(load_settings(**{"api_url": url, **settings}))
    transport = httpx.ASGITransport(app, client=(address, 40000))  # type: ignore[arg-type]
    jar = httpx.Cookies()
    for name, value in (cookies or {}).items():
        jar.set(name, value, domain="app.test")
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://app.test", cookies=jar) as client,
    ):
        yield client
    server.close()


@pytest.mark.parametrize(
    ("api", "sentence"),
    [
        (unready("database is read-only"),
         "It answers, but takes no requests: database is read-only."),
        (unready("<script>alert(1)</script>"),
         "takes no requests: &lt;script&gt;alert(1)&lt;/script&gt;."),
        (StandIn({"/health/ready": (200, b"<html>hello</html>"), "/health": ALIVE}), "it is not the API."),
        (StandIn({"/health/ready": READY, "/health": (200, b"\xff\xfe")}), "it is not the API."),
        (None, "It is not reachable yet."),
        (StandIn(None), "It is not reachable yet."),
    ],
)  # fmt: skip
async def test_a_page_without_the_api_says_so_looks_again_and_the_ui_stays_ready(
    api: StandIn | None, sentence: str
) -> None:
    async with visitor(StandIn(None) if api and api.answers is None else None, cookies=SIGNED_IN) as client:
        async with asyncio.timeout(20):
            page = await client.get("/sites")
        assert page.status_code == 503
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1>The API does not answer</h1>" in page.text
        assert 'hx-get="/api-state?reload=true" hx-trigger="every 2s"' in page.text
        assert f"Web Intelligence Platform {__version__}" in page.text
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok"})
    async with visitor(api) as client:
        assert sentence in (await client.get("/api-state")).text


async def test_a_page_goes_on_when_the_api_is_back() -> None:
    async with visitor(working()) as client:
        page = await client.get("/api-state?reload=true")
        assert (page.text, page.headers["hx-refresh"]) == ("", "true")
        part = await client.get("/api-state")
        assert (part.text, part.headers["hx-retarget"]) == ("", "#notice")


async def test_many_visitors_at_once_cost_the_api_one_question() -> None:
    api = working()
    async with visitor(api) as client:
        await asyncio.gather(*(client.get("/api-state") for _ in range(20)))
    assert len(api.asked) == 2


async def test_the_documents_of_the_api_are_linked() -> None:
    async with visitor(working(), api_public_url="https://api.webintel.example/") as client:
        assert 'href="https://api.webintel.example/docs"' in (await client.get("/login")).text
    async with visitor(None, api_url="http://127.0.0.1:1") as client:
        assert 'href="http://127.0.0.1:1/docs"' in (await client.get("/login")).text


async def test_probes_and_metrics() -> None:
    async with visitor() as client:
        for path in ("/health", "/health/live"):
            assert (await client.get(path)).json() == {"status": "ok", "service": "webintel", "version": __version__}
        assert (await client.get("/health/startup")).status_code == 200
        await client.get("/login")
        await client.get("/no/such/page")
        metrics = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",path="/login",status="200"} 1.0' in metrics
    assert 'http_requests_total{method="GET",path="unmatched",status="404"} 1.0' in metrics
    assert 'http_request_duration_seconds_bucket{le="0.005",method="GET",path="/health/live"}' in metrics
    assert "process_resident_memory_bytes" in metrics


async def test_every_answer_is_closed_to_what_does_not_belong_to_it() -> None:
    async with visitor(environment="production") as client:
        for path in ("/login", "/no/such/page", "/health/ready", "/static/web.css"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] in {"no-referrer", "same-origin"}
            assert headers["strict-transport-security"].startswith("max-age=")
            assert headers["x-request-id"]
        assert "geolocation=()" in (await client.get("/login")).headers["permissions-policy"]


async def test_nothing_is_written_into_pages_that_the_policy_forbids() -> None:
    async with visitor(working(), cookies=SIGNED_IN) as client:
        for path in ("/login", "/sites", "/sites/new", "/no/such/page"):
            page = (await client.get(path)).text
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|hx-on", page)
            assert all("src=" in tag for tag in re.findall(r"<script(?! type=\"application/json\")[^>]*>", page))


async def test_errors_are_pages() -> None:
    async with visitor() as client:
        for path in ("/no/such/page", "/static/nothing.css", "/static/..%2fapp.py", "/%3Cscript%3E"):
            missing = await client.get(path)
            assert missing.status_code == 404
            assert "There is no such page." in missing.text
        refused = await client.post("/", content="x", headers=HERE)
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]


async def test_a_fault_of_ours_tells_nothing_but_the_request_id(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("webintel.web.api_state.ApiWatch.look", broken)
    async with visitor() as client:
        page = await client.get("/api-state")
    assert page.status_code == 500
    assert "hunter2" not in page.text
    assert page.headers["x-request-id"] in page.text


async def test_what_a_page_loads_is_there_compressed_and_may_be_kept() -> None:
    async with visitor() as client:
        page = (await client.get("/login")).text
        links = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert len(set(links)) == 5
        for link in links:
            for accepted, encoding in (("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)):
                file = await client.get(link, headers={"Accept-Encoding": accepted})
                assert file.status_code == 200
                assert file.headers.get("content-encoding") == encoding
                assert file.headers["vary"] == "Accept-Encoding"
                assert "immutable" in file.headers["cache-control"]
                assert file.content


async def test_pages_are_compressed_for_browsers_that_can_read_it() -> None:
    async with visitor() as client:
        plain = await client.get("/login", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        for accepted, encoding in (("gzip, deflate, br", "br"), ("gzip;q=1.0", "gzip")):
            page = await client.get("/login", headers={"Accept-Encoding": accepted})
            assert page.text == plain.text
            assert page.headers["content-encoding"] == encoding
            assert int(page.headers["content-length"]) < len(plain.content) / 2
            assert page.headers["vary"] == "Accept-Encoding"
            assert "content-security-policy" in page.headers
        alive = await client.get("/health/live", headers={"Accept-Encoding": "br"})
        assert "content-encoding" not in alive.headers


async def test_a_file_that_another_version_of_the_ui_means_is_not_kept() -> None:
    async with visitor() as client:
        for query in ("", "?v=", "?v=0123456789ab"):
            assert (await client.get(f"/static/web.css{query}")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("address", ["api:8000", "javascript:alert(1)", "ftp://api", "http://", "https://a:b@api"])
def test_an_address_that_is_none_is_refused_by_the_name_of_its_variable(address: str) -> None:
    with pytest.raises(SettingsError, match=r"^WEBINTEL_API_PUBLIC_URL: is no address such as"):
        load_settings(api_public_url=address)


def test_it_knows_the_api_by_http_only() -> None:
    code = (
        "import sys; import webintel.commands.web;"
        "areas = {'accounts', 'api', 'blueprints', 'db', 'drill', 'engine', 'jobs', 'sites', 'worker'};"
        "print(sorted(m for m in sys.modules if m.startswith('webintel.') and m.split('.')[1] in areas)"
        " + sorted({'asyncpg', 'alembic', 'sqlalchemy', 'advanced_alchemy'} & set(sys.modules)))"
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
        httpx.AsyncClient(base_url=base, timeout=120) as client,
    ):
        deadline = time.monotonic() + 300
        while True:
            try:
                assert (await client.get("/health/ready")).status_code == 200
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        # A page that is still at work when the end comes: the API keeps it waiting.
        in_flight = asyncio.create_task(client.get("/sites", headers={"Cookie": "__Host-access=x"}))
        await asyncio.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            while (response := await client.get("/health/ready")).status_code == 200:
                await asyncio.sleep(0.02)
        assert response.json() == {"status": "unavailable", "reason": "draining"}
        async with httpx.AsyncClient(base_url=base) as newcomer:
            assert (await newcomer.get("/health/live")).status_code == 200
        assert (await in_flight).status_code == 503
        assert await asyncio.wait_for(running.wait(), 120) == 0
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
