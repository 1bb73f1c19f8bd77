"""Totals and reports say what a count of every row says."""

import asyncio
import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import make_url, text

from tests.service.analytics import plainly
from tests.service.analytics.history import NOW, History, invent, roll_up, selector
from tests.service.conftest import MakeDatabase
from webintel.analytics import totals
from webintel.analytics.dashboard_queries import DashboardQueries
from webintel.analytics.dashboard_schemas import Dashboard
from webintel.analytics.durations import Durations
from webintel.analytics.method_queries import MethodQueries
from webintel.analytics.periods import DateRange
from webintel.analytics.totals import Totals
from webintel.db import Database, create_database
from webintel.settings import load_settings
from webintel.sites.services import SiteService

RANGES: tuple[DateRange, ...] = ("1d", "7d", "30d", "90d", "1y")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "BATCH_JOBS", 50)
    monkeypatch.setattr(totals, "BATCH_BLUEPRINTS", 20)


async def dashboard(database: Database, date_range: DateRange = "30d", now: datetime = NOW) -> Dashboard:
    return await DashboardQueries(database).report(date_range, now)


async def check(database: Database, history: History, date_range: DateRange) -> None:
    """Compare everything that the dashboard says of a period."""
    report = await dashboard(database, date_range)
    starts = plainly.starts(date_range)
    assert report.period.complete
    assert report.trends.starts_at == starts
    assert (report.period.since, report.period.until > NOW) == (starts[0], True)
    jobs = plainly.jobs(history, date_range)
    found = {
        (start, series.job_type, series.status): count
        for series in report.jobs.series
        for start, count in zip(starts, series.jobs, strict=True)
        if count
    }
    assert found == jobs
    statuses: Counter[str] = Counter()
    for (_, _, status), count in jobs.items():
        statuses[status] += count
    assert report.jobs.by_status == {**dict.fromkeys(report.jobs.by_status, 0), **statuses}
    assert report.jobs.total == statuses.total() == sum(report.trends.jobs)
    assert report.jobs.success_rate == close_to(plainly.success_rate(statuses))
    check_durations(report.discovery_time, plainly.discovery_seconds(history, date_range))
    check_durations(report.time_to_blueprint, plainly.waits(history, date_range))
    published = plainly.published(history, date_range)
    quality = report.blueprint_quality
    assert quality.blueprints == len(published) == sum(report.trends.blueprints)
    assert quality.mean_confidence == close_to(plainly.mean([b["confidence_score"] for b in published]))
    assert quality.mean_pass_rate == close_to(plainly.mean(plainly.rates(published)))
    assert quality.selectors_tested == len(plainly.rates(published))
    for number, start in enumerate(starts):
        on_that_day = [b for b in published if plainly.start_of(b["created_at"], date_range) == start]
        of_that_day: Counter[str] = Counter()
        for (at, _, status), count in jobs.items():
            of_that_day[status] += count if at == start else 0
        trends = report.trends
        assert trends.jobs[number] == of_that_day.total()
        assert trends.succeeded[number] == of_that_day["success"]
        assert trends.success_rate[number] == close_to(plainly.success_rate(of_that_day))
        assert trends.blueprints[number] == len(on_that_day)
        assert trends.mean_confidence[number] == close_to(plainly.mean([b["confidence_score"] for b in on_that_day]))
        assert trends.mean_pass_rate[number] == close_to(plainly.mean(plainly.rates(on_that_day)))


def check_durations(found: Durations, values: list[float]) -> None:
    assert found.count == len(values)
    assert found.mean_seconds == close_to(plainly.mean(values))
    if values:
        assert found.median_seconds == pytest.approx(plainly.percentile(values, 0.5), rel=0.05, abs=0.002)
        assert found.p90_seconds == pytest.approx(plainly.percentile(values, 0.9), rel=0.05, abs=0.002)
    else:
        assert found.median_seconds is found.p90_seconds is None


def close_to(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, abs=0.0011)


async def table(database: Database, columns: str, name: str) -> list[tuple[Any, ...]]:
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(f"SELECT {columns} FROM {name}"))]  # noqa: S608 - our own names


async def check_selectors(database: Database, history: History, gone: tuple[Any, ...] = ()) -> None:
    lives = {
        (born, outcome, weeks): number
        for born, outcome, weeks, number in await table(database, "born_week, outcome, weeks, lives", "selector_lives")
        if number
    }
    assert lives == plainly.lives(history, gone)
    current = {
        (row[0], row[1]): row[2:]
        for row in await table(
            database, "page_type, field_name, sites, tested, failing, pass_points", "selector_totals"
        )
        if row[2]
    }
    assert current == plainly.current(history, gone)


@pytest.mark.parametrize("seed", [1, 2])
async def test_reports_agree_with_a_count_of_every_row(database: Database, seed: int) -> None:
    history = invent(seed)
    await history.write(database)
    assert await roll_up(database) > 5
    for date_range in RANGES:
        await check(database, history, date_range)
    await check_selectors(database, history)


