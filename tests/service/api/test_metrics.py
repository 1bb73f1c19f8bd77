"""Metrics are right while something fails, and bounded whatever strangers send."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from litestar import get
from litestar.response import Stream
from sqlalchemy import text

from tests.service.api.test_jobs import start
from tests.service.api_fixtures import People, bearer
from tests.service.conftest import MakeSite
from webintel.accounts.roles import Permission
from webintel.api.access import allow
from webintel.api.app import MAX_BODY_BYTES, create_app
from webintel.db import Database
from webintel.serving.server import listen
from webintel.settings import Settings, load_settings

PATIENCE = 60.0


@get("/broken-off", opt=allow(Permission.PUBLIC), sync_to_thread=False)
def broken_off() -> Stream:
    async def parts() -> AsyncIterator[str]:
        yield "a beginning"
        raise RuntimeError("and no end")

    return Stream(parts())


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@asynccontextmanager
async def served(settings: Settings, **changes: object) -> AsyncIterator[str]:
    app = create_app(load_settings(**{**settings.model_dump(exclude_unset=True), **changes}))
    app.register(broken_off)
    with listen("127.0.0.1", 0) as listener:
        server = _Server(uvicorn.Config(app, lifespan="on", log_config=None, timeout_graceful_shutdown=2))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            app.state.announce_end()
            server.should_exit = True
            await task


async def metrics_of(client: httpx.AsyncClient) -> str:
    return (await client.get("/metrics")).text


async def counted(client: httpx.AsyncClient, line: str) -> None:
    """Wait until the metrics have a line."""
    async with asyncio.timeout(PATIENCE):
        while line not in (await metrics_of(client)).splitlines():
            await asyncio.sleep(0.05)


async def test_a_refusal_counts_as_what_it_is(settings: Settings, people: People, database: Database) -> None:
    async with (
        served(settings, rate_limit_per_minute=3) as base,
        httpx.AsyncClient(base_url=base, headers=bearer(people["admin"]), timeout=PATIENCE) as client,
        httpx.AsyncClient(base_url=base, timeout=PATIENCE) as stranger,
    ):
        large = {"domain": "shop.example", "notes": "x" * (MAX_BODY_BYTES + 1)}
        assert (await client.post("/api/v1/sites", json=large)).status_code == 413
        for _ in range(3):
            last = await client.get("/api/v1/sites")
        assert last.status_code == 429
        await stranger.get("/api/v1/sites/0198c0de-0000-7000-8000-000000000000")
        await stranger.put("/api/v1/sites")
        await stranger.get("/etc/passwd?token=secret")
        for method in ("PROPFIND", "MKCOL", "LOCK"):
            await stranger.request(method, f"/{method}")
        metrics = await metrics_of(stranger)
    for line in (
        'http_requests_total{method="POST",path="/api/v1/sites",status="413"} 1.0',
        'http_requests_total{method="GET",path="/api/v1/sites",status="200"} 2.0',
        'http_requests_total{method="GET",path="/api/v1/sites",status="429"} 1.0',
        'http_requests_total{method="GET",path="/api/v1/sites/{site_id}",status="401"} 1.0',
        'http_requests_total{method="PUT",path="unmatched",status="405"} 1.0',
        'http_requests_total{method="GET",path="unmatched",status="404"} 1.0',
        # The first failure of a path shows in a rate, because there was a zero before it.
        'http_requests_errors_total{method="GET",path="/api/v1/sites",status="500"} 0.0',
    ):
        assert line in metrics, line
    assert sum(map(float, re.findall(r'http_requests_total\{method="other".*\} (\S+)', metrics))) == 3
    for word in ("MKCOL", "passwd", "secret", "0198c0de", "_created"):
        assert word not in metrics


async def test_a_response_that_breaks_off_is_a_failure_of_ours(settings: Settings, database: Database) -> None:
    async with served(settings) as base, httpx.AsyncClient(base_url=base, timeout=PATIENCE) as client:
        with contextlib.suppress(httpx.RemoteProtocolError):
            await client.get("/broken-off")
        await counted(client, 'http_requests_errors_total{method="GET",path="/broken-off",status="200"} 1.0')
        await counted(client, 'http_requests_total{method="GET",path="/broken-off",status="200"} 1.0')


async def test_a_client_that_goes_away_is_counted_once_and_is_no_failure(
    settings: Settings, people: People, make_site: MakeSite, database: Database, admin: httpx.AsyncClient
) -> None:
    job = (await start(admin, (await make_site()).id)).json()
    events = f"/api/v1/jobs/{job['id']}/events"
    async with (
        served(settings) as base,
        httpx.AsyncClient(base_url=base, headers=bearer(people["viewer"]), timeout=PATIENCE) as client,
        httpx.AsyncClient(base_url=base, timeout=PATIENCE) as observer,
    ):
        async with client.stream("GET", events) as response:
            await anext(response.aiter_lines())
        assert (await client.get("/api/v1/sites")).status_code == 200
        async with database.engine.begin() as connection:
            # A list that does not end before its reader has lost patience.
            await connection.execute(text("LOCK TABLE sites IN ACCESS EXCLUSIVE MODE"))
            try:
                await client.get("/api/v1/sites", timeout=0.5)
            except httpx.ReadTimeout:
                pass
            else:
                raise AssertionError("it was not slow")
        await counted(observer, 'http_requests_total{method="GET",path="/api/v1/sites",status="200"} 2.0')
        await counted(
            observer, 'http_requests_total{method="GET",path="/api/v1/jobs/{job_id}/events",status="200"} 1.0'
        )
        await counted(observer, 'database_connections{state="in_use"} 0.0')
        failures = re.findall(r"^http_requests_errors_total\{.*\} (\S+)", await metrics_of(observer), re.MULTILINE)
    assert failures
    assert set(failures) == {"0.0"}


async def test_openmetrics_is_for_who_asks_for_it(anonymous: httpx.AsyncClient) -> None:
    asking = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    response = await anonymous.get("/metrics", headers=asking)
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.text.endswith("# EOF\n")
    plain = await anonymous.get("/metrics", headers={"Accept": "*/*"})
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert "# EOF" not in plain.text
