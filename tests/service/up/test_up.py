"""`webintel up` as a user runs it: a process that brings everything, and takes everything with it."""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from webintel.commands import platform as launcher
from webintel.commands.supervising import LaunchError
from webintel.db.embedded import EmbeddedServer
from webintel.settings import SettingsError, load_settings

PATIENCE = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def ports() -> dict[str, int]:
    return {name: free_port() for name in ("api_port", "web_port", "worker_port")}


class Platform:
    """A running `webintel up`."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.web_port = free_port()
        self.output = folder.with_suffix(f".{self.port}.log")
        addresses = ["--port", str(self.port), "--web-port", str(self.web_port), "--worker-port", str(free_port())]
        arguments = [*addresses, "--data-dir", str(folder)]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webintel", "up", *arguments], stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"still not {what}: {self.said}"
            time.sleep(0.1)

    def until_ready(self) -> None:
        self.until(lambda: "The platform is ready." in self.said or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.said
        assert httpx.get(f"http://127.0.0.1:{self.port}/health/ready").status_code == 200

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def worker(self) -> psutil.Process | None:
        for child in self.family():
            with contextlib.suppress(psutil.Error):
                if "worker" in child.cmdline():
                    return child
        return None

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that PostgreSQL's account may reach, unlike pytest's own."""
    parent = Path(tempfile.mkdtemp(prefix="webintel-test-"))
    parent.chmod(0o755)
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def up(folder: Path) -> Iterator[Callable[..., Platform]]:
    """Start platforms that are gone when the test is over."""
    started: list[Platform] = []

    def start(**options: int) -> Platform:
        started.append(Platform(folder, **options))
        return started[-1]

    yield start
    for platform in started:
        platform.end()


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_it_starts_replaces_a_killed_worker_and_ends_as_a_whole(up: Callable[..., Platform], folder: Path) -> None:
    platform = up()
    platform.until_ready()
    page = httpx.get(f"http://127.0.0.1:{platform.web_port}/", follow_redirects=True).text
    assert "<h1>Log in</h1>" in page
    assert f'href="http://127.0.0.1:{platform.port}/docs"' in page
    for port in (platform.port, platform.web_port):
        assert f"http://127.0.0.1:{port}" in platform.said
    assert re.search(r"sign in   admin@\S+  password \S{12,}", platform.said)
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600

    second = up()
    assert second.process.wait(PATIENCE) == 1
    assert re.fullmatch(rf"webintel: {folder} is in use by process {platform.process.pid}.*--data-dir\.\n", second.said)

    platform.until(lambda: platform.worker() is not None, "a worker")
    first = platform.worker()
    assert first is not None
    first.kill()
    platform.until(lambda: platform.worker() not in {None, first}, "a new worker")

    family = platform.family()
    platform.process.send_signal(signal.SIGTERM)
    assert platform.process.wait(PATIENCE) == 0
    assert gone(family)


async def test_killed_it_takes_its_children_along_and_loses_nothing(up: Callable[..., Platform], folder: Path) -> None:
    platform = up()
    platform.until_ready()
    family = platform.family()
    assert len(family) > 2
    platform.process.kill()
    platform.until(lambda: gone(family), "gone")
    with EmbeddedServer(folder) as server:
        connection = await asyncpg.connect(server.url)
        assert await connection.fetchval("SELECT count(*) FROM users") == 1
        await connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's own")
def test_started_by_make_it_ends_with_it(folder: Path) -> None:
    addresses = ["--port", str(free_port()), "--web-port", str(free_port()), "--worker-port", str(free_port())]
    command = [sys.executable, "-m", "webintel", "up", "--with-parent", *addresses, "--data-dir", str(folder)]
    # Like make, a shell that waits for its command.
    with subprocess.Popen(["sh", "-c", '"$@"; :', "sh", *command], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert any("The platform is ready." in line for line in shell.stdout)
        family = psutil.Process(shell.pid).children(recursive=True)
        shell.kill()
        assert shell.stdout.read().endswith("Stopped.\n")
    assert not psutil.wait_procs(family, timeout=PATIENCE)[1]


@pytest.mark.parametrize(
    ("setting", "option"), [("api_port", "--port"), ("web_port", "--web-port"), ("worker_port", "--worker-port")]
)
def test_a_port_in_use_is_named_with_its_option(folder: Path, setting: str, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaunchError, match=rf"^Port {port} .* {option} "):
            launcher.Platform(load_settings(data_dir=folder, **ports() | {setting: port}), workers=1).start()
    assert not folder.exists()


def test_production_needs_a_secret_of_its_own(folder: Path) -> None:
    settings = load_settings(data_dir=folder, environment="production", **ports())
    with pytest.raises(SettingsError, match="WEBINTEL_SECRET_KEY is not set"):
        launcher.Platform(settings, workers=1).start()
    assert not folder.exists()


def test_a_data_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    folder.touch()
    settings = load_settings(data_dir=folder / "data", **ports())
    with pytest.raises(LaunchError, match=rf"{folder}.*--data-dir"):
        launcher.Platform(settings, workers=1).start()
