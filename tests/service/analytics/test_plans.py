"""No report, and no deletion of a site, reads a large table whole: PostgreSQL itself says what each touches."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, text

from tests.service.analytics.history import NOW, History, roll_up, selector
from webintel.analytics.dashboard_queries import DashboardQueries
from webintel.analytics.method_queries import MethodQueries
from webintel.analytics.selector_queries import SelectorQueries
from webintel.analytics.site_queries import SiteAnalyticsQueries
from webintel.db import Database
from webintel.db.engine import driver_dsn
from webintel.settings import Settings
from webintel.sites.services import SiteService

JOBS = 20_000
LARGE = {"jobs", "blueprints", "blueprint_facts", "selector_facts"}

# Jobs evenly over a year, of which one in two hundred died; their ids grow with time, as ours do.
_MANY_JOBS = text(
    """
    INSERT INTO jobs (id, created_at, updated_at, site_id, job_type, method, priority, parameters, status,
        progress_percentage, attempt_count, fence, started_at, ended_at)
    SELECT
        (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(g), 15, '0'))::uuid,
        at, at, site_id, (ARRAY['discovery', 'fingerprint', 'extraction', 'blueprint_update'])[1 + g % 4], 'auto', 50,
        '{}', CASE WHEN g % 200 = 0 THEN 'dead' ELSE 'success' END, 100, 1, 1, at, at + interval '1 minute'
    FROM (
        SELECT g, CAST(:now AS timestamptz) - g * (interval '365 days' / :jobs) AS at,
            (CAST(:sites AS uuid[]))[1 + g % cardinality(CAST(:sites AS uuid[]))] AS site_id
        FROM generate_series(1, :jobs) AS g
    ) AS made
    """
)


@pytest.fixture
async def crowded(database: Database) -> History:
    """Many jobs, and so many versions that reading them all would show."""
    history = History()
    for number in range(200):
        site = history.site(NOW - timedelta(days=400), platform="shopify", business_value_score=number / 200)
        for days in range(360, 0, -45):
            at = NOW - timedelta(days=days, minutes=number)
            rate = 0.5 if days == 45 and number % 20 == 0 else 1.0
            history.blueprint(site, at, [selector(f"field {n}", pass_rate=rate) for n in range(5)])
    await history.write(database)
    sites = [site["id"] for site in history.sites]
    async with database.transaction() as session:
        await session.execute(_MANY_JOBS, {"now": NOW, "sites": sites, "jobs": JOBS})
    await roll_up(database)
    async with database.reading() as connection:
        await connection.execute(text("ANALYZE"))
    return history


@pytest.fixture
def statements(database: Database) -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """Every statement that is executed from now on."""
    seen: list[tuple[str, tuple[Any, ...]]] = []

    def remember(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        seen.append((statement, tuple(parameters)))

    event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", remember)


Report = Callable[[Database, History, datetime], Awaitable[object]]
REPORTS: dict[str, Report] = {
    "dashboard of a day": lambda database, _, now: DashboardQueries(database).report("1d", now),
    "dashboard of a year": lambda database, _, now: DashboardQueries(database).report("1y", now),
    "methods of a year": lambda database, _, now: MethodQueries(database).report("1y", now),
    "selectors": lambda database, _, now: SelectorQueries(database).report(now),
    "a site": lambda database, history, _: SiteAnalyticsQueries(database).report(history.sites[0]["id"]),
}


@pytest.mark.parametrize("name", REPORTS)
async def test_no_report_reads_a_large_table_whole(
    database: Database,
    settings: Settings,
    crowded: History,
    statements: list[tuple[str, tuple[Any, ...]]],
    name: str,
) -> None:
    assert await REPORTS[name](database, crowded, NOW)
    assert statements
    touched: Counter[str] = Counter()
    connection = await asyncpg.connect(driver_dsn(settings.require_database_url()))
    try:
        for statement, parameters in statements:
            plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters))
            for node in nodes(plan[0]["Plan"]):
                table = node.get("Relation Name")
                assert (table not in LARGE) or node["Node Type"] != "Seq Scan", f"{table} is read whole by {statement}"
                if table:
                    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                    touched[table] += round(rows * node["Actual Loops"])
    finally:
        await connection.close()
    # 55 jobs end in a day, and each site has a hundred. Whether a dead one matters is asked for each of the hundred.
    assert touched["jobs"] < JOBS / 20, touched
    assert touched["blueprint_facts"] + touched["blueprints"] < 1600 / 4, touched


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def test_a_site_is_deleted_without_a_look_at_all_jobs(database: Database, crowded: History) -> None:
    async with database.transaction() as session:
        await SiteService(session).remove(crowded.sites[0]["id"])
        read = await session.execute(text("SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables"))
        whole = {table: rows for table, rows in read.tuples() if table in LARGE and rows}
    assert whole == {}


async def test_the_measure_finds_what_reads_everything(
    database: Database, settings: Settings, crowded: History
) -> None:
    connection = await asyncpg.connect(driver_dsn(settings.require_database_url()))
    counted = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(*) FROM jobs WHERE attempt_count > 0"
    plan = json.loads(await connection.fetchval(counted))
    await connection.close()
    found = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "jobs"]
    assert [node["Node Type"] for node in found] == ["Seq Scan"]
    assert found[0]["Actual Rows"] == JOBS
