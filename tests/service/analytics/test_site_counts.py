"""Counts of sites are kept for a while, and say from when they are."""

import asyncio

import httpx

from tests.service.conftest import MakeSite
from webintel.analytics.site_counts import LONGEST_SECONDS, SiteCounting
from webintel.db import Database


async def test_a_count_is_kept_the_longer_the_more_sites_there_are(database: Database, make_site: MakeSite) -> None:
    now = 0.0
    counting = SiteCounting(database, seconds_per_site=LONGEST_SECONDS / 4, clock=lambda: now)
    assert (await counting.counts()).total == 0
    await make_site("one.example", platform="shopify")
    await make_site("two.example", status="ready")
    two = await counting.counts()
    assert (two.total, two.by_status["ready"], two.by_status["failed"]) == (2, 1, 0)
    assert [(one.platform, one.sites) for one in two.by_platform] == [("shopify", 1), (None, 1)]
    for number in range(4):
        await make_site(f"more-{number}.example", platform="shopify")
    now += LONGEST_SECONDS / 2 - 1
    assert await counting.counts() == two
    now += 1
    six = await counting.counts()
    assert (six.total, six.as_of > two.as_of) == (6, True)
    await make_site("last.example")
    now += LONGEST_SECONDS - 1
    assert await counting.counts() == six
    now += 1
    assert (await counting.counts()).total == 7


async def test_who_asks_at_the_same_time_shares_a_count(database: Database, make_site: MakeSite) -> None:
    await make_site()
    counting = SiteCounting(database, seconds_per_site=LONGEST_SECONDS)
    counts = await asyncio.gather(*(counting.counts() for _ in range(5)))
    assert len({count.as_of for count in counts}) == 1


async def test_of_few_sites_the_overview_knows_each_at_once(viewer: httpx.AsyncClient, make_site: MakeSite) -> None:
    for number in range(1, 4):
        await make_site(f"shop-{number}.example")
        sites = (await viewer.get("/api/v1/analytics/dashboard")).json()["sites"]
        assert sites["total"] == number
        assert sites["as_of"]
