"""Certificates are checked against the URL's name, and HTTP/2 is spoken where it is offered."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.engine.fetch.loopback import failure, options_for, serve
from webintel.engine.errors import ErrorCode
from webintel.engine.fetch import ConnectTo, Fetcher, FetchOptions

DAY = timedelta(days=1)


class Authority:
    """A certificate authority of the tests' own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        basic = x509.BasicConstraints(ca=True, path_length=0)
        certificate = self._certificate(self._name, self._key, basic, DAY)
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *names: str, valid: timedelta = DAY, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._certificate(name, key, alternatives, valid)
        file = self._folder / f"{names[0]}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    def _certificate(self, name, key, extension, valid: timedelta) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - 2 * DAY)
            .not_valid_after(datetime.now(UTC) + valid)
            .add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


async def test_a_trusted_certificate_for_the_urls_name(authority: Authority) -> None:
    async with (
        serve(tls=authority.server("shop.example", "*.shop.example")) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert (await fetcher.get("https://shop.example/")).status == 200
        assert (await fetcher.get("https://www.shop.example/")).status == 200
        error = await failure(fetcher, "https://other.example/")
        assert error.code == ErrorCode.TLS_FAILED
        assert "other.example" in error.message


async def test_an_expired_certificate(authority: Authority) -> None:
    async with (
        serve(tls=authority.server("shop.example", valid=-DAY)) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        error = await failure(fetcher, "https://shop.example/")
        assert error.code == ErrorCode.TLS_FAILED
        assert "expired" in error.message


async def test_a_certificate_of_an_unknown_authority(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with serve(tls=authority.server("shop.example")) as site, Fetcher(options_for(site)) as fetcher:
        assert (await failure(fetcher, "https://shop.example/")).code == ErrorCode.TLS_FAILED
        assert site.requests == []


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["plain", "hangs-up"])
async def test_a_server_that_speaks_no_tls(greeting: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = FetchOptions(
        connect_to=(ConnectTo(None, None, "127.0.0.1", port),), allow_private=("127.0.0.0/8",), delay=0, backoff=0
    )
    async with server, Fetcher(options) as fetcher:
        error = await failure(fetcher, "https://shop.example/")
        assert error.code == ErrorCode.TLS_FAILED
        assert "certificate" not in error.recovery_action


class Http2Server:
    """Answers `/large` with as much as the client lets through, and all else with a small page or given frames."""

    def __init__(self, frames: bytes | None, *, hangs_up: bool) -> None:
        self.frames = frames
        self.hangs_up = hangs_up
        self.port = 0
        self.connections = 0
        self.paths: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        with suppress(ConnectionError, h2.exceptions.ProtocolError):
            while True:
                writer.write(connection.data_to_send())
                await writer.drain()
                data = await reader.read(65_536)
                if not data:
                    break
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        self._answer(connection, event)
                        if self.frames and self.paths[-1] == "/broken":
                            writer.write(connection.data_to_send() + self.frames)
                            if self.hangs_up:
                                writer.close()
        writer.close()

    def _answer(self, connection: h2.connection.H2Connection, event: h2.events.RequestReceived) -> None:
        path = dict(event.headers)[":path"]
        self.paths.append(path)
        found = path != "/robots.txt"
        connection.send_headers(
            event.stream_id,
            [(":status", "200" if found else "404"), ("content-type", "text/html")],
            end_stream=not found,
        )
        if self.frames and path == "/broken":
            return
        if path == "/large":
            while connection.local_flow_control_window(event.stream_id) > 16_384:
                connection.send_data(event.stream_id, b"x" * 16_384)
        elif found:
            connection.send_data(event.stream_id, b"<p>page</p>", end_stream=True)


@asynccontextmanager
async def serve_http2(
    context: ssl.SSLContext, frames: bytes | None = None, *, hangs_up: bool = True
) -> AsyncIterator[Http2Server]:
    played = Http2Server(frames, hangs_up=hangs_up)
    server = await asyncio.start_server(played.serve, "127.0.0.1", 0, ssl=context)
    played.port = server.sockets[0].getsockname()[1]
    try:
        yield played
    finally:
        server.close()


def http2_options(site: Http2Server) -> FetchOptions:
    return FetchOptions(
        connect_to=(ConnectTo(None, None, "127.0.0.1", site.port),),
        allow_private=("127.0.0.0/8",),
        delay=0,
        backoff=0,
        request_timeout=5,
    )


@pytest.mark.parametrize(
    "frames",
    [
        b"\xff\xff\xff\x00\x00\x00\x00\x00\x03",
        b"\x00\x00\x04\x01\x04\x00\x00\x00\x03\xff\xff\xff\xff",
        b"\x00\x00\x04\x03\x00\x00\x00\x00\x03\x00\x00\x00\x02",
        b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x00\x00\x01\x00\x00\x00\x00\x00\x02x",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["huge-frame", "bad-headers", "reset", "go-away", "unknown-stream", "http1"],
)
async def test_broken_http2_is_named(authority: Authority, frames: bytes) -> None:
    context = authority.server("shop.example", protocols=("h2",))
    async with serve_http2(context, frames) as site, Fetcher(http2_options(site)) as fetcher:
        error = await failure(fetcher, "https://shop.example/broken")
        assert error.code in {ErrorCode.INVALID_RESPONSE, ErrorCode.UNREACHABLE}
        assert (await fetcher.get("https://shop.example/")).status == 200


async def test_a_connection_with_broken_http2_is_not_used_again(authority: Authority) -> None:
    context = authority.server("shop.example", protocols=("h2",))
    frames = b"\x00\x00\x04\x01\x04\x00\x00\x00\x03\xff\xff\xff\xff"
    async with serve_http2(context, frames, hangs_up=False) as site, Fetcher(http2_options(site)) as fetcher:
        assert (await failure(fetcher, "https://shop.example/broken")).code == ErrorCode.INVALID_RESPONSE
        assert (await fetcher.get("https://shop.example/")).status == 200


async def test_http2(authority: Authority) -> None:
    context = authority.server("shop.example", protocols=("h2", "http/1.1"))
    async with serve_http2(context) as site, Fetcher(http2_options(site)) as fetcher:
        for path in ("/a", "/b?c"):
            assert (await fetcher.get(f"https://shop.example{path}")).body == b"<p>page</p>"
        assert site.paths == ["/robots.txt", "/a", "/b?c"]
        assert site.connections == 1
        # A stream that is given up would go on filling the connection, so that goes too.
        for _ in range(3):
            error = await failure(fetcher, "https://shop.example/large", max_bytes=20_000)
            assert error.code == ErrorCode.TOO_LARGE
        assert (await fetcher.get("https://shop.example/c")).status == 200
        assert site.connections == 4
