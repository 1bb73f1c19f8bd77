"""Pace, retries, redirects, walls, budgets, cookies: how a guest behaves, and what is written down about it."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.engine.fetch.loopback import PAGE, answer, failure, options_for, serve
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch import ConnectTo, Fetcher
from webintel.engine.fetch.ledger import Ledger
from webintel.engine.fetch.pacing import Pacer, parse_retry_after
from webintel.engine.model import FetchRecord

URL = "http://shop.example/x"


async def elapsed(awaitable: Awaitable[object]) -> float:
    start = time.monotonic()
    await awaitable
    return time.monotonic() - start


async def test_requests_to_one_host_keep_their_distance() -> None:
    async with serve() as site, Fetcher(options_for(site, delay=0.1)) as fetcher:
        pages = (fetcher.get(f"http://shop.example/{number}") for number in range(4))
        # robots.txt starts at once, and the pages one delay after the other.
        assert await elapsed(asyncio.gather(*pages)) >= 0.4


async def test_a_crawl_delay_is_kept() -> None:
    robots = answer(200, b"User-agent: *\nCrawl-delay: 0.1")
    async with serve({"/robots.txt": robots, "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        pages = (fetcher.get(f"http://shop.example/{number}") for number in range(4))
        assert await elapsed(asyncio.gather(*pages)) >= 0.3


async def test_turns_are_given_from_start_to_start_and_host_by_host() -> None:
    now = 100.0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    pacer = Pacer(clock=lambda: now, sleep=sleep)
    await pacer.turn("a", 2.0)
    await pacer.turn("b", 2.0)
    assert slept == []
    now += 0.5
    await pacer.turn("a", 2.0)
    assert slept == [1.5]
    pacer.hold("b", 5.0)
    pacer.hold("b", 1.0)
    await pacer.turn("b", 2.0)
    assert slept == [1.5, 5.0]
    assert pacer.waiting_time("b") == 2.0
    assert pacer.waiting_time("c") == 0.0


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    busy = answer(status, b"busy")
    async with serve({"/x": [busy, busy, PAGE]}) as site, Fetcher(options_for(site)) as fetcher:
        assert (await fetcher.get(URL)).status == 200
        assert site.seen("/x") == 3
        assert fetcher.pages_fetched == 1


@pytest.mark.parametrize(
    ("status", "code", "attempts"),
    [
        (400, ErrorCode.HTTP_STATUS, 1),
        (401, ErrorCode.LOGIN_REQUIRED, 1),
        (403, ErrorCode.ACCESS_DENIED, 1),
        (404, ErrorCode.HTTP_STATUS, 1),
        (410, ErrorCode.HTTP_STATUS, 1),
        (451, ErrorCode.ACCESS_DENIED, 1),
        (500, ErrorCode.HTTP_STATUS, 1),
        (304, ErrorCode.HTTP_STATUS, 1),
        (302, ErrorCode.HTTP_STATUS, 1),
        (429, ErrorCode.RATE_LIMITED, 3),
        (503, ErrorCode.HTTP_STATUS, 3),
    ],
)
async def test_bad_statuses_have_names(status: int, code: ErrorCode, attempts: int) -> None:
    async with serve({"/x": answer(status)}) as site, Fetcher(options_for(site)) as fetcher:
        error = await failure(fetcher, URL)
        assert error.code == code
        assert str(status) in error.message
        assert site.seen("/x") == attempts
        record = list(fetcher.ledger)[-1]
        assert (record.url, record.outcome, record.status, record.reason) == (URL, "failed", status, code)


async def test_retry_after_is_waited_for() -> None:
    async with (
        serve({"/x": [answer(429, retry_after="1"), PAGE], "*": PAGE}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert await elapsed(fetcher.get(URL)) >= 1
        assert site.seen("/x") == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_a_long_retry_after_is_respected_by_staying_away(status: int) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    async with (
        serve({"/x": answer(status, retry_after=when), "*": PAGE}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert (await failure(fetcher, URL)).code in {ErrorCode.RATE_LIMITED, ErrorCode.HTTP_STATUS}
        error = await failure(fetcher, "http://shop.example/y")
        assert error.code == ErrorCode.RATE_LIMITED
        assert site.paths == ["/robots.txt", "/x"]
        assert (await fetcher.get("http://other.example/")).status == 200


def test_retry_after_values() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert parse_retry_after("120", now) == 120
    assert parse_retry_after(" 0 ", now) == 0
    assert parse_retry_after("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30
    assert parse_retry_after("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0
    assert parse_retry_after("9" * 400, now) == 9_999_999_999
    for value in (None, "", "soon", "-5", "1.5", "٣", "Thu, 99 Jan 2026"):
        assert parse_retry_after(value, now) is None


async def test_conditional_requests() -> None:
    async def cached(request, writer) -> None:
        fresh = request.headers.get("if-none-match") == '"v1"'
        fresh = fresh or request.headers.get("if-modified-since") == "Thu, 01 Jan 2026 12:00:00 GMT"
        writer.write(answer(304, etag='"v1"') if fresh else PAGE)

    async with (
        serve({"/x": cached, "/old": answer(301, location="/x")}) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert (await fetcher.get(URL)).status == 200
        response = await fetcher.get(URL, etag='"v1"')
        assert (response.status, response.body, response.header("ETag")) == (304, b"", '"v1"')
        assert (await fetcher.get(URL, last_modified="Thu, 01 Jan 2026 12:00:00 GMT")).status == 304
        # The caller's copy is of another URL than the one that answers in the end.
        assert (await fetcher.get("http://shop.example/old", etag='"v1"')).status == 200
        assert (await fetcher.get(URL, etag='"v1"\r\nX-Injected: 1')).status == 200
        assert not any("x-injected" in request.headers for request in site.requests)
        assert fetcher.ledger.counts["not_modified"] == 2


async def test_redirects_are_followed_and_written_down() -> None:
    routes = {
        "/a": answer(301, location="b"),
        "/b": answer(307, location="http://www.shop.example/c%20d?e#f"),
        "/c%20d?e": PAGE,
    }
    async with serve(routes) as site, Fetcher(options_for(site)) as fetcher:
        response = await fetcher.get("http://shop.example/a#top")
        assert response.requested_url == "http://shop.example/a#top"
        assert response.url == "http://www.shop.example/c%20d?e"
        assert response.redirects == ("http://shop.example/a", "http://shop.example/b")
        outcomes = [(record.url, record.outcome) for record in fetcher.ledger if "robots" not in record.url]
        assert outcomes == [
            ("http://shop.example/a", "redirected"),
            ("http://shop.example/b", "redirected"),
            ("http://www.shop.example/c%20d?e", "ok"),
        ]
        assert fetcher.pages_fetched == 1


async def test_a_redirect_loop_is_named() -> None:
    routes = {"/x": answer(302, location="/y"), "/y": answer(302, location="/x")}
    async with serve(routes) as site, Fetcher(options_for(site)) as fetcher:
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.TOO_MANY_REDIRECTS
        assert "loop" in error.message
        assert site.paths == ["/robots.txt", "/x", "/y"]


async def test_endless_redirects_end() -> None:
    async def onwards(request, writer) -> None:
        writer.write(answer(302, location=request.path + "x"))

    async with serve({"*": onwards}) as site, Fetcher(options_for(site, max_redirects=4)) as fetcher:
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.TOO_MANY_REDIRECTS
        assert "more than 4 times" in error.message
        assert len(site.paths) == 1 + 5


async def test_a_shop_that_insists_on_a_cookie_gets_one() -> None:
    async def insisting(request, writer) -> None:
        if "session=abc" in request.headers.get("cookie", ""):
            writer.write(PAGE)
        else:
            writer.write(answer(302, location=request.path, set_cookie="session=abc; Path=/; Domain=example; HttpOnly"))

    async with serve({"/x": insisting}) as site, serve() as other:
        rules = (
            ConnectTo("other.example", None, "127.0.0.1", other.port),
            ConnectTo(None, None, "127.0.0.1", site.port),
        )
        async with Fetcher(options_for(site, connect_to=rules)) as fetcher:
            assert (await fetcher.get(URL)).status == 200
            await fetcher.get("http://other.example/")
        assert not any("cookie" in request.headers for request in other.requests)


async def test_cookies_are_bounded_and_expire() -> None:
    many = "".join(f"Set-Cookie: c{number}={'v' * 900}\r\n" for number in range(100)).encode()
    hostile = b"Set-Cookie: bad name=1\r\nSet-Cookie: x=a\tb\r\nSet-Cookie: big=" + b"v" * 5000 + b"\r\n"
    page = PAGE.replace(b"\r\n", b"\r\n" + many[:60_000].rpartition(b"Set-Cookie")[0] + hostile, 1)
    clear = PAGE.replace(
        b"\r\n", b"\r\nSet-Cookie: gone=; Max-Age=0\r\nSet-Cookie: old=; Expires=Thu, 01-Jan-1970 00:00:00 GMT\r\n", 1
    )
    routes = {
        "/many": page,
        "/set": answer(200, b"x", set_cookie="gone=1"),
        "/set2": answer(200, b"x", set_cookie="old=1"),
        "/secure": answer(200, b"x", set_cookie="secret=1; Secure"),
        "/clear": clear,
        "*": PAGE,
    }
    async with serve(routes) as site, Fetcher(options_for(site)) as fetcher:
        await fetcher.get("http://shop.example/many")
        await fetcher.get("http://shop.example/")
        cookie = site.requests[-1].headers["cookie"]
        assert "bad" not in cookie
        assert "big" not in cookie
        assert len(cookie) <= 8192
        for path in ("set", "set2", "secure"):
            await fetcher.get(f"http://small.example/{path}")
        assert site.requests[-1].headers["cookie"] == "gone=1; old=1"
        await fetcher.get("http://small.example/clear")
        await fetcher.get("http://small.example/")
        assert "cookie" not in site.requests[-1].headers


@pytest.mark.parametrize(
    "location",
    [
        "/login",
        "/account/login?return=/x",
        "/customer/account/signin/",
        "/users/sign_in",
        "/wp-login.php",
        "/Account/LogOn.aspx",
        "https://login.example/x",
        "https://accounts.shop.example/oauth/authorize",
    ],
)
async def test_a_login_wall_is_named_and_not_visited(location: str) -> None:
    async with serve({"/x": answer(302, location=location), "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        error = await failure(fetcher, URL)
        assert error.code == ErrorCode.LOGIN_REQUIRED
        assert site.paths == ["/robots.txt", "/x"]


async def test_a_login_page_that_was_asked_for_may_redirect_to_itself() -> None:
    async with (
        serve(
            {"/login": answer(302, location="/login/form"), "/x": answer(302, location="/logins-explained"), "*": PAGE}
        ) as site,
        Fetcher(options_for(site)) as fetcher,
    ):
        assert (await fetcher.get("http://shop.example/login")).url == "http://shop.example/login/form"
        assert (await fetcher.get(URL)).url == "http://shop.example/logins-explained"


@pytest.mark.parametrize(
    "response",
    [
        answer(403, b"<html><title>Just a moment...</title>", server="cloudflare"),
        answer(503, b"<html><title>Just a moment...</title><script src='/cdn-cgi/challenge-platform/x'></script>"),
        answer(429, b"<script src='https://geo.captcha-delivery.com/captcha/'></script>", retry_after="0"),
        answer(403, b"forbidden"),
        answer(200, b"<title>Just a moment...</title>"),
        answer(200, b"<p>hi</p>", cf_mitigated="challenge"),
        answer(200, b'<html><body><iframe src="/_Incapsula_Resource?x"></iframe></body></html>'),
    ],
)
async def test_a_challenge_is_access_denied_at_once(response: bytes) -> None:
    async with serve({"/x": response}) as site, Fetcher(options_for(site)) as fetcher:
        assert (await failure(fetcher, URL)).code == ErrorCode.ACCESS_DENIED
        assert site.seen("/x") == 1


async def test_a_contact_form_with_a_captcha_is_a_page() -> None:
    body = b'<title>Contact</title><a href="/">home</a><form><div class="g-recaptcha"></div></form>'
    async with serve({"/x": answer(200, body)}) as site, Fetcher(options_for(site)) as fetcher:
        assert (await fetcher.get(URL)).body == body


async def test_pages_are_counted_and_capped() -> None:
    async with serve() as site, Fetcher(options_for(site, max_pages=3)) as fetcher:
        results = await asyncio.gather(
            *(fetcher.get(f"http://shop.example/{number}") for number in range(5)), return_exceptions=True
        )
        codes = [result.code for result in results if isinstance(result, EngineError)]
        assert codes == [ErrorCode.BUDGET_EXHAUSTED] * 2
        assert (fetcher.pages_fetched, fetcher.pages_left) == (3, 0)
        assert len(site.paths) == 1 + 3
        assert (await fetcher.get("http://shop.example/sitemap.xml", purpose="sitemap")).status == 200
        assert fetcher.ledger.counts["skipped"] == 2


async def test_probes_have_a_cap_of_their_own() -> None:
    async with serve() as site, Fetcher(options_for(site, max_pages=1)) as fetcher:
        for number in range(100):
            await fetcher.get(f"http://shop.example/{number}", purpose="probe")
        error = await failure(fetcher, URL, purpose="probe")
        assert error.code == ErrorCode.BUDGET_EXHAUSTED
        assert fetcher.pages_left == 1


async def test_time_runs_out() -> None:
    async def slow(request, writer) -> None:
        await asyncio.sleep(30)

    async with serve({"/slow": slow, "*": PAGE}) as site:
        async with Fetcher(options_for(site, max_seconds=0.4)) as fetcher:
            assert (await fetcher.get(URL)).status == 200
            assert 0 < fetcher.seconds_left < 0.4
            assert (await failure(fetcher, "http://shop.example/slow")).code == ErrorCode.BUDGET_EXHAUSTED
            assert fetcher.seconds_left == 0
            assert (await failure(fetcher, URL)).code == ErrorCode.BUDGET_EXHAUSTED
        # Neither a turn nor a pause that the time does not allow is waited for.
        async with Fetcher(options_for(site, max_seconds=1, delay=30)) as fetcher:
            assert (await failure(fetcher, URL)).code == ErrorCode.BUDGET_EXHAUSTED
        assert site.seen("/slow") == 1


async def test_every_url_leaves_a_record() -> None:
    routes = {"/x": PAGE, "/gone": answer(410), "/moved": answer(301, location="/x")}
    async with serve(routes) as site, Fetcher(options_for(site)) as fetcher:
        await fetcher.get(URL)
        await fetcher.get("http://shop.example/moved")
        await failure(fetcher, "http://shop.example/gone")
        await failure(fetcher, "not a url")
        fetcher.skip("http://shop.example/?sort=up", "parameter", "sorts the same items")
        assert [(record.url, record.outcome, record.reason) for record in fetcher.ledger] == [
            ("http://shop.example/robots.txt", "failed", "http_status"),
            (URL, "ok", None),
            ("http://shop.example/moved", "redirected", None),
            (URL, "ok", None),
            ("http://shop.example/gone", "failed", "http_status"),
            ("not a url", "failed", "invalid_url"),
            ("http://shop.example/?sort=up", "skipped", "parameter"),
        ]


def test_the_ledger_is_bounded() -> None:
    ledger = Ledger(limit=3)
    for number in range(5):
        ledger.add(FetchRecord(url=f"{number}" * 5000, outcome="skipped", detail="d" * 5000))
    assert (len(ledger), ledger.dropped, ledger.counts["skipped"]) == (3, 2, 5)
    assert all(len(record.url) == 2000 and len(record.detail or "") == 300 for record in ledger)


async def test_a_cancelled_fetch_leaves_nothing_open() -> None:
    arrived = asyncio.Event()

    async def slow(request, writer) -> None:
        arrived.set()
        await asyncio.sleep(30)

    async with serve({"/slow": slow, "*": PAGE}) as site, Fetcher(options_for(site)) as fetcher:
        task = asyncio.create_task(fetcher.get("http://shop.example/slow"))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(fetcher.ledger)[-1].reason == "cancelled"
        assert (await fetcher.get(URL)).status == 200


async def test_the_path_is_sent_as_it_was_judged() -> None:
    async with serve() as site, Fetcher(options_for(site)) as fetcher:
        await fetcher.get('http://shop.example/a/../b//[c]|{d}"%7e?q=[1]|{2}%zz&x=ä')
        assert site.paths[-1] == "/b//[c]|%7Bd%7D%22%7e?q=[1]|{2}%25zz&x=%C3%A4"
        assert site.requests[-1].headers["host"] == "shop.example"
