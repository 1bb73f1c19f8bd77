"""A standby, and what happens when it takes over: nobody writes to it before, nobody is restarted after."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy import make_url

from tests.service.api.test_responses import variant
from tests.service.api_fixtures import bearer, check_problem, connect_to
from tests.service.conftest import SECRET_KEY, MakeDatabase
from tests.service.second_server import copy_of, own_server
from tests.service.worker.conftest import WorkerProcess, until
from webintel.accounts.models import User
from webintel.accounts.roles import Role
from webintel.db import create_database
from webintel.db.embedded import EmbeddedServer
from webintel.db.engine import driver_dsn
from webintel.db.migrate import MigrationError, head_revision, migrate
from webintel.settings import Settings, load_settings

READ_ONLY = {"status": "unavailable", "reason": "database is read-only"}


@pytest.fixture(scope="module")
async def primary() -> AsyncIterator[tuple[EmbeddedServer, User]]:
    """A server at the newest schema, and an administrator."""
    with own_server() as server:
        settings = load_settings(database_url=server.url)
        await migrate(settings)
        admin = User(email="admin@shop.example", name="Admin", role=Role.ADMIN, password_hash="none")
        async with create_database(settings, role="test") as database, database.transaction() as session:
            session.add(admin)
        yield server, admin


@pytest.fixture
def standby(primary: tuple[EmbeddedServer, User]) -> Iterator[Settings]:
    """A copy of it that stays in recovery."""
    with copy_of(primary[0], signal_file="standby.signal") as server:
        yield load_settings(database_url=server.url, secret_key=SECRET_KEY)


async def execute(settings: Settings, *statements: str) -> None:
    connection = await asyncpg.connect(driver_dsn(settings.require_database_url()))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_an_api_on_a_standby_gets_traffic_once_the_standby_takes_over(
    primary: tuple[EmbeddedServer, User], standby: Settings
) -> None:
    async with variant(standby) as app, connect_to(app, headers=bearer(primary[1])) as client:
        response = await client.get("/health/ready")
        assert (response.status_code, response.json()) == (503, READ_ONLY)
        # Who asks all the same may read, and is told why nothing can be written.
        assert (await client.get("/api/v1/sites")).status_code == 200
        problem = check_problem(await client.post("/api/v1/sites", json={"domain": "shop.example"}), 503, "unavailable")
        assert problem["detail"] == "The database takes no changes at the moment."
        await execute(standby, "SELECT pg_promote()")

        async def ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await until(ready, "ready")
        assert (await client.post("/api/v1/sites", json={"domain": "shop.example"})).status_code == 201


async def test_a_worker_waits_for_a_database_that_takes_writes(standby: Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = tmp_path / "worker.log"
    worker = WorkerProcess(standby, tmp_path / "trace", log, WEBINTEL_WORKER_PORT=str(port))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def says(status: int, content: dict[str, str]) -> bool:
            try:
                response = await client.get("/health/ready")
            except httpx.TransportError:
                return False
            return (response.status_code, response.json()) == (status, content)

        async def ready() -> bool:
            return await says(200, {"status": "ok"})

        async def waits() -> bool:
            return await says(503, READ_ONLY)

        try:
            await until(waits, "waiting at its start")
            await execute(standby, "SELECT pg_promote()")
            await until(ready, "ready")
            await execute(standby, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
            await until(waits, "waiting in the middle of its work")
            await execute(
                standby,
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            )
            await until(ready, "ready again")
            assert worker.process.is_alive()
            worker.signal(signal.SIGTERM)
            assert await worker.exit_code() == 0
            assert "Traceback" not in log.read_text()
        finally:
            worker.end()


async def test_a_replica_is_migrated_by_its_primary(standby: Settings) -> None:
    assert await migrate(standby) == head_revision()
    with pytest.raises(MigrationError, match="read-only"):
        await migrate(standby, "0001")


async def test_migrating_what_is_read_only_is_one_line(make_database: MakeDatabase) -> None:
    url = await make_database()
    read_only = f'ALTER DATABASE "{make_url(url).database}" SET default_transaction_read_only = on'
    await execute(load_settings(database_url=url), read_only)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "webintel", "migrate"),
        env={**os.environ, "WEBINTEL_DATABASE_URL": url},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode() == (
        "webintel: The database is read-only and at revision base: migrate its primary, or take back "
        "default_transaction_read_only.\n"
    )
