"""A trace goes from the caller over the API's statements to the job, its steps and the pages that it fetches."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.service.api_fixtures import People, bearer
from tests.service.tracing.conftest import PATIENCE, Collector, Received, job_ended, running
from webintel.db import Database
from webintel.demo.server import RunningSite
from webintel.demo.shop import DOMAIN, LOOPBACK, demo_shop
from webintel.settings import SettingsError
from webintel.tracing.starting import traced

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CALLERS_SPAN = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{CALLERS_SPAN}-01"


async def test_a_trace_goes_from_the_caller_to_the_pages(
    database: Database, database_url: str, people: People, collector: Collector, tmp_path: Path
) -> None:
    with RunningSite(demo_shop) as shop:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20collectors-secret",
            "OTEL_RESOURCE_ATTRIBUTES": "k8s.namespace.name=web-intelligence",
            "WEBINTEL_FETCH_CONNECT_TO": shop.connect_to(DOMAIN),
            "WEBINTEL_FETCH_ALLOW_PRIVATE": LOOPBACK,
        }
        async with (
            running("api", database_url, tmp_path / "api", **variables) as api,
            running("worker", database_url, tmp_path / "worker", **variables) as worker,
            httpx.AsyncClient(base_url=api.url, headers=bearer(people["admin"]), timeout=PATIENCE) as client,
        ):
            made = await client.post(
                "/api/v1/sites?token=of-the-query",
                json={"domain": DOMAIN, "notes": "ask someone@shop.example"},
                headers={"traceparent": TRACEPARENT, "X-Request-ID": "request-1"},
            )
            job = await job_ended(client, made.json()["job_id"])
            assert job["status"] == "success", job
            await client.get("/api/v1/nowhere", headers={"traceparent": "00-not-a-trace"})
            openmetrics = (await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})).text
            assert await api.end() == 0
            assert await worker.end() == 0

    ours = [received for received in collector.spans() if received.span.trace_id.hex() == TRACE_ID]
    (request,) = named(ours, "POST /api/v1/sites", "webintel-api")
    assert request.span.parent_span_id.hex() == CALLERS_SPAN
    assert request.span.kind == Span.SPAN_KIND_SERVER
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/sites",
        "http.response.status_code": 201,
        "webintel.request_id": "request-1",
    }
    inserts = [r for r in named(ours, "INSERT", "webintel-api") if "INTO sites" in r.attributes["db.query.text"]]
    assert [r.span.parent_span_id for r in inserts] == [request.span.span_id]
    assert inserts[0].attributes["db.system.name"] == "postgresql"
    # What asyncpg is asked directly is there as well, around what SQLAlchemy sends.
    assert named(ours, "BEGIN", "webintel-api")

    (fingerprint,) = named(ours, "job fingerprint", "webintel-worker")
    assert fingerprint.span.kind == Span.SPAN_KIND_CONSUMER
    assert fingerprint.span.parent_span_id == request.span.span_id
    assert fingerprint.attributes["webintel.job_id"] == job["id"]
    assert fingerprint.attributes["webintel.attempt"] == 1
    parts = [r for r in ours if r.span.parent_span_id == fingerprint.span.span_id]
    assert {"connecting", "fingerprinting", "done"} <= {r.span.name for r in parts}
    pages = [r.attributes for r in parts if r.span.name == "GET"]
    assert {
        "http.request.method": "GET",
        "server.address": DOMAIN,
        "url.path": "/",
        "http.response.status_code": 200,
    } in pages
    for part in parts:
        assert fingerprint.span.start_time_unix_nano <= part.span.start_time_unix_nano + 50_000_000
        assert part.span.end_time_unix_nano <= fingerprint.span.end_time_unix_nano + 50_000_000

    (unknown,) = collector.spans("GET unmatched", "webintel-api")
    assert unknown.span.trace_id.hex() != TRACE_ID
    assert not unknown.span.parent_span_id
    # A worker that looks for jobs, and probes, are no traces.
    roots = {r.span.name for r in collector.spans(service="webintel-worker") if not r.span.parent_span_id}
    assert roots == set()

    assert all(headers["authorization"] == "Bearer collectors-secret" for headers in collector.headers)
    for secret in (b"of-the-query", b"someone@", people["admin"].email.encode()):
        assert secret not in collector.bytes
    for process in (api, worker):
        assert "collectors-secret" not in process.log.read_text()

    # From a slow request's bucket, or from a line of the log, to its trace.
    assert f'# {{trace_id="{TRACE_ID}"}}' in openmetrics
    assert {line["trace_id"] for line in api.events("request") if line.get("request_id") == "request-1"} == {TRACE_ID}
    started = [line for line in worker.events("job started") if line["job_id"] == job["id"]]
    assert [(line["trace_id"], line["request_id"]) for line in started] == [(TRACE_ID, "request-1")]


def named(received: list[Received], name: str, service: str) -> list[Received]:
    return [r for r in received if (r.span.name, r.service) == (name, service)]


@pytest.mark.parametrize("broken", ["refuses", "hangs"])
async def test_a_collector_that_cannot_be_reached_costs_nothing_but_a_line(
    database: Database, database_url: str, tmp_path: Path, broken: str
) -> None:
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = silent.getsockname()[1]
        if broken == "refuses":
            silent.close()
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            "OTEL_BSP_MAX_QUEUE_SIZE": "64",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16",
            "WEBINTEL_RATE_LIMIT_PER_MINUTE": "1000000",
        }
        async with (
            running("api", database_url, tmp_path / "api", **variables) as api,
            httpx.AsyncClient(base_url=api.url, timeout=PATIENCE) as client,
        ):
            async with asyncio.timeout(PATIENCE):
                while not api.events("traces do not arrive at their collector"):
                    assert (await client.get("/")).status_code == 200
            for _ in range(200):
                assert (await client.get("/")).status_code == 200
            assert await api.end() == 0
        assert len(api.events("traces do not arrive at their collector")) == 1
        talkers = {line["event"] for line in api.lines if line["level"] in {"warning", "error"}}
        assert talkers == {"traces do not arrive at their collector"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "no address"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://key@collector", "no address"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:port", "no address"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as refusal, traced("api"):
        pytest.fail("it started")
    assert str(refusal.value).startswith(name)
    assert "key@" not in str(refusal.value)


def test_a_refusal_is_one_line(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "webintel", "worker", "--port", "0"],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318", "WEBINTEL_DATABASE_URL": database_url},
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == ("webintel: OTEL_EXPORTER_OTLP_ENDPOINT is no address such as http://collector:4318.\n")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_without_a_collector_opentelemetry_is_not_even_imported(variables: dict[str, str]) -> None:
    program = (
        "import sys\n"
        "from webintel.api.app import create_app as api\n"
        "from webintel.web.app import create_app as web\n"
        "from webintel.worker.app import Worker\n"
        "from webintel.worker.tasks import all_tasks\n"
        "from webintel.settings import load_settings\n"
        "from webintel.tracing.starting import traced\n"
        "settings = load_settings(database_url='postgresql://a@b/c', secret_key='0123456789abcdef0123456789abcdef')\n"
        "with traced('api'):\n"
        "    api(settings), web(settings), Worker(settings, all_tasks)\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google.protobuf'))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.stdout == "[]\n", done.stderr


def failed(received: Received) -> tuple[int, Any]:
    return received.span.status.code, received.attributes.get("error.type")


async def test_what_fails_says_so(
    database: Database, database_url: str, people: People, collector: Collector, tmp_path: Path
) -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "WEBINTEL_FETCH_CONNECT_TO": "shop.example:80:127.0.0.1:1",
    }
    async with (
        running("api", database_url, tmp_path / "api", **variables) as api,
        running(
            "worker", database_url, tmp_path / "worker", WEBINTEL_JOB_MAX_ATTEMPTS="1",
            WEBINTEL_FETCH_ALLOW_PRIVATE=LOOPBACK, **variables,
        ) as worker,
        httpx.AsyncClient(base_url=api.url, headers=bearer(people["admin"]), timeout=PATIENCE) as client,
    ):  # fmt: skip
        made = (await client.post("/api/v1/sites", json={"domain": "shop.example"})).json()
        assert (await job_ended(client, made["job_id"]))["status"] in {"failed", "dead"}
        assert (await client.post("/api/v1/sites", json={"domain": "shop.example"})).status_code == 409
        assert await api.end() == 0
        assert await worker.end() == 0
    attempts = {failed(received) for received in collector.spans("GET", "webintel-worker")}
    assert (Status.STATUS_CODE_ERROR, "ConnectError") in attempts
    assert {code for code, _ in attempts} == {Status.STATUS_CODE_ERROR}
    insert = [r for r in collector.spans("INSERT", "webintel-api") if failed(r)[0] == Status.STATUS_CODE_ERROR]
    assert [failed(r)[1] for r in insert] == ["UniqueViolationError"]
    # A conflict is the caller's fault, not the service's.
    assert {failed(r) for r in collector.spans("POST /api/v1/sites")} == {(Status.STATUS_CODE_UNSET, None)}
