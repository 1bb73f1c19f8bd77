"""A password that changes under load: who knows both loses nothing, whichever the server takes."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from sqlalchemy import text

from tests.service.second_server import PasswordServer, password_server
from webintel.db import create_database
from webintel.db.engine import driver_dsn, login_for
from webintel.db.listen import Listener
from webintel.db.migrate import MigrationError, head_revision, migrate
from webintel.db.role_password import RolePasswordError, change_role_password
from webintel.drill.server import until_restored
from webintel.settings import Settings, load_settings
from webintel.worker.driver import ReconnectingDriver

PATIENCE = 30.0
OLD = "the-old-one"
NEW = 'it\'s 100% "new" \\ \u00bd and\u00a0hard to guess'
AT_ONCE = 8
EACH = 20


@pytest.fixture(scope="module")
def shared_server() -> Iterator[PasswordServer]:
    with password_server({"log_statement": "all"}) as server:
        yield server


@pytest.fixture
async def server(shared_server: PasswordServer) -> AsyncIterator[PasswordServer]:
    """A server that takes the old password, and an empty database."""
    await shared_server.administer(
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "DO $$ BEGIN CREATE ROLE wip LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "GRANT ALL ON SCHEMA public TO wip",
        "ALTER ROLE wip RESET ALL",
    )
    await shared_server.change_password(OLD)
    yield shared_server
    await shared_server.administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'wip'")


def between(server: PasswordServer, now: str, other: str | None) -> Settings:
    """What a process is given: the password in the address, and the other one."""
    return load_settings(database_url=server.url(now), database_password_previous=other)


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD)])
async def test_a_pool_under_load_loses_no_request_while_the_password_changes(
    server: PasswordServer, first: str, second: str
) -> None:
    answered = 0
    # Connections beyond the pool's one are closed after each request: nearly every request signs in.
    settings = between(server, first, second).model_copy(
        update={"database_max_overflow": AT_ONCE, "database_connect_timeout": 20.0, "database_pool_timeout": 60.0}
    )

    async def ask() -> None:
        nonlocal answered
        for _ in range(EACH):
            async with database.reading() as connection:
                assert await connection.scalar(text("SELECT 1")) == 1
            answered += 1

    async def change() -> None:
        for number, password in enumerate((NEW, OLD, NEW), start=1):
            while answered < number * AT_ONCE * EACH // 4:
                await asyncio.sleep(0.005)
            await server.change_password(password)

    async with create_database(settings, role="test", pool_size=1) as database:
        await asyncio.gather(*(ask() for _ in range(AT_ONCE)), change())
    assert answered == AT_ONCE * EACH


async def test_who_knows_one_password_alone_is_refused_after_its_change(server: PasswordServer) -> None:
    await server.change_password(NEW)
    async with create_database(between(server, OLD, None), role="test") as database:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await database.engine.connect().start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await login_for(between(server, OLD, "neither")).connect()


@pytest.mark.parametrize(("taken", "now", "other"), [(OLD, NEW, OLD), (NEW, OLD, NEW), (NEW, NEW, "")])
async def test_every_kind_of_connection_knows_both(server: PasswordServer, taken: str, now: str, other: str) -> None:
    await server.change_password(taken)
    settings = between(server, now, other)
    assert await migrate(settings) == head_revision()
    heard, connected = asyncio.Queue[str](), asyncio.Event()
    driver = ReconnectingDriver(settings)
    async with Listener(settings, {"news": heard.put_nowait}, connected.set):
        await asyncio.wait_for(connected.wait(), PATIENCE)
        await asyncio.wait_for(driver.notify("news", "hello"), PATIENCE)
        assert await asyncio.wait_for(heard.get(), PATIENCE) == "hello"
    await driver.close()
    said: list[str] = []
    await until_restored(settings, server.url(now), asyncio.get_running_loop().time() + PATIENCE, said.append)
    assert said == []


async def test_the_role_gives_itself_the_new_password_which_no_log_shows(server: PasswordServer) -> None:
    settings, before = between(server, NEW, OLD), len(server.log)
    assert await change_role_password(settings)
    assert not await change_role_password(settings)
    (await asyncpg.connect(driver_dsn(server.url(NEW)))).terminate()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(driver_dsn(server.url(OLD)))
    logged = server.log[before:]
    assert "ALTER ROLE CURRENT_USER PASSWORD 'SCRAM-SHA-256$" in logged
    assert NEW not in logged.replace("''", "'")


async def test_a_password_that_cannot_be_changed_is_told_with_what_to_do(server: PasswordServer) -> None:
    with pytest.raises(MigrationError, match=r"refuses the connection: .+ Check WEBINTEL_DATABASE_URL"):
        await change_role_password(between(server, NEW, "neither"))
    await server.administer("ALTER ROLE wip SET default_transaction_read_only = on")
    with pytest.raises(RolePasswordError, match="change it there first"):
        await change_role_password(between(server, NEW, OLD))
    with pytest.raises(RolePasswordError, match="has no password to give"):
        await change_role_password(load_settings(database_url=f"postgresql://wip@127.0.0.1:{server.port}/postgres"))


async def test_the_command_says_what_it_did(server: PasswordServer) -> None:
    async def run(other: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "webintel", "database-password", "--wait", "5",
            env={"WEBINTEL_DATABASE_URL": server.url(NEW), "WEBINTEL_DATABASE_PASSWORD_PREVIOUS": other},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE * 2)
        return process.returncode, out.decode()

    code, said = await run("neither")
    assert code == 1
    assert said.startswith("webintel: postgresql://wip:***@127.0.0.1")
    assert await run(OLD) == (0, "The database takes the new password now.\n")
    assert await run(OLD) == (0, "The database took the new password already.\n")
