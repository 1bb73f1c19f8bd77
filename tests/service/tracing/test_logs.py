"""A line for each request and each step of a job, with everything to find them by and nothing to be sorry for."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from tests.service.api_fixtures import People, bearer
from tests.service.conftest import SECRET_KEY
from tests.service.load.conftest import key_of
from tests.service.tracing.conftest import PATIENCE, job_ended, running
from webintel.accounts.models import User
from webintel.accounts.roles import Role
from webintel.api.app import create_app
from webintel.db import Database
from webintel.demo.server import Reply, Request, RunningSite
from webintel.demo.shop import LOOPBACK
from webintel.logs import configure_logging
from webintel.settings import load_settings

FORGED = '{"event": "forged"}'
SECRETS = ("hunter2", "someone@shop.example", "token-of-a-stranger", "tracking-token", "curious@shop.example")


def hostile(request: Request) -> Reply:
    """Lead to a login page over an address full of what is nobody's business."""
    if request.path == "/robots.txt":
        return Reply(status=404)
    return Reply(
        status=302, headers={"Location": "/login?token=tracking-token&email=someone@shop.example&x=%0A" + "{}"}
    )


async def ask_badly(url: str, admin: dict[str, str], key: str) -> None:
    """Send what ends up in careless logs."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        for _ in range(2):
            await client.post("/api/v1/auth/login", json={"email": "someone@shop.example", "password": "hunter2"})
            await client.post(
                "/api/v1/users",
                json={"email": "curious@shop.example", "password": "hunter2hunter2", "role": "viewer"},
                headers=admin,
            )
        await client.get("/api/v1/sites?api_key=hunter2&search=someone@shop.example", headers={"X-API-Key": key})
        await client.get("/api/v1/sites", headers={"Authorization": "Bearer token-of-a-stranger"})
        await client.post("/api/v1/sites", json={"domain": "shop.example"}, headers={"X-API-Key": key})
        await client.get(f"/api/v1/sites/%0A{FORGED}", headers=admin)
        await client.get("/someone@shop.example/%1b[31m")
        await client.post("/api/v1/sites", json={"domain": f"shop.example\n{FORGED}"}, headers=admin)
        await client.get("/health", headers={"X-Request-ID": FORGED, "User-Agent": "\x1b[31mhunter2"})
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /\n" + FORGED.encode() + b" HTTP/1.1\r\nX-Request-ID: a\n" + FORGED.encode() + b"\r\n\r\n")
    await reader.read()
    writer.close()


async def test_a_real_run_leaves_lines_to_follow_and_nothing_to_be_sorry_for(
    database: Database, database_url: str, people: People, tmp_path: Path
) -> None:
    admin, key = bearer(people["admin"]), await key_of(database, people, "viewer")
    with RunningSite(hostile) as site:
        async with (
            running("api", database_url, tmp_path / "api") as api,
            running(
                "worker", database_url, tmp_path / "worker",
                WEBINTEL_FETCH_CONNECT_TO=site.connect_to("shop.example"),
                WEBINTEL_FETCH_ALLOW_PRIVATE=LOOPBACK,
            ) as worker,
            httpx.AsyncClient(base_url=api.url, headers=admin, timeout=PATIENCE) as client,
        ):  # fmt: skip
            made = await client.post("/api/v1/sites", json={"domain": "shop.example"}, headers={"X-Request-ID": "r-1"})
            site_id, job_id = made.json()["id"], made.json()["job_id"]
            await client.get(f"/api/v1/sites/{site_id}")
            job = await job_ended(client, job_id)
            assert (job["status"], job["error"]["code"]) == ("failed", "login_required")
            await ask_badly(api.url, admin, key)
            assert await api.end() == 0
            assert await worker.end() == 0

    requests = {(line["method"], line["path"], line["status"]): line for line in api.events("request")}
    created = requests["POST", "/api/v1/sites", 201]
    assert (created["request_id"], created["made"]) == ("r-1", f"/api/v1/sites/{site_id}")
    assert created["caller"] == str(people["admin"].id)
    assert requests["GET", "/api/v1/sites/{site_id}", 200]["site_id"] == site_id
    assert requests["GET", "/api/v1/jobs/{job_id}", 200]["job_id"] == job_id
    assert requests["GET", "/api/v1/sites", 200]["caller_key"]
    assert requests["GET", "/api/v1/sites", 401]["caller"] is None
    assert requests["POST", "/api/v1/sites", 403]["caller"] == str(people["viewer"].id)
    assert ("POST", "/api/v1/users", 409) in requests

    steps = [line for line in worker.lines if line.get("job_id") == job_id]
    assert [line["event"] for line in steps] == ["job started", "job step", "job failed"]
    for line in steps:
        assert (line["request_id"], line["site_id"], line["caller"]) == ("r-1", site_id, str(people["admin"].id))
        assert (line["job_type"], line["attempt"]) == ("fingerprint", 1)
    assert (steps[1]["step"], steps[2]["error"]) == ("connecting", "login_required")

    for process in (api, worker):
        written = process.log.read_text()
        for secret in (*SECRETS, key, admin["Authorization"].split()[1], "\x1b"):
            assert secret not in written, secret
        assert not process.events("forged")
        assert FORGED not in written


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged, as JSON."""
    monkeypatch.setattr("webintel.logs._lines", None)
    before = logging.getLogger().handlers, structlog.get_config()
    output = io.StringIO()
    configure_logging(load_settings(log_format="json"), role="test", stream=output)
    yield output
    logging.getLogger().handlers = before[0]
    structlog.configure(**before[1])


async def test_an_error_of_the_database_does_not_tell_who_it_is_about(database: Database, written: io.StringIO) -> None:
    log = structlog.get_logger("test")
    for _ in range(2):
        try:
            async with database.transaction() as session:
                session.add(User(email="someone@shop.example", role=Role.VIEWER, password_hash="none"))
        except Exception:
            log.exception("not written")
    told = written.getvalue()
    assert "UniqueViolation" in told
    assert "someone@" not in told
    assert "already exists" in told


async def test_a_probe_is_an_error_when_it_fails_not_while_the_service_is_not_ready(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(load_settings(database_url="postgresql://nobody@127.0.0.1:1/none", secret_key=SECRET_KEY))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/nowhere")).status_code == 404
        monkeypatch.setattr("webintel.api.metrics.exposition", lambda *_: 1 / 0)
        assert (await client.get("/metrics")).status_code == 500
    requests = [line for line in map(json.loads, written.getvalue().splitlines()) if line["event"] == "request"]
    assert [(line["path"], line["level"]) for line in requests] == [("unmatched", "info"), ("/metrics", "error")]
