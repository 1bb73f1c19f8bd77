import pytest

from tests.engine.scan.visits import options_for
from tests.sites.player import document, play
from webintel.demo.server import Reply, Request, Site
from webintel.engine.connect import connect, start_urls
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch import ConnectTo, Fetcher, FetchOptions


@pytest.mark.parametrize(
    ("domain", "urls"),
    [
        (
            "shop.test",
            ["https://shop.test/", "http://shop.test/", "https://www.shop.test/", "http://www.shop.test/"],
        ),
        ("WWW.Shop.Test", ["https://www.shop.test/", "http://www.shop.test/"]),
        ("http://shop.test/", ["http://shop.test/", "http://www.shop.test/"]),
        ("deep.shop.test:8443", ["https://deep.shop.test:8443/", "http://deep.shop.test:8443/"]),
        ("bücher.test", ["https://xn--bcher-kva.test/", "http://xn--bcher-kva.test/"]),
    ],
)
def test_where_a_site_may_begin(domain: str, urls: list[str]) -> None:
    assert start_urls(domain)[: len(urls)] == urls


@pytest.mark.parametrize("domain", ["", " ", "shop", "shop.test/page", "10.0.0.1", "me@shop.test", "shop..test"])
def test_what_is_no_domain(domain: str) -> None:
    with pytest.raises(EngineError) as caught:
        start_urls(domain)
    assert caught.value.code == ErrorCode.INVALID_DOMAIN


def _redirecting(target: str) -> Site:
    def site(request: Request) -> Reply:
        if request.path == "/robots.txt":
            return Reply(status=404)
        if f"//{request.host}/" in target or request.path == "/welcome":
            return Reply(document("Here", f"<h1>{request.host}</h1>"))
        return Reply(status=301, headers={"Location": target})

    return site


@pytest.mark.parametrize("target", ["http://www.shop.test/", "http://store.shop.test/", "/welcome"])
async def test_a_redirect_within_the_site_is_followed(target: str) -> None:
    with play(_redirecting(target)) as site:
        rule = ConnectTo.parse(f":80:127.0.0.1:{site.port}")
        options = FetchOptions(delay=0.0, connect_to=(rule,), allow_private=("127.0.0.0/8",))
        async with Fetcher(options) as fetcher:
            response = await connect(fetcher, "http://shop.test")
    assert response.url.endswith(target)


async def test_http_where_https_is_not_to_be_had() -> None:
    with play(_redirecting("/welcome")) as site:
        # The same plain server stands behind both ports, so that https fails at its first byte.
        rules = tuple(ConnectTo.parse(f"shop.test:{port}:127.0.0.1:{site.port}") for port in (80, 443))
        options = FetchOptions(delay=0.0, retries=0, connect_to=rules, allow_private=("127.0.0.0/8",))
        async with Fetcher(options) as fetcher:
            response = await connect(fetcher, "shop.test")
    assert response.url == "http://shop.test/welcome"


async def test_the_failure_that_came_nearest_is_told() -> None:
    with play(lambda _request: Reply(status=503)) as site:
        options = options_for("shop.test", site.port, retries=0)
        async with Fetcher(options) as fetcher:
            with pytest.raises(EngineError) as caught:
                await connect(fetcher, "http://shop.test")
    assert "503" in caught.value.message
