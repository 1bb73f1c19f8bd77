"""A balancer as a Service is one: connections go to servers that say that they are ready, in turn."""

import asyncio
import contextlib
import itertools
from typing import Self

import httpx

PATIENCE = 120.0
PROBE_SECONDS = 0.2


class Balancer:
    """Carries bytes; a server that is taken out gets nothing new, and what it has is carried to its end."""

    def __init__(self) -> None:
        self._ready: dict[int, bool] = {}
        self._open: dict[int, int] = {}
        self._turn = itertools.count()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._probing = asyncio.create_task(self._probe())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._probing.cancel()
        self._server.close()

    async def add(self, port: int) -> None:
        """Know a server, and wait until it is ready."""
        self._ready[port], self._open[port] = False, 0
        async with asyncio.timeout(PATIENCE):
            while not self._ready[port]:
                await asyncio.sleep(PROBE_SECONDS / 4)

    async def take_out(self, port: int) -> None:
        """Forget a server, and wait until it has answered what it was sent."""
        del self._ready[port]
        async with asyncio.timeout(PATIENCE):
            while self._open[port]:
                await asyncio.sleep(PROBE_SECONDS / 4)

    async def _probe(self) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            while True:
                for port in list(self._ready):
                    ready = False
                    with contextlib.suppress(httpx.TransportError):
                        ready = (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
                    if port in self._ready:
                        self._ready[port] = ready
                await asyncio.sleep(PROBE_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [port for port, ready in self._ready.items() if ready]
        if not ready:
            writer.close()
            return
        port = ready[next(self._turn) % len(ready)]
        self._open[port] += 1
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_carry(reader, there[1]), _carry(there[0], writer))
        finally:
            self._open[port] -= 1


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()
