"""Health, outages of the database, and the end of the process."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import httpx
import pytest
from sqlalchemy import make_url, text

from tests.service.api.test_responses import variant
from tests.service.api_fixtures import People, bearer, check_problem, connect_to
from tests.service.conftest import SECRET_KEY, MakeDatabase
from webintel.db import Database, create_database
from webintel.db.migrate import migrate
from webintel.settings import Settings, load_settings

NOBODY_LISTENS = "postgresql://wip:secret@127.0.0.1:1/web_intelligence"


async def test_probes_of_a_healthy_process(anonymous: httpx.AsyncClient) -> None:
    health = (await anonymous.get("/health")).json()
    assert health["status"] == "ok"
    assert health["version"]
    for probe in ("live", "ready", "startup"):
        response = await anonymous.get(f"/health/{probe}")
        assert (response.status_code, response.json()["status"]) == (200, "ok")


async def test_without_a_database_it_lives_but_is_not_ready(settings: Settings, people: People) -> None:
    async with variant(settings, database_url=NOBODY_LISTENS) as app, connect_to(app) as client:
        assert (await client.get("/health/live")).status_code == 200
        for probe in ("ready", "startup"):
            response = await client.get(f"/health/{probe}")
            assert response.status_code == 503
            assert response.json() == {"status": "unavailable", "reason": "database unreachable"}
        for call in (
            client.get("/api/v1/sites", headers=bearer(people["admin"])),
            client.post("/api/v1/auth/login", json={"email": "a@b.example", "password": "x"}),
        ):
            response = await call
            problem = check_problem(response, 503, "unavailable")
            assert response.headers["retry-after"] == "5"
            assert "secret" not in str(problem)
            assert "127.0.0.1" not in str(problem)
        assert (await client.get("/metrics")).status_code == 200


async def test_a_database_that_is_not_migrated_is_not_ready(settings: Settings, make_database: MakeDatabase) -> None:
    async with variant(settings, database_url=await make_database()) as app, connect_to(app) as client:
        response = await client.get("/health/ready")
        assert (response.status_code, response.json()["reason"]) == (503, "database not migrated")


async def test_a_process_that_stands_by_has_started_but_is_not_ready(
    settings: Settings, make_database: MakeDatabase
) -> None:
    url = await make_database()
    async with variant(settings, database_url=url) as app, connect_to(app) as client:
        assert (await client.get("/health/startup")).status_code == 503
    await migrate(load_settings(database_url=url))
    read_only = text(f'ALTER DATABASE "{make_url(url).database}" SET default_transaction_read_only = on')
    async with (
        create_database(load_settings(database_url=url), role="test") as database,
        database.reading() as connection,
    ):
        await connection.execute(read_only)
    async with variant(settings, database_url=url) as app, connect_to(app) as client:
        response = await client.get("/health/ready")
        assert (response.status_code, response.json()["reason"]) == (503, "database is read-only")
        assert (await client.get("/health/startup")).status_code == 200


async def test_a_database_that_never_answers_costs_two_seconds(settings: Settings, people: People) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://wip:x@127.0.0.1:{silent.getsockname()[1]}/db"
        async with variant(settings, database_url=url, database_connect_timeout=0.2) as app, connect_to(app) as client:
            check_problem(await client.get("/api/v1/sites", headers=bearer(people["admin"])), 503, "unavailable")


class Freezable:
    """A way to the database on which, once frozen, nothing arrives any more, and nobody hangs up."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._open = asyncio.Event()
        self._open.set()
        self._ways: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        url = self._target.set(host="127.0.0.1", port=port, query={})
        self.url = url.render_as_string(hide_password=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for way in self._ways:
            way.cancel()

    def freeze(self) -> None:
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        folder = self._target.query.get("host")
        if folder:
            there = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        else:
            there = await asyncio.open_connection(self._target.host, self._target.port or 5432)
        for source, sink in ((reader, there[1]), (there[0], writer)):
            self._ways.add(asyncio.create_task(self._carry(source, sink)))

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                await self._open.wait()
                sink.write(data)
        sink.close()


async def test_who_waits_for_a_database_that_freezes_is_told_soon(settings: Settings, people: People) -> None:
    assert settings.database_url
    async with (
        Freezable(settings.database_url.get_secret_value()) as way,
        # With a minute for a statement, only what notices the silence can end the wait.
        variant(settings, database_url=way.url, database_statement_timeout=60) as app,
        connect_to(app, headers=bearer(people["admin"])) as client,
    ):
        assert (await client.get("/api/v1/sites")).status_code == 200
        way.freeze()
        async with asyncio.timeout(15):
            for response in await asyncio.gather(*(client.get("/api/v1/sites") for _ in range(4))):
                check_problem(response, 503, "unavailable")
        way.thaw()
        async with asyncio.timeout(15):
            while (await client.get("/api/v1/sites")).status_code != 200:
                await asyncio.sleep(0.05)


async def test_lost_connections_are_replaced_unnoticed(admin: httpx.AsyncClient, database: Database) -> None:
    assert (await admin.get("/api/v1/sites")).status_code == 200
    async with database.transaction() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'webintel api'"
            )
        )
    codes = [(await admin.get("/api/v1/sites")).status_code for _ in range(3)]
    assert codes == [200, 200, 200]


