"""The platform for browser tests: a real API, worker and web UI, each a process of its own on a real database."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Self

import httpx

PATIENCE = 300.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Program:
    """A `webintel` command that answers on a port, and can be ended and started again there."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**os.environ, **environment}
        self.log_path = log
        self._log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it; `wait` until it answers."""
        self._log = self.log_path.open("ab")
        command = [sys.executable, "-m", "webintel", self.name, "--port", str(self.port)]
        self._process = subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)
        return self

    def wait(self) -> None:
        """Wait until it is ready."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"webintel {self.name} is not ready:\n{self.log_path.read_text()[-3000:]}")
            time.sleep(0.1)

    def freeze(self) -> None:
        """Let it answer nothing any more, as a process that hangs."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def stop(self) -> None:
        """End it; the port refuses connections then."""
        if self._process is not None and self._process.poll() is None:
            self._send(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._log is not None:
            self._log.close()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class Platform:
    """All of it; every domain leads to the demo shop on this machine."""

    def __init__(
        self, database_url: str, secret_key: str, shop_port: int, folder: Path, settings: Mapping[str, str] = {}
    ) -> None:
        shared = {
            "WEBINTEL_DATABASE_URL": database_url,
            "WEBINTEL_SECRET_KEY": secret_key,
            "WEBINTEL_RATE_LIMIT_PER_MINUTE": "100000",
            "WEBINTEL_LOGIN_LIMIT_PER_MINUTE": "100",
            "WEBINTEL_LOG_FORMAT": "json",
            **settings,
        }
        visits = {
            "WEBINTEL_FETCH_CONNECT_TO": f":80:127.0.0.1:{shop_port}",
            "WEBINTEL_FETCH_ALLOW_PRIVATE": "127.0.0.0/8",
            "WEBINTEL_FETCH_DELAY": "0",
            "WEBINTEL_FETCH_MAX_PAGES": "40",
        }
        self.database_url = database_url
        self.api = Program("api", shared, folder / "api.log")
        self.worker = Program("worker", shared | visits, folder / "worker.log")
        # Where many tests share a machine the API can be slow; what visitors see then has a test of its own.
        web = {"WEBINTEL_API_URL": self.api.url, "WEBINTEL_API_PATIENCE_SECONDS": "30", **settings}
        self.web = Program("web", web, folder / "web.log")

    def __enter__(self) -> Self:
        programs = [program.start() for program in self._programs]
        try:
            for program in programs:
                program.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._programs:
            program.stop()

    @property
    def _programs(self) -> list[Program]:
        return [self.api, self.worker, self.web]


@asynccontextmanager
async def running(platform: Platform) -> AsyncIterator[Platform]:
    """Let it run until the block ends."""
    await asyncio.to_thread(platform.__enter__)
    try:
        yield platform
    finally:
        await asyncio.to_thread(platform.__exit__)


class StillPlatform(Platform):
    """Without a worker: nothing on it changes unless a test changes it."""

    @property
    def _programs(self) -> list[Program]:
        return [self.api, self.web]