async def test_what_the_totals_lack_is_read_from_the_jobs(database: Database) -> None:
    history = invent(4)
    await history.write(database)
    # Totals end a day before the report; the blueprints after them have facts, as publishing leaves them.
    await roll_up(database, NOW - timedelta(hours=20))
    async with database.transaction() as session:
        await totals.measure_all(session, [blueprint["id"] for blueprint in history.blueprints])
    for date_range in RANGES:
        await check(database, history, date_range)


async def test_a_report_says_when_totals_do_not_reach_far_enough(database: Database) -> None:
    history = History()
    site = history.site(NOW - timedelta(days=30))
    history.job(site, NOW - timedelta(days=3))
    await history.write(database)
    assert not (await dashboard(database, "7d")).period.complete
    assert (await dashboard(database, "1d")).period.complete
    assert not (await MethodQueries(database).report("30d", NOW)).period.complete
    await roll_up(database)
    assert (await dashboard(database, "7d")).period.complete


async def test_adding_up_in_small_steps_as_time_passes_gives_the_same(database: Database) -> None:
    history = invent(5)
    await history.write(database)
    for hours in range(60, -1, -7):
        await roll_up(database, NOW - timedelta(hours=hours))
    await roll_up(database)
    for date_range in RANGES:
        await check(database, history, date_range)
    await check_selectors(database, history)


async def test_several_workers_count_nothing_twice(database: Database) -> None:
    history = invent(6)
    await history.write(database)
    for _ in range(40):
        await asyncio.gather(*(Totals(database).step(NOW) for _ in range(4)))
    await roll_up(database)
    for date_range in RANGES:
        await check(database, history, date_range)
    await check_selectors(database, history)


async def test_days_are_those_of_utc_wherever_the_server_is(make_database: MakeDatabase, template: str) -> None:
    url = await make_database(template)
    settings = load_settings(database_url=url)
    async with create_database(settings, role="test") as database, database.transaction() as session:
        await session.execute(text(f"ALTER DATABASE \"{make_url(url).database}\" SET timezone TO 'Pacific/Auckland'"))
    async with create_database(settings, role="test") as database:
        async with database.reading() as connection:
            assert await connection.scalar(text("SHOW timezone")) == "Pacific/Auckland"
        history = invent(7, jobs=300)
        await history.write(database)
        await roll_up(database, NOW - timedelta(hours=5))
        async with database.transaction() as session:
            await totals.measure_all(session, [blueprint["id"] for blueprint in history.blueprints])
        for date_range in ("1d", "30d"):
            await check(database, history, date_range)
        await roll_up(database)
        await check_selectors(database, history)


@pytest.mark.parametrize("rolled_up", [False, True])
async def test_a_job_counts_on_the_day_it_ended(database: Database, rolled_up: bool) -> None:
    history = History()
    midnight = NOW.replace(hour=0, minute=0, second=0)
    site = history.site(midnight - timedelta(days=20))
    tick = timedelta(microseconds=1)
    history.job(site, midnight, seconds=600)  # began yesterday
    history.job(site, midnight - tick)
    if rolled_up:
        first = midnight - timedelta(days=6)
        history.job(site, first)
        history.job(site, first - tick)  # just before the range
    await history.write(database)
    if rolled_up:
        await roll_up(database)
    report = await dashboard(database, "7d")
    assert report.trends.jobs == ([1, 0, 0, 0, 0, 1, 1] if rolled_up else [0, 0, 0, 0, 0, 1, 1])


async def test_an_empty_platform_has_a_report_without_holes(database: Database) -> None:
    for rolled_up in (False, True):
        for date_range in RANGES:
            report = await dashboard(database, date_range)
            assert len(report.trends.starts_at) == len(report.trends.jobs) == len(plainly.starts(date_range))
            assert set(report.trends.jobs) == {0}
            assert set(report.trends.success_rate) == {None}
            assert (report.jobs.total, report.jobs.success_rate, report.jobs.series) == (0, None, [])
            assert report.discovery_time == report.time_to_blueprint == Durations()
            assert (report.alerts, report.top_sites, report.sites.total) == ([], [], 0)
            assert report.period.complete
        if not rolled_up:
            await roll_up(database)


async def test_methods_agree_with_a_count_of_every_row(database: Database) -> None:
    history = invent(8)
    await history.write(database)
    await roll_up(database, NOW - timedelta(hours=20))
    platforms = {site["id"]: site["platform"] for site in history.sites}
    confidence = {b["job_id"]: b["confidence_score"] for b in history.blueprints if b["job_id"]}
    for date_range in RANGES:
        report = await MethodQueries(database).report(date_range, NOW)
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for job in plainly.within(history.jobs, "ended_at", date_range):
            if job["job_type"] in plainly.DISCOVERIES:
                groups.setdefault((job["method"], platforms[job["site_id"]]), []).append(job)
                groups.setdefault((job["method"],), []).append(job)
        found: dict[tuple[Any, ...], Any] = {(one.method,): one for one in report.methods}
        found |= {(one.method, one.platform): one for one in report.platforms}
        assert found.keys() == groups.keys()
        for key, jobs in groups.items():
            figures, statuses = found[key], Counter(job["status"] for job in jobs)
            assert figures.jobs == len(jobs)
            assert {name: getattr(figures, name) for name in statuses} == statuses
            assert figures.success_rate == close_to(plainly.success_rate(statuses))
            good = [confidence[job["id"]] for job in jobs if job["id"] in confidence]
            assert (figures.blueprints, figures.mean_confidence) == (len(good), close_to(plainly.mean(good)))


