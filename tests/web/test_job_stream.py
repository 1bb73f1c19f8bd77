"""The stream of a job: it lasts no longer than its visitor, or the process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.web.platform import PATIENCE, Program


class SlowApi:
    """An API whose job never ends."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        """Set when the follower has hung up."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split()[1].decode()
                if path.endswith("/events"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                    writer.write(b"event: progress\ndata: " + JOB.encode() + b"\n\n")
                    await writer.drain()
                    await reader.read()
                    self.left.set()
                    return
                body = ME.encode() if path == "/api/v1/me" else b"{}"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


_ID = "019aa000-0000-7000-8000-000000000001"
JOB = (
    f'{{"id":"{_ID}","site_id":"{_ID}","job_type":"discovery","status":"running","method":"auto","priority":50,'
    '"progress":{"step":"crawl","percentage":12.5,"message":"page 3"},"attempt_count":1,"parameters":{},'
    '"created_at":"2026-01-01T00:00:00Z","started_at":"2026-01-01T00:00:00Z","heartbeat_at":null,"ended_at":null,'
    '"next_retry_at":null,"error":null,"retry_of":null,"result":null}'
)
ME = f'{{"id":"{_ID}","email":"a@b.example","name":"","role":"viewer","permissions":["read"]}}'


@pytest.fixture
async def slow() -> AsyncIterator[tuple[SlowApi, str]]:
    """The API and its address."""
    api = SlowApi()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    yield api, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@contextlib.asynccontextmanager
async def follower(web: Program) -> AsyncIterator[AsyncIterator[str]]:
    """Somebody who follows the job, and has seen how it stands."""
    client = httpx.AsyncClient(base_url=web.url, timeout=PATIENCE, headers={"Cookie": "access=x"})
    async with client, client.stream("GET", f"/jobs/{_ID}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in response.headers
        lines = response.aiter_lines()
        async for line in lines:
            if "page 3" in line:
                break
        yield lines


async def test_many_who_follow_jobs_take_nothing_from_those_who_read(slow: tuple[SlowApi, str], tmp_path: Path) -> None:
    web = Program("web", {"WEBINTEL_API_URL": slow[1]}, tmp_path / "web.log").start()
    try:
        await asyncio.to_thread(web.wait)
        async with contextlib.AsyncExitStack() as tabs, httpx.AsyncClient(base_url=web.url, timeout=PATIENCE) as reader:
            for _ in range(120):
                await tabs.enter_async_context(follower(web))
            # Whoever this is has not been seen yet, so the API is asked.
            page = await reader.get("/sites/new", headers={"Cookie": "access=y"})
            assert page.status_code == 403, page.text
    finally:
        await asyncio.to_thread(web.stop)


async def test_a_visitor_who_leaves_takes_the_stream_along_and_sigterm_ends_it(
    slow: tuple[SlowApi, str], tmp_path: Path
) -> None:
    api, url = slow
    web = Program("web", {"WEBINTEL_API_URL": url, "WEBINTEL_API_PATIENCE_SECONDS": "30"}, tmp_path / "web.log").start()
    try:
        await asyncio.to_thread(web.wait)
        async with follower(web):
            assert not api.left.is_set()
        await asyncio.wait_for(api.left.wait(), PATIENCE)
        api.left.clear()
        async with follower(web) as lines:
            ending = asyncio.create_task(asyncio.to_thread(web.stop))
            assert [line async for line in lines if line.startswith("event:")] == []
            await asyncio.wait_for(api.left.wait(), PATIENCE)
            await ending
    finally:
        await asyncio.to_thread(web.stop)
    assert "Traceback" not in (tmp_path / "web.log").read_text()
