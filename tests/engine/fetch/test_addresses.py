"""No connection goes anywhere but to a public address."""

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.engine.fetch.loopback import (
    LOOPBACK,
    CountingDialler,
    answer,
    failure,
    options_for,
    resolver_of,
    serve,
)
from webintel.engine.errors import ErrorCode
from webintel.engine.fetch import ConnectTo, Fetcher, FetchOptions
from webintel.engine.fetch.address import refusal

REFUSED = {ErrorCode.FORBIDDEN_ADDRESS, ErrorCode.INVALID_URL}

# `loopback_urls` reach a listener on loopback through some parser or resolver, where PORT is the listener's;
# `special_addresses` are out of every range in which no public site is, and `public_addresses` stand right beside them.
CASES = json.loads((Path(__file__).parent / "hostile.json").read_text("utf-8"))
LOOPBACK_URLS = CASES["loopback_urls"]
SPECIAL_ADDRESSES = CASES["special_addresses"]
PUBLIC_ADDRESSES = CASES["public_addresses"]
HOSTILE_LOCATIONS = CASES["hostile_locations"]


def test_the_table_of_hostile_addresses_is_a_long_one() -> None:
    assert len(set(LOOPBACK_URLS)) + len(set(SPECIAL_ADDRESSES)) >= 190


async def test_no_hostile_url_opens_a_connection() -> None:
    dialler = CountingDialler()
    async with serve() as sentinel:
        options = FetchOptions(allow_ports=(sentinel.port,), delay=0, retries=0)
        async with Fetcher(options, dialler=dialler, resolver=resolver_of("127.0.0.1")) as fetcher:
            for line in LOOPBACK_URLS:
                url = line.replace("PORT", str(sentinel.port))
                error = await failure(fetcher, url)
                assert error.code in REFUSED, url
                assert error.message, url
        assert dialler.dialled == []
        assert sentinel.connections == 0
        assert len(fetcher.ledger) == len(LOOPBACK_URLS)
        assert all(record.outcome == "failed" and record.reason in REFUSED for record in fetcher.ledger)


async def test_the_same_listener_is_reached_once_its_network_is_allowed() -> None:
    async with serve() as sentinel:
        options = FetchOptions(allow_ports=(sentinel.port,), allow_private=LOOPBACK, delay=0)
        async with Fetcher(options) as fetcher:
            for host in ("127.0.0.1", "2130706433", "0x7f.1", "localhost"):
                assert (await fetcher.get(f"http://{host}:{sentinel.port}/")).status == 200
        assert sentinel.connections > 0


@pytest.mark.parametrize("address", SPECIAL_ADDRESSES)
async def test_no_special_address_is_dialled(address: str) -> None:
    assert refusal(ip_address(address)) is not None
    dialler = CountingDialler()
    host = f"[{address}]" if ":" in address else address
    async with Fetcher(FetchOptions(delay=0), dialler=dialler, resolver=resolver_of(address)) as fetcher:
        assert (await failure(fetcher, f"http://{host}/")).code == ErrorCode.FORBIDDEN_ADDRESS
        assert (await failure(fetcher, "http://shop.example/")).code == ErrorCode.FORBIDDEN_ADDRESS
        assert (await failure(fetcher, "https://shop.example/")).code == ErrorCode.FORBIDDEN_ADDRESS
    assert dialler.dialled == []


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
async def test_public_addresses_are_dialled(address: str) -> None:
    assert refusal(ip_address(address)) is None
    dialler = CountingDialler()
    async with Fetcher(FetchOptions(delay=0), dialler=dialler, resolver=resolver_of(address)) as fetcher:
        assert (await failure(fetcher, "http://shop.example/")).code == ErrorCode.UNREACHABLE
    assert dialler.dialled == [(address, 80)]


async def test_of_mixed_answers_only_the_public_one_is_dialled() -> None:
    dialler = CountingDialler()
    resolver = resolver_of("127.0.0.1", "93.184.216.34", "::1", "fe80::1%eth0", "not an address")
    async with Fetcher(FetchOptions(delay=0), dialler=dialler, resolver=resolver) as fetcher:
        assert (await failure(fetcher, "https://shop.example/")).code == ErrorCode.UNREACHABLE
    assert set(dialler.dialled) == {("93.184.216.34", 443)}


async def test_both_families_are_tried_in_turn_and_not_without_end() -> None:
    dialler = CountingDialler()
    six = [f"2606:4700::{number}" for number in range(1, 6)]
    resolver = resolver_of(*six, "93.184.216.34", "93.184.216.35", "93.184.216.36")
    async with Fetcher(FetchOptions(delay=0), dialler=dialler, resolver=resolver) as fetcher:
        await failure(fetcher, "http://shop.example/")
    assert [host for host, _ in dialler.dialled] == [six[0], "93.184.216.34", six[1], "93.184.216.35"]


async def test_rebinding_gains_nothing() -> None:
    """The name moves from an allowed address to a forbidden one between two connections."""
    answers = iter(["127.0.0.2", "127.0.0.2", "127.0.0.1", "127.0.0.1", "127.0.0.1"])
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(next(answers))
        return asked[-1:]

    closing = answer(200, b"<p>page</p>", connection="close")
    async with (
        serve({"*": closing, "/robots.txt": answer(404, connection="close")}, address="127.0.0.2") as site,
        serve(port=site.port) as sentinel,
    ):
        options = FetchOptions(allow_ports=(site.port,), allow_private=("127.0.0.2/32",), delay=0)
        async with Fetcher(options, resolver=resolver) as fetcher:
            url = f"http://rebind.example:{site.port}/"
            assert (await fetcher.get(url)).status == 200
            # One resolution for each connection: there is no second one to answer differently.
            assert len(asked) == site.connections == 2
            assert (await failure(fetcher, url)).code == ErrorCode.FORBIDDEN_ADDRESS
        assert sentinel.connections == 0


