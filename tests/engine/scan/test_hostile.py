"""What bad sites get: a named error, soon, for little memory."""

import tracemalloc

import pytest

from tests.engine.scan.visits import options_for, visit
from tests.sites import hostile
from tests.sites.hostile import HOSTILE_DOMAIN
from tests.sites.player import play
from webintel.demo.server import Site
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.scan import fingerprint_domain, scan


@pytest.mark.parametrize(
    ("site", "code"),
    [
        (hostile.forbids_all, ErrorCode.FORBIDDEN_BY_ROBOTS),
        (hostile.empty, ErrorCode.EMPTY_SITE),
        (hostile.browser_only, ErrorCode.EMPTY_SITE),
        (hostile.login_wall, ErrorCode.LOGIN_REQUIRED),
        (hostile.login_at_the_door, ErrorCode.LOGIN_REQUIRED),
        (hostile.endless_redirect, ErrorCode.TOO_MANY_REDIRECTS),
        (hostile.never_ending, ErrorCode.TOO_LARGE),
        (hostile.dripping, ErrorCode.TIMED_OUT),
        (hostile.gzip_zeros, ErrorCode.TOO_LARGE),
        (hostile.too_busy, ErrorCode.HTTP_STATUS),
        (hostile.refuses, ErrorCode.ACCESS_DENIED),
        (hostile.moved_away, ErrorCode.MOVED),
    ],
)
async def test_each_ends_with_its_own_error(site: Site, code: ErrorCode) -> None:
    with pytest.raises(EngineError) as caught:
        await visit(site, HOSTILE_DOMAIN, retries=0)
    assert caught.value.code == code
    assert HOSTILE_DOMAIN in caught.value.message or "elsewhere.test" in caught.value.message
    assert caught.value.recovery_action


@pytest.mark.parametrize("site", [hostile.gzip_zeros, hostile.never_ending])
async def test_memory_stays_small(site: Site) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(EngineError):
            await visit(site, HOSTILE_DOMAIN, retries=0, max_bytes=1 << 20)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The player's own buffer of 64 MiB of zeros counts here as well.
    assert peak < 100 << 20


@pytest.mark.parametrize("site", [hostile.broken_html, hostile.wrong_encodings])
async def test_a_site_that_is_only_badly_made_is_read(site: Site) -> None:
    result = await visit(site, HOSTILE_DOMAIN)
    assert len([fetch for fetch in result.fetches if fetch.outcome == "ok"]) > 5
    assert result.blueprint.page_types


async def test_the_charset_is_found_out_where_the_header_lies() -> None:
    result = await visit(hostile.wrong_encodings, HOSTILE_DOMAIN)
    samples = [value for selector in result.blueprint.selectors for value in selector.sample_values]
    assert any("Crème brûlée" in value for value in samples)


async def test_a_sitemap_that_lists_itself_is_read_once() -> None:
    with play(hostile.self_listing_sitemap) as site:
        result = await scan(f"http://{HOSTILE_DOMAIN}", options_for(HOSTILE_DOMAIN, site.port))
        assert site.requests.count("/sitemap.xml") == 1
        assert len(site.requests) < 60
    assert any("note" in page_type.url_pattern for page_type in result.blueprint.page_types)


async def test_nobody_at_home() -> None:
    with play(hostile.empty) as site:
        port = site.port
    with pytest.raises(EngineError) as caught:
        await scan(HOSTILE_DOMAIN, options_for(HOSTILE_DOMAIN, port, retries=0))
    assert caught.value.code in (ErrorCode.UNREACHABLE, ErrorCode.DOMAIN_NOT_FOUND)


async def test_a_fingerprint_fails_in_the_same_words() -> None:
    with play(hostile.forbids_all) as site, pytest.raises(EngineError) as caught:
        await fingerprint_domain(f"http://{HOSTILE_DOMAIN}", options_for(HOSTILE_DOMAIN, site.port))
    assert caught.value.code == ErrorCode.FORBIDDEN_BY_ROBOTS