async def test_deleting_a_site_leaves_what_was_done_and_takes_what_it_has(database: Database) -> None:
    history = invent(9)
    await history.write(database)
    await roll_up(database, NOW - timedelta(days=9))
    gone = [site["id"] for site in random.Random(9).sample(history.sites, 5)]
    for number, site_id in enumerate(gone):
        async with database.transaction() as session:
            reach = await totals.hold(session)
            await totals.settle_site(session, site_id, reach, NOW)
            await session.execute(text("DELETE FROM sites WHERE id = :id"), {"id": site_id})
        if number == 2:
            await roll_up(database, NOW - timedelta(days=2))
    await roll_up(database)
    for date_range in RANGES:
        await check(database, history, date_range)
    await check_selectors(database, history, tuple(gone))


async def test_the_service_settles_a_site_before_it_deletes_it(database: Database) -> None:
    history = History()
    now = datetime.now(NOW.tzinfo)
    site = history.site(now - timedelta(days=2))
    history.job(site, now - timedelta(minutes=2))
    history.blueprint(site, now - timedelta(minutes=2), [selector("price", pass_rate=0.5)])
    await history.write(database)
    async with database.transaction() as session:
        await SiteService(session).remove(site["id"])
    report = await dashboard(database, "1d", now)
    assert (report.jobs.total, report.blueprint_quality.mean_pass_rate, report.sites.total) == (1, 0.5, 0)
    assert await table(database, "sites, failing", "selector_totals") == [(0, 0)]
    assert sorted(await table(database, "outcome, lives", "selector_lives")) == [("alive", 0), ("withdrawn", 1)]


async def test_deleting_sites_while_totals_grow_loses_and_doubles_nothing(database: Database) -> None:
    history = invent(10, sites=20)
    await history.write(database)

    async def remove(site: dict[str, Any]) -> None:
        async with database.transaction() as session:
            reach = await totals.hold(session)
            await totals.settle_site(session, site["id"], reach, NOW)
            await session.execute(text("DELETE FROM sites WHERE id = :id"), {"id": site["id"]})

    gone = history.sites[::2]
    growing = asyncio.create_task(roll_up(database))
    await asyncio.gather(*(remove(site) for site in gone[:5]))
    await growing
    await asyncio.gather(roll_up(database), *(remove(site) for site in gone[5:]))
    await roll_up(database)
    await check(database, history, "1y")
    await check_selectors(database, history, tuple(site["id"] for site in gone))


async def test_hourly_totals_are_forgotten_and_daily_ones_kept(database: Database) -> None:
    history = invent(11, jobs=200)
    await history.write(database)
    await roll_up(database)
    kept = await table(database, "DISTINCT width", "job_totals WHERE starts_at < timestamptz '2026-11-26'")
    assert kept == [("day",)]
    later = NOW + timedelta(days=4)
    await roll_up(database, later)
    assert await table(database, "DISTINCT width", "job_totals") == [("day",)]
    assert (await dashboard(database, "30d", later)).jobs.total > 0


async def test_versions_whose_ids_are_out_of_order_are_measured_in_theirs(database: Database) -> None:
    history = History()
    site = history.site(NOW - timedelta(days=9))
    for number, form in enumerate((0, 0, 1)):
        history.blueprint(site, NOW - timedelta(days=3), [selector("price", form)], id=totals.first_id(
            NOW - timedelta(days=2 + number)))  # fmt: skip
    await history.write(database)
    await roll_up(database)
    facts = await table(database, "version, since_version", "selector_facts ORDER BY version")
    assert facts == [(1, 1), (2, 1), (3, 3)]
    lives = await table(database, "outcome, lives, versions", "selector_lives WHERE lives > 0 ORDER BY outcome")
    assert lives == [("alive", 1, 0), ("changed", 1, 2)]
    assert (await table(database, "DISTINCT born_week", "selector_lives"))[0] == (date(2026, 11, 23),)


async def test_a_selector_of_no_field_keeps_nothing_else_from_being_measured(database: Database) -> None:
    history = History()
    nameless = selector("price", 0) | {"page_type": None}
    for selectors in ([nameless, selector("name", 0)], [selector("price", 0)]):
        history.blueprint(history.site(NOW - timedelta(days=9)), NOW - timedelta(days=3), selectors)
    await history.write(database)
    await roll_up(database)
    facts = await table(database, "field_name", "selector_facts ORDER BY field_name")
    assert facts == [("name",), ("price",)]
