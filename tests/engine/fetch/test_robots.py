"""robots.txt is obeyed as RFC 9309 has it."""

import asyncio

import pytest

from tests.engine.fetch.loopback import LOOPBACK, PAGE, answer, failure, options_for, serve
from webintel.engine.errors import ErrorCode
from webintel.engine.fetch import ConnectTo, Fetcher, FetchOptions, RobotsPolicy

SITE = "https://shop.example"


def policy(*lines: str) -> RobotsPolicy:
    return RobotsPolicy("\n".join(lines), "FooBot")


@pytest.mark.parametrize(
    ("lines", "path", "allowed"),
    [
        # whose group it is
        (["User-agent: *", "Disallow: /x"], "/x/y", False),
        (["User-agent: *", "Disallow: /x"], "/y", True),
        (["User-agent: FooBot", "Disallow: /"], "/", False),
        (["user-agent: FOOBOT", "disallow: /"], "/", False),
        (["User-agent: OtherBot", "Disallow: /"], "/", True),
        (["User-agent: Foo", "Disallow: /"], "/", True),
        (["User-agent: FooBotNews", "Disallow: /"], "/", True),
        (["User-agent: *", "Disallow: /", "User-agent: FooBot", "Disallow: /x"], "/y", True),
        (["User-agent: FooBot", "Allow: /", "User-agent: *", "Disallow: /"], "/y", True),
        (["User-agent: Foo", "Allow: /", "User-agent: *", "Disallow: /"], "/y", False),
        (["User-agent: FooBot", "User-agent: *", "Disallow: /"], "/", False),
        (["User-agent: FooBot", "", "User-agent: Other", "Disallow: /"], "/", False),
        (["User-agent: FooBot", "Disallow: /a", "User-agent: B", "Disallow: /", "User-agent: FooBot", "Disallow: /c"],
         "/c", False),
        (["User-agent: FooBot", "User-agent: *", "Disallow: /x", "", "User-agent: FooBot", "Allow: /x"], "/x", True),
        (["Disallow: /", "User-agent: FooBot"], "/", True),
        # a group is named by the first word
        (["User-agent: FooBot/1.2", "Disallow: /"], "/", False),
        (["User-agent: FOOBOT BAR", "Disallow: /"], "/", False),
        (["User-agent: FooBot (compatible)", "Disallow: /"], "/", False),
        (["User-agent: Bar FooBot", "Disallow: /"], "/", True),
        (["User-agent: * everyone", "Disallow: /"], "/", False),
        # unknown lines do not come between
        (["User-agent: FooBot", "Crawl-delay: 2", "User-agent: Bar", "Disallow: /"], "/", False),
        (["User-agent: FooBot", "Unicorns: 5", "User-agent: Bar", "Disallow: /"], "/", False),
        (["User-agent: FooBot", "Sitemap: https://shop.example/s.xml", "User-agent: Bar", "Disallow: /"], "/", False),
        (["User-agent: FooBot", "Disallow:", "User-agent: Bar", "Disallow: /"], "/", True),
        # rules
        (["User-agent: *", "Disallow:"], "/x", True),
        (["User-agent: *", "Disallow: /", "Allow: /open"], "/open/1", True),
        (["User-agent: *", "Allow: /open", "Disallow: /"], "/closed", False),
        (["User-agent: *", "Disallow: /p", "Allow: /p"], "/p", True),
        (["User-agent: *", "Disallow: /*.pdf$"], "/a/b.pdf", False),
        (["User-agent: *", "Disallow: /*.pdf$"], "/a/b.pdf?x", True),
        (["User-agent: *", "Disallow: /*?sort="], "/c?sort=up", False),
        (["User-agent: *", "Disallow: /Private"], "/private", True),
        (["User-agent: *", "Disallow: /a b"], "/a%20b", False),
        (["User-agent: *", "Disallow: /süß"], "/s%C3%BC%C3%9F", False),
        (["User-agent: *", "Disallow: /s%C3%BC%C3%9F"], "/s%c3%bc%c3%9f", False),
        (["User-agent: *", "Disallow: / # all of it"], "/", False),
        (["User-agent: *", "Disallow: /"], "/robots.txt", True),
        (["User-agent: *", "Disallow: /x\u2028Allow: /"], "/x\u2028Allow:%20/y", False),
        # spellings
        (["\ufeffUser-agent: *", "Disallow: /"], "/", False),
        (["useragent: *", "dissallow: /"], "/", False),
        (["user-agent *", "disallow /"], "/", False),
        (["  User-Agent :  *", "\tDisallow\t:\t/"], "/", False),
        (["User-agent: *", "Disallowed: /"], "/", True),
        (["<html>", "<p>User-agent: *", "Disallow: /", "</html>"], "/", True),
    ],
)  # fmt: skip
def test_rules(lines: list[str], path: str, allowed: bool) -> None:
    assert policy(*lines).allows(SITE + path) is allowed


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    assert not RobotsPolicy(f"User-agent: *{end}Disallow: /x{end}", "FooBot").allows(SITE + "/x")