async def test_a_schema_of_tomorrow_is_fine(settings: Settings, make_database: MakeDatabase, template: str) -> None:
    url = await make_database(template)
    async with variant(settings, database_url=url) as app, connect_to(app) as client:
        assert (await client.get("/health/ready")).status_code == 200
    async with create_database(load_settings(database_url=url), role="test") as database, database.transaction() as s:
        await s.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    async with variant(settings, database_url=url) as app, connect_to(app) as client:
        assert (await client.get("/health/ready")).status_code == 200


@asynccontextmanager
async def process(
    settings: Settings, *options: str, **variables: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert settings.database_url
    environment = {
        **os.environ,
        "WEBINTEL_DATABASE_URL": settings.database_url.get_secret_value(),
        "WEBINTEL_SECRET_KEY": SECRET_KEY,
        **variables,
    }
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "webintel", "api", "--port", str(port), *options,
        env=environment, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield started, f"http://127.0.0.1:{port}"
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def wait_until_up(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if (await client.get("/health/ready")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    pytest.fail("it did not start")


async def test_sigterm_is_announced_then_obeyed(settings: Settings, people: People, database: Database) -> None:
    async with (
        process(settings, "--drain-seconds", "1.5") as (running, base),
        httpx.AsyncClient(base_url=base, headers=bearer(people["admin"]), timeout=20) as client,
    ):
        await wait_until_up(client)
        async with database.engine.begin() as connection:
            # A request that is still at work when the end comes: it waits for this lock.
            await connection.execute(text("LOCK TABLE sites IN ACCESS EXCLUSIVE MODE"))
            in_flight = asyncio.create_task(client.get("/api/v1/sites"))
            await asyncio.sleep(0.2)
            running.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                while (response := await client.get("/health/ready")).status_code == 200:
                    await asyncio.sleep(0.02)
            assert response.json() == {"status": "unavailable", "reason": "draining"}
            # New connections are still served, because not everybody knows yet.
            async with httpx.AsyncClient(base_url=base) as newcomer:
                assert (await newcomer.get("/health/live")).status_code == 200
        assert (await in_flight).status_code == 200
        assert await asyncio.wait_for(running.wait(), 20) == 0
        assert running.stderr is not None
        assert b"Traceback" not in await running.stderr.read()


async def test_a_taken_port_is_one_line(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with process(settings, "--port", str(taken.getsockname()[1])) as (running, _):
            assert running.stderr is not None
            output = (await running.stderr.read()).decode()
            assert await running.wait() != 0
    assert len(output.strip().splitlines()) == 1
    assert "Choose another with --port" in output
