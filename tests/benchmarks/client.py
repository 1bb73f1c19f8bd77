"""A client that costs next to nothing: requests are bytes made beforehand, answers are counted, not read."""

import asyncio
import itertools
import time
from collections.abc import Iterator

CONNECTIONS = 16


class BadAnswerError(Exception):
    """What came back was no success."""


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], until: float, ended: asyncio.Future[None]) -> None:
        self.requests, self.until, self.ended = requests, until, ended
        self.buffer = b""
        self.answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._go_on()

    def _go_on(self) -> None:
        request = next(self.requests, None)
        if request is None or (self.answers and time.perf_counter() >= self.until):
            self.ended.set_result(None)
        else:
            self.transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, mark, body = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        if self.ended.done():
            return
        if head[9:10] != b"2":
            self.ended.set_exception(BadAnswerError((head.partition(b"\r\n")[0] + b" " + body)[:300].decode()))
            return
        self.answers += 1
        self.body, self.buffer = body, b""
        self._go_on()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(BadAnswerError("the server closed the connection"))


def request(method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += ["Content-Type: application/json"] if body else []
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def drive(port: int, requests: Iterator[bytes], seconds: float, connections: int = CONNECTIONS) -> float:
    """Send requests over some connections, each as soon as the last is answered; gives answers a second."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = []
    try:
        for _ in range(connections):
            ended = loop.create_future()
            made.append((await loop.create_connection(
                lambda ended=ended: _Connection(requests, began + seconds, ended), "127.0.0.1", port
            ))[1])  # fmt: skip
        await asyncio.wait_for(asyncio.gather(*(one.ended for one in made)), seconds + 30)
        return sum(one.answers for one in made) / (time.perf_counter() - began)
    finally:
        for one in made:
            one.transport.abort()  # type: ignore[attr-defined]


async def once(port: int, message: bytes) -> bytes:
    """Send one request and give the body of the answer."""
    ended = asyncio.get_running_loop().create_future()
    _, one = await asyncio.get_running_loop().create_connection(
        lambda: _Connection(itertools.repeat(message), 0, ended), "127.0.0.1", port
    )
    try:
        await asyncio.wait_for(ended, 30)
        return one.body
    finally:
        one.transport.abort()  # type: ignore[attr-defined]
