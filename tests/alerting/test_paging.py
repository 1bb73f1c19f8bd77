"""The service is broken on purpose, and the right page comes, once, and goes: with all programs real.

A minute of production's rules and routes takes a second here (`clock.py`); nothing else of them is changed.
"""

import asyncio
import threading
import time

import asyncpg

from tests.alerting.clock import MINUTE
from tests.alerting.conftest import World, firing
from tests.alerting.pagerduty import Incident
from webintel.db.engine import driver_dsn

SLOW_SECONDS = 1.6
RUNBOOK = {"ErrorBudgetBurnsFast": "ErrorBudgetBurns"}


def minutes(number: float) -> float:
    return number * MINUTE


def the_page(world: World, component: str, *alerts: str) -> Incident:
    """Wait for the first page, which must be this one; afterwards some time for others to come."""
    pages = world.pagerduty.pages
    world.pagerduty.until(lambda: bool(pages()), f"a page of {' or '.join(alerts)}")
    time.sleep(minutes(6))
    assert len(pages()) == 1, [str(one) for one in pages()]
    (page,) = pages()
    assert page.component == component, str(page)
    assert set(page.alerts) <= set(alerts), str(page)
    assert page.open
    assert page.events[0]["links"][0]["href"].endswith(f"/{RUNBOOK.get(page.alerts[0], page.alerts[0])}.md")
    return page


def goes(world: World, page: Incident) -> None:
    """Wait for its end, under the same key, and for what might come after it."""
    world.pagerduty.until(lambda: not page.open, f"the end of {page}")
    world.pagerduty.until(lambda: not firing(world), "nothing fires any more")
    time.sleep(minutes(3))
    assert [str(one) for one in world.pagerduty.pages()] == [str(page)]
    assert page.resolved == 1
    assert len({event["dedup_key"] for event in page.events}) == 1
    assert not world.pagerduty.refused


def test_while_all_is_well_nobody_is_paged_and_the_switch_is_held(well: World) -> None:
    held = well.pagerduty.alive
    time.sleep(minutes(15))
    assert [str(one) for one in well.pagerduty.pages()] == []
    assert well.pagerduty.alive > held
    assert not well.pagerduty.refused


def test_a_database_that_stops_is_one_page_though_all_needs_it(well: World) -> None:
    well.platform.server.stop()
    try:
        page = the_page(well, "web-intelligence", "DatabaseDown")
        assert well.prometheus.value('slo:burn_rate:5m{service="api", slo="availability"}') > 14.4
    finally:
        well.platform.server.start()
    goes(well, page)


def test_a_worker_that_is_killed_is_one_page(well: World) -> None:
    well.platform.processes.kill("worker")
    try:
        page = the_page(well, "worker", "ServiceDown")
    finally:
        well.platform.start("worker")
    goes(well, page)


def test_requests_that_become_slow_are_one_page(well: World) -> None:
    done = threading.Event()
    lock = threading.Thread(target=hold_sites, args=(well.platform.server.url, done), daemon=True)
    lock.start()
    try:
        page = the_page(well, "api", "ErrorBudgetBurnsFast")
        assert well.prometheus.value('slo:burn_rate:5m{service="api", slo="latency"}') > 14.4
        assert "latency" in page.events[0]["payload"]["summary"]
    finally:
        done.set()
        lock.join()
    goes(well, page)


def test_a_queue_that_does_not_drain_is_one_page(well: World) -> None:
    well.platform.sites.released.clear()
    try:
        for number in range(12):
            well.platform.add_site(f"silent-{number}.example")
        page = the_page(well, "worker", "QueueNotDraining")
    finally:
        well.platform.sites.released.set()
    goes(well, page)


def hold_sites(url: str, done: threading.Event) -> None:
    """Have everyone who reads sites wait, again and again, though not so long that they give up."""

    async def hold() -> None:
        connection = await asyncpg.connect(driver_dsn(url))
        while not done.is_set():
            async with connection.transaction():
                await connection.execute("LOCK TABLE sites IN ACCESS EXCLUSIVE MODE")
                await asyncio.sleep(SLOW_SECONDS)
            await asyncio.sleep(0.1)
        await connection.close()

    asyncio.run(hold())
