"""The real API on loopback, small servers that misbehave, and `webintel load` as an operator runs it."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import httpx
import pytest

from tests.service.api.test_lifecycle import wait_until_up
from tests.service.api_fixtures import People, people
from tests.service.conftest import SECRET_KEY
from webintel.accounts.schemas import NewApiKey
from webintel.accounts.services import ApiKeyService
from webintel.db import Database

__all__ = ["people"]

PATIENCE = 60.0


class Ended(NamedTuple):
    code: int | None
    out: str
    err: str

    @property
    def error(self) -> str:
        (line,) = [line for line in self.err.splitlines() if line.startswith("webintel: ")]
        return line.removeprefix("webintel: ")


async def start_load(*arguments: object, **variables: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WEBINTEL_LOAD_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "webintel", "load", *(str(argument) for argument in arguments),
        env={**inherited, **variables}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def end_of(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return Ended(process.returncode, out.decode(), err.decode())


async def run_load(*arguments: object, **variables: str) -> Ended:
    return await end_of(await start_load(*arguments, **variables))


@pytest.fixture(scope="session")
async def api(database_url: str) -> AsyncIterator[str]:
    """The address of a real API process that limits nobody but who asks 100,000 times a minute."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "WEBINTEL_DATABASE_URL": database_url,
        "WEBINTEL_SECRET_KEY": SECRET_KEY,
        "WEBINTEL_RATE_LIMIT_PER_MINUTE": "100000",
        "WEBINTEL_LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "webintel", "api", "--port", str(port), "--drain-seconds", "0", env=environment
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await wait_until_up(client)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@pytest.fixture
async def key(database: Database, people: People) -> str:
    """An admin's API key."""
    return await key_of(database, people, "admin")


async def key_of(database: Database, people: People, role: str) -> str:
    async with database.transaction() as session:
        _, clear = await ApiKeyService(session=session).issue(people[role].id, NewApiKey(name="load"))
    return clear


Answer = Callable[[int, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Answer], Awaitable[str]]


def response(status: int = 200, body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server that answers the n-th request of all as it is told: `await serve(answer)` gives its address."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(answer: Answer) -> str:
            served = 0

            async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal served
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    while await reader.readuntil(b"\r\n\r\n"):
                        served += 1
                        await answer(served, writer)
                        await writer.drain()
                writer.close()

            server = await asyncio.start_server(converse, "127.0.0.1", 0)
            stack.callback(server.close)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start
