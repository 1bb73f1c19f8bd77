"""What every response has in common, errors above all."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog
from litestar import get

from tests.service.api_fixtures import bearer, check_problem, connect_to, running
from tests.service.conftest import SECRET_KEY
from webintel.accounts.roles import Permission
from webintel.api.access import allow
from webintel.api.app import MAX_BODY_BYTES
from webintel.serving.observe import Application
from webintel.settings import Settings, load_settings


@get("/broken", opt=allow(Permission.PUBLIC), sync_to_thread=False)
def broken() -> str:
    raise RuntimeError("password=hunter2 in table users")


@asynccontextmanager
async def variant(settings: Settings, **changes: object) -> AsyncIterator[Application]:
    changed = {**settings.model_dump(exclude_unset=True), **changes}
    async with running(load_settings(**changed)) as app:
        yield app


async def test_the_root_says_where_to_go(anonymous: httpx.AsyncClient) -> None:
    index = (await anonymous.get("/")).json()
    for name in ("docs", "openapi", "health"):
        assert (await anonymous.get(index[name])).status_code == 200


async def test_every_error_is_a_problem_document(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    check_problem(await anonymous.get("/nowhere"), 404)
    check_problem(await anonymous.get("/api/v1/sites/no-uuid"), 404)
    check_problem(await anonymous.get("/api/v1/sites"), 401, "not-signed-in")
    not_allowed = await admin.put("/api/v1/sites")
    check_problem(not_allowed, 405)
    assert set(not_allowed.headers["allow"].split(", ")) == {"GET", "POST", "OPTIONS"}
    check_problem(
        await admin.post("/api/v1/sites", content=b"{", headers={"Content-Type": "application/json"}),
        400,
        "invalid-input",
    )
    check_problem(await admin.post("/api/v1/sites", content=b"domain=x"), 415, "unsupported-media-type")
    form = await admin.post("/api/v1/sites", data={"domain": "shop.example"})
    check_problem(form, 415, "unsupported-media-type")
    large = await admin.post("/api/v1/sites", json={"domain": "shop.example", "notes": "x" * (MAX_BODY_BYTES + 1)})
    check_problem(large, 413)
    check_problem(await admin.post("/api/v1/sites"), 400, "invalid-input")


async def test_a_fault_of_ours_tells_nothing_but_the_request_id(settings: Settings) -> None:
    async with variant(settings) as app, connect_to(app) as client:
        app.register(broken)
        response = await client.get("/broken", headers={"X-Request-ID": "trace-1"})
        problem = check_problem(response, 500)
        assert problem["request_id"] == "trace-1"
        assert "hunter2" not in response.text
        metrics = (await client.get("/metrics")).text
        assert 'http_requests_errors_total{method="GET",path="/broken",status="500"} 1.0' in metrics


@pytest.mark.parametrize(("sent", "kept"), [("abc-123", True), ("a b", False), ("x" * 200, False), ("a\x7f", False)])
async def test_request_ids_are_taken_over_when_they_are_harmless(
    anonymous: httpx.AsyncClient, sent: str, kept: bool
) -> None:
    for path in ("/health/live", "/nowhere"):
        given = (await anonymous.get(path, headers={"X-Request-ID": sent})).headers["x-request-id"]
        assert (given == sent) is kept
        assert given


async def test_every_response_is_hardened(admin: httpx.AsyncClient, settings: Settings) -> None:
    for path in ("/", "/nowhere", "/api/v1/sites", "/metrics", "/docs", "/health"):
        headers = (await admin.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "strict-transport-security" not in headers
        assert "server" not in headers
    async with variant(settings, environment="production") as app, connect_to(app) as client:
        for path in ("/", "/nowhere"):
            assert "max-age=" in (await client.get(path)).headers["strict-transport-security"]


async def test_pages_of_other_origins_stay_out_unless_they_are_named(
    anonymous: httpx.AsyncClient, settings: Settings
) -> None:
    origin = {"Origin": "https://app.example"}
    assert "access-control-allow-origin" not in (await anonymous.get("/", headers=origin)).headers
    async with variant(settings, cors_origins=("https://app.example",)) as app, connect_to(app) as client:
        assert (await client.get("/", headers=origin)).headers["access-control-allow-origin"] == "https://app.example"
        other = await client.get("/", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        preflight = await client.options("/api/v1/sites", headers={**origin, "Access-Control-Request-Method": "POST"})
        assert preflight.status_code == 204
        assert "POST" in preflight.headers["access-control-allow-methods"]


async def test_large_answers_are_compressed(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.get("/schema/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    plain = await anonymous.get("/schema/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == response.json()
    for accepted in ("gzip;q=0", "br, gzip ; q=0.0"):
        refused = await anonymous.get("/schema/openapi.json", headers={"Accept-Encoding": accepted})
        assert "content-encoding" not in refused.headers


async def test_one_line_for_each_request_and_no_secret_in_it(
    app: Application, people: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    headers = bearer(people["viewer"])  # type: ignore[arg-type]
    with structlog.testing.capture_logs() as logs:
        async with connect_to(app, headers=headers) as client:
            await client.get("/api/v1/sites?search=hidden", headers={"X-Request-ID": "trace-2"})
            await client.post("/api/v1/auth/login", json={"email": "a@b.example", "password": "hunter2"})
    lines = [line for line in logs if line["event"] == "request"]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/api/v1/sites", 200),
        ("POST", "/api/v1/auth/login", 401),
    ]
    assert lines[0]["request_id"] == "trace-2"
    assert lines[0]["caller"] == str(people["viewer"].id)  # type: ignore[attr-defined]
    written = json.dumps(logs, default=str)
    assert "hunter2" not in written
    assert headers["Authorization"].split()[1] not in written
    assert SECRET_KEY not in written
    assert logging.getLogger("webintel").handlers == []


async def test_metrics_count_every_response_under_its_route(settings: Settings, people: dict[str, object]) -> None:
    async with variant(settings) as app, connect_to(app, headers=bearer(people["admin"])) as client:  # type: ignore[arg-type]
        site = (await client.post("/api/v1/sites", json={"domain": "shop.example"})).json()
        await client.get(f"/api/v1/sites/{site['id']}")
        await client.get("/nowhere/at/all")
        await client.put("/api/v1/sites")
        await client.request("BREW", "/health")
        async with connect_to(app) as stranger:
            await stranger.get("/api/v1/sites")
        metrics = (await client.get("/metrics")).text
    for line in (
        'http_requests_total{method="POST",path="/api/v1/sites",status="201"} 1.0',
        'http_requests_total{method="GET",path="/api/v1/sites/{site_id}",status="200"} 1.0',
        'http_requests_total{method="GET",path="unmatched",status="404"} 1.0',
        'http_requests_total{method="PUT",path="unmatched",status="405"} 1.0',
        'http_requests_total{method="other",path="unmatched",status="405"} 1.0',
        'http_requests_total{method="GET",path="/api/v1/sites",status="401"} 1.0',
        'http_request_duration_seconds_count{method="GET",path="/api/v1/sites/{site_id}"} 1.0',
        'sites{status="pending"} 1.0',
        'sites{status="ready"} 0.0',
        'job_queue_depth{type="discovery"} 1.0',
        'cache_misses_total{cache="identities"} 1.0',
        'cache_hits_total{cache="identities"} 1.0',
        'database_connections{state="in_use"} 0.0',
    ):
        assert line in metrics, line
    assert site["id"] not in metrics