def test_sitemaps_and_delay() -> None:
    found = policy(
        "Sitemap: https://shop.example/1.xml", "User-agent: *", "Crawl-delay: 7", "User-agent: FooBot",
        "Crawl-delay: 2.5", "Disallow: /x", "sitemap: https://shop.example/2.xml", "User-agent: C", "Crawl-delay: 9",
    )  # fmt: skip
    assert found.sitemaps == ("https://shop.example/1.xml", "https://shop.example/2.xml")
    assert found.crawl_delay == 2.5
    assert policy("User-agent: *", "Crawl-delay: 86400").crawl_delay == 30
    assert policy("User-agent: *", "Crawl-delay: -1").crawl_delay is None
    assert policy("User-agent: *", "Crawl-delay: nan").crawl_delay is None


def test_many_agents_with_many_rules_are_read_in_a_moment() -> None:
    lines = [f"User-agent: Bot{chr(97 + number % 26)}" for number in range(10_000)] + ["User-agent: *"]
    lines += [f"Disallow: /{number}" for number in range(20_000)]
    assert not policy(*lines).allows(SITE + "/19999")


async def test_forbidden_pages_are_not_asked_for() -> None:
    robots = answer(200, b"User-agent: WebIntelBot\nDisallow: /private\n\nUser-agent: *\nAllow: /")
    async with serve({"/robots.txt": robots, "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        await fetcher.get("http://shop.example/open")
        for path in ("/private", "/private/x", "/open/../private/y", "/open/%2e%2e/private/z"):
            error = await failure(fetcher, "http://shop.example" + path)
            assert error.code == ErrorCode.FORBIDDEN_BY_ROBOTS
        assert site.paths == ["/robots.txt", "/open"]
        assert fetcher.pages_fetched == 1
        assert fetcher.ledger.counts == {"ok": 2, "skipped": 4}
        assert {record.reason for record in fetcher.ledger if record.outcome == "skipped"} == {"forbidden_by_robots"}


async def test_robots_is_asked_about_each_hop_of_a_redirect() -> None:
    routes = {
        "/robots.txt": answer(200, b"User-agent: *\nDisallow: /private"),
        "/a": answer(302, location="/private"),
        "/b": answer(302, location="http://forbidding.example/x"),
        "*": PAGE,
    }
    async with serve(routes) as site, serve({"/robots.txt": answer(200, b"User-agent: *\nDisallow: /")}) as forbidding:
        rules = (
            ConnectTo("forbidding.example", None, "127.0.0.1", forbidding.port),
            ConnectTo(None, None, "127.0.0.1", site.port),
        )
        async with Fetcher(options_for(site, connect_to=rules)) as fetcher:
            for path in ("/a", "/b"):
                error = await failure(fetcher, "http://shop.example" + path)
                assert error.code == ErrorCode.FORBIDDEN_BY_ROBOTS
        assert site.paths == ["/robots.txt", "/a", "/b"]
        assert forbidding.paths == ["/robots.txt"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_no_robots_file_allows_everything(status: int) -> None:
    async with serve({"/robots.txt": answer(status), "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        assert (await fetcher.get("http://shop.example/x")).status == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, ErrorCode.FORBIDDEN_BY_ROBOTS),
        (503, ErrorCode.FORBIDDEN_BY_ROBOTS),
        (599, ErrorCode.FORBIDDEN_BY_ROBOTS),
        (429, ErrorCode.RATE_LIMITED),
    ],
)
async def test_an_unreadable_robots_file_forbids_everything(status: int, code: ErrorCode) -> None:
    async with serve({"/robots.txt": answer(status), "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        assert (await failure(fetcher, "http://shop.example/x")).code == code
        assert not (await fetcher.robots("http://shop.example/y")).allows("http://shop.example/y")
        assert set(site.paths) == {"/robots.txt"}


async def test_a_robots_file_that_breaks_off_forbids_everything() -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nUser-agent: *"

    async def hang_up(request, writer) -> None:
        writer.write(broken)
        writer.close()

    async with serve({"/robots.txt": hang_up, "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        assert (await failure(fetcher, "http://shop.example/x")).code == ErrorCode.INVALID_RESPONSE
        assert site.seen("/x") == 0


async def test_a_robots_file_may_be_redirected_five_times_and_elsewhere() -> None:
    elsewhere = answer(200, b"User-agent: *\nDisallow: /x")
    async with serve({"/robots.txt": elsewhere, "*": PAGE}) as other:
        routes = {f"/{number}": answer(301, location=f"/{number + 1}") for number in range(1, 4)}
        routes["/robots.txt"] = answer(301, location="/1")
        routes["/4"] = answer(301, location="http://other.example/robots.txt")
        async with serve({**routes, "*": PAGE}) as site:
            rules = (
                ConnectTo("other.example", None, "127.0.0.1", other.port),
                ConnectTo(None, None, "127.0.0.1", site.port),
            )
            async with Fetcher(options_for(site, connect_to=rules)) as fetcher:
                assert (await failure(fetcher, "http://shop.example/x")).code == ErrorCode.FORBIDDEN_BY_ROBOTS
                await fetcher.get("http://shop.example/y")
        assert other.paths == ["/robots.txt"]


async def test_a_robots_file_that_redirects_for_ever_is_none() -> None:
    async with (
        serve({"/robots.txt": answer(301, location="/robots.txt"), "*": PAGE}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert (await fetcher.get("http://shop.example/x")).status == 200
        assert site.seen("/robots.txt") == 1


async def test_only_the_beginning_of_a_large_robots_file_counts() -> None:
    body = b"User-agent: *\nDisallow: /x\n" + b"# filler\n" * 60_000 + b"Disallow: /y\n"
    async with (
        serve({"/robots.txt": answer(200, body), "*": PAGE}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert (await failure(fetcher, "http://shop.example/x")).code == ErrorCode.FORBIDDEN_BY_ROBOTS
        assert (await fetcher.get("http://shop.example/y")).status == 200
        assert len((await fetcher.robots("http://shop.example/")).text) == 500 * 1024


async def test_robots_is_fetched_once_for_each_origin() -> None:
    async with serve() as site, Fetcher(options_for(site)) as fetcher:
        await asyncio.gather(*(fetcher.get(f"http://shop.example/{number}") for number in range(8)))
        assert site.seen("/robots.txt") == 1
        await fetcher.get("http://www.shop.example/")
        await fetcher.get("http://shop.example:8080/")
        assert site.seen("/robots.txt") == 3


async def test_the_token_follows_the_user_agent() -> None:
    robots = answer(200, b"User-agent: AcmeBot\nDisallow: /")
    async with serve({"/robots.txt": robots, "*": PAGE}) as site:
        for user_agent in ("AcmeBot/2.0 (+https://acme.example/)", "Mozilla/5.0 (compatible; AcmeBot/2.0)"):
            async with Fetcher(options_for(site, user_agent=user_agent)) as fetcher:
                assert (await failure(fetcher, "http://shop.example/")).code == ErrorCode.FORBIDDEN_BY_ROBOTS
            assert site.requests[-1].headers["user-agent"] == user_agent
    assert FetchOptions().robots_token == "WebIntelBot"


async def test_an_unknown_host_is_named_as_such_and_not_as_forbidden() -> None:
    async def nobody(host: str, port: int) -> list[str]:
        return []

    async with Fetcher(FetchOptions(delay=0, allow_private=LOOPBACK), resolver=nobody) as fetcher:
        assert (await failure(fetcher, "http://shop.example/")).code == ErrorCode.DOMAIN_NOT_FOUND
