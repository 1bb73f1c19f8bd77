"""Answers that are endless, broken or bombs end in bounded time and memory, with a name."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from tests.engine.fetch.loopback import PAGE, answer, failure, options_for, serve
from webintel.engine.errors import ErrorCode
from webintel.engine.fetch import Fetcher

URL = "http://shop.example/x"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
HTML = b"<html>" + b"<p>words and words</p>" * 100
MEBIBYTE = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(HTML)),
        ("x-gzip", gzip.compress(HTML)),
        ("GZIP", gzip.compress(HTML)),
        ("identity, gzip", gzip.compress(HTML)),
        ("gzip", gzip.compress(HTML[:900]) + gzip.compress(HTML[900:])),
        ("gzip", gzip.compress(HTML) + b"\0" * 512),
        ("deflate", zlib.compress(HTML)),
        ("deflate", raw_deflate(HTML)),
        ("identity", HTML),
    ],
)
async def test_compressed_bodies(encoding: str, body: bytes) -> None:
    async with (
        serve({"/x": answer(200, body, content_encoding=encoding)}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        response = await fetcher.get(URL)
        assert response.body == HTML
        assert response.media_type == "text/html"
        assert list(fetcher.ledger)[-1].bytes_received == len(body)
        assert site.requests[-1].headers["accept-encoding"] == "gzip, deflate"


async def test_a_gzip_body_in_single_bytes() -> None:
    async def drip(request, writer) -> None:
        body = gzip.compress(HTML[:50]) + gzip.compress(HTML[50:])
        writer.write(HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        for byte in body:
            writer.write(b"1\r\n%c\r\n" % byte)
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with serve({"/x": drip}) as site, Fetcher(options_for(site)) as fetcher:
        assert (await fetcher.get(URL)).body == HTML


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(HTML)), "2 times over"),
        ("gzip, deflate", gzip.compress(HTML), "2 times over"),
        ("gzip", gzip.compress(gzip.compress(HTML)), "compressed twice"),
        ("br", b"\x0b\x02\x80abc\x03", "unknown content encoding, br"),
        ("zstd", b"(\xb5/\xfd", "unknown content encoding, zstd"),
        ("gzip", HTML, "damaged"),
        ("gzip", gzip.compress(HTML)[:40], "breaks off"),
        ("gzip", gzip.compress(HTML)[:-9] + b"\0" * 9, "damaged"),
        ("deflate", b"\x78\x9c\xff\xff\xff", "damaged"),
    ],
)
async def test_bodies_that_cannot_be_read(encoding: str, body: bytes, said: str) -> None:
    async with (
        serve({"/x": answer(200, body, content_encoding=encoding), "*": PAGE}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.INVALID_RESPONSE
        assert said in error.message
        assert (await fetcher.get("http://shop.example/")).status == 200


async def test_five_gigabytes_of_zeros_behind_gzip() -> None:
    stream = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    start = stream.compress(b"\0" * MEBIBYTE) + stream.flush(zlib.Z_FULL_FLUSH)
    mebibyte = stream.compress(b"\0" * MEBIBYTE) + stream.flush(zlib.Z_FULL_FLUSH)
    written = 0

    async def bomb(request, writer) -> None:
        nonlocal written
        writer.write(HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + start)
        for written in range(5 * 1024):  # noqa: B007
            writer.write(mebibyte)
            await writer.drain()

    async with serve({"/x": bomb}) as site, Fetcher(options_for(site, max_bytes=2 * MEBIBYTE)) as fetcher:
        tracemalloc.start()
        try:
            error = await failure(fetcher, URL)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert error.code == ErrorCode.TOO_LARGE
        assert "2,097,152" in error.message
        assert peak < 16 * MEBIBYTE


async def endless(request, writer) -> None:
    writer.write(HEAD + b"Connection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def endless_chunks(request, writer) -> None:
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    "response",
    [endless, endless_chunks, answer(200, b"x" * 70_000), HEAD + b"Content-Length: 99999999999\r\n\r\nx"],
)
async def test_large_bodies_stop_at_the_limit(response) -> None:
    async with serve({"/x": response, "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        error = await failure(fetcher, URL, max_bytes=65_536)
        assert error.code == ErrorCode.TOO_LARGE
        assert (await fetcher.get("http://shop.example/")).status == 200


async def test_a_body_of_exactly_the_limit_is_fine() -> None:
    async with (
        serve({"/x": answer(200, b"x" * 65_536)}) as site,
        Fetcher(options_for(site, max_bytes=65_536)) as fetcher,
    ):
        assert len((await fetcher.get(URL)).body) == 65_536


def dripping(start: bytes, drop: bytes):
    async def drip(request, writer) -> None:
        writer.write(start)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    return drip


async def silent(request, writer) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    "response",
    [
        silent,
        dripping(HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
        dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-Drip: x\r\n"),
        dripping(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
        dripping(b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 60000\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 404 Not Found\r\nContent-Length: 60000\r\n\r\n", b"x"),
    ],
    ids=["silent", "body", "chunks", "header", "headers", "hints", "redirect", "error"],
)
async def test_what_never_ends_is_given_up(response) -> None:
    async with (
        serve({"/x": response, "*": PAGE}) as site,
        Fetcher(options_for(site, request_timeout=0.3)) as fetcher,
    ):
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.TIMED_OUT
        assert site.seen("/x") == 1
        assert (await fetcher.get("http://shop.example/")).status == 200


async def test_a_flood_of_early_hints_leaves_the_loop_alive() -> None:
    async def flood(request, writer) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1000)
            await writer.drain()

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with serve({"/x": flood}) as site, Fetcher(options_for(site, request_timeout=0.3)) as fetcher:
        assert (await failure(fetcher, URL)).code == ErrorCode.TIMED_OUT
    ticking.cancel()
    assert ticks > 10


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\x01\x02\x03" * 100 + b"\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 30_000 + b"\r\n",
    ],
    ids=["ssh", "binary", "status", "length", "lengths", "header", "chunk", "extension", "long-header", "many-headers"],
)
async def test_what_is_not_http_is_named(response: bytes) -> None:
    async with serve({"/x": response, "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.INVALID_RESPONSE
        assert len(error.message) < 400
        assert (await fetcher.get("http://shop.example/")).status == 200


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\nhello",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
)
async def test_a_body_that_breaks_off_is_named(start: bytes) -> None:
    async def hang_up(request, writer) -> None:
        writer.write(start)
        writer.close()

    async with serve({"/x": hang_up}) as site, Fetcher(options_for(site)) as fetcher:
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.INVALID_RESPONSE
        assert list(fetcher.ledger)[-1].reason == "invalid_response"


async def test_a_server_that_hangs_up_is_tried_again() -> None:
    attempts = 0

    async def hang_up_once(request, writer) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            writer.close()
        else:
            writer.write(PAGE)

    async def always_hang_up(request, writer) -> None:
        writer.close()

    async with (
        serve({"/x": hang_up_once, "/y": always_hang_up}) as site,
        Fetcher(options_for(site, retries=2)) as fetcher,
    ):
        assert (await fetcher.get(URL)).status == 200
        assert (await failure(fetcher, "http://shop.example/y")).code == ErrorCode.UNREACHABLE
        assert site.seen("/y") == 3


async def test_a_closed_port_is_named() -> None:
    async with serve() as site:
        options = options_for(site)
    async with Fetcher(options) as fetcher:
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.UNREACHABLE
        assert "refuses" in error.message


@pytest.mark.parametrize(
    ("kind", "is_page"),
    [
        ("text/html; charset=utf-8", True),
        ("TEXT/HTML", True),
        ("application/xhtml+xml", True),
        ("text/plain", True),
        ("application/json", True),
        ("application/ld+json", True),
        ("", True),
        ("image/png", False),
        ("application/pdf", False),
        ("application/octet-stream", False),
        ("video/mp4", False),
    ],
)
async def test_a_page_that_is_no_text_is_not_downloaded(kind: str, is_page: bool) -> None:
    body = answer(200, b"<p>page</p>", content_type=kind)
    routes = {"/x": body if is_page else HEAD.replace(b"text/html", kind.encode()) + b"Content-Length: 100000\r\n\r\n"}
    async with serve(routes) as site, Fetcher(options_for(site)) as fetcher:
        if is_page:
            assert (await fetcher.get(URL)).status == 200
            return
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.UNSUPPORTED_CONTENT
        record = list(fetcher.ledger)[-1]
        assert (record.outcome, record.reason) == ("skipped", "unsupported_content")


async def test_a_probe_takes_any_content() -> None:
    async with (
        serve({"/x": answer(200, b"\x89PNG", content_type="image/png")}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert (await fetcher.get(URL, purpose="probe")).body == b"\x89PNG"