@pytest.mark.parametrize("location", HOSTILE_LOCATIONS)
async def test_redirects_are_checked_like_any_url(location: str) -> None:
    async with serve() as sentinel:
        target = location.replace("PORT", str(sentinel.port))
        async with serve({"/": answer(302, location=target)}) as site:
            options = FetchOptions(
                connect_to=(ConnectTo("shop.example", 80, "127.0.0.2", site.port),),
                allow_private=("127.0.0.2/32",),
                allow_ports=(sentinel.port,),
                delay=0,
            )
            dialler = _Moved(site.port)
            async with Fetcher(options, dialler=dialler, resolver=resolver_of("127.0.0.1")) as fetcher:
                error = await failure(fetcher, "http://shop.example/")
            assert error.code in REFUSED
            assert site.seen("/") == 1
        assert sentinel.connections == 0


async def test_a_robots_file_that_redirects_inside_is_not_followed() -> None:
    async with serve() as sentinel:
        location = f"http://127.0.0.1:{sentinel.port}/robots.txt"
        async with serve({"/robots.txt": answer(301, location=location), "*": b""}) as site:
            options = FetchOptions(
                connect_to=(ConnectTo("shop.example", 80, "127.0.0.2", site.port),),
                allow_private=("127.0.0.2/32",),
                allow_ports=(sentinel.port,),
                delay=0,
            )
            async with Fetcher(options, dialler=_Moved(site.port)) as fetcher:
                assert (await failure(fetcher, "http://shop.example/")).code == ErrorCode.FORBIDDEN_ADDRESS
            assert site.paths == ["/robots.txt"]
        assert sentinel.connections == 0


class _Moved(CountingDialler):
    """Brings the connections for 127.0.0.2 to a server that listens on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def connect_tcp(self, host: str, port: int, *arguments: object, **options: object):
        moved = "127.0.0.1" if (host, port) == ("127.0.0.2", self._port) else host
        return await super().connect_tcp(moved, port, *arguments, **options)


async def test_connect_to_does_not_open_private_networks() -> None:
    async with serve() as sentinel:
        for options in (options_for(sentinel, allow_private=()), options_for(sentinel, allow_private=("10.0.0.0/8",))):
            async with Fetcher(options) as fetcher:
                assert (await failure(fetcher, "http://shop.example/")).code == ErrorCode.FORBIDDEN_ADDRESS
        assert sentinel.connections == 0


async def test_connect_to_works_as_in_curl() -> None:
    async with serve() as site, serve() as other:
        rules = (
            f"shop.example:80:127.0.0.1:{site.port}",
            f"shop.example:8080:127.0.0.1:{site.port}",
            f"Bücher.example::127.0.0.1:{other.port}",
            f":81:localhost:{other.port}",
        )
        options = FetchOptions(
            connect_to=tuple(ConnectTo.parse(rule) for rule in rules), allow_private=LOOPBACK, delay=0
        )
        async with Fetcher(options) as fetcher:
            await fetcher.get("http://shop.example/a")
            await fetcher.get("http://shop.example:8080/b")
            await fetcher.get("http://xn--bcher-kva.example/c")
            await fetcher.get("http://any.example:81/d")
            assert (await failure(fetcher, "http://shop.example:82/e")).code == ErrorCode.FORBIDDEN_ADDRESS
        assert [path for path in site.paths if path != "/robots.txt"] == ["/a", "/b"]
        assert [path for path in other.paths if path != "/robots.txt"] == ["/c", "/d"]
        hosts = [request.headers["host"] for request in site.requests + other.requests]
        assert list(dict.fromkeys(hosts)) == [
            "shop.example",
            "shop.example:8080",
            "xn--bcher-kva.example",
            "any.example:81",
        ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop.example",
        "shop.example:80:127.0.0.1",
        "a:b:c:d",
        "shop.example:0:127.0.0.1:1",
        "a:80:[::1:80",
        "a b:1:c:1",
    ],
)
def test_a_wrong_connect_to_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT:ADDRESS:PORT|not a port|invalid host"):
        ConnectTo.parse(text)


def test_connect_to_reads_ipv6() -> None:
    assert ConnectTo.parse("[::1]:443:[0:0::1]:8443") == ConnectTo("::1", 443, "::1", 8443)
    assert ConnectTo.parse(":::") == ConnectTo(None, None, None, None)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("allow_private", ("10.0.0.1/8",), "did you mean 10.0.0.0/8"),
        ("allow_private", ("intranet",), "give a network"),
        ("allow_ports", (70000,), "not a port"),
        ("max_pages", 0, "max_pages must be greater than 0"),
        ("max_seconds", float("nan"), "max_seconds must be greater than 0"),
        ("delay", -1, "delay must not be negative"),
        ("user_agent", "", "user_agent"),
        ("user_agent", "Bot/1.0\r\nX: y", "user_agent"),
    ],
)
def test_wrong_options_are_explained(setting: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FetchOptions(**{setting: value})
