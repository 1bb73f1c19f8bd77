"""The calls, from a site's registration to its report."""

import uuid
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from sqlalchemy import text, update

from tests.service.analytics.history import History, roll_up, selector
from tests.service.api_fixtures import check_problem
from tests.service.blueprints.test_blueprints import content
from tests.service.blueprints.test_blueprints import selector as engine_selector
from tests.service.conftest import MakeSite
from webintel.analytics.dashboard_schemas import Dashboard
from webintel.analytics.schemas import MethodReport, SelectorReport, SiteReport
from webintel.analytics.selector_queries import lifetime
from webintel.blueprints.services import BlueprintService
from webintel.db import Database
from webintel.db.writes import connection_of
from webintel.engine.errors import EngineError, ErrorCode
from webintel.jobs.models import Job
from webintel.jobs.runs import JobRuns, Run
from webintel.jobs.services import JobService
from webintel.worker.pgqueuer import PgQueuerQueue
from webintel.worker.task import nothing

URL = "/api/v1/analytics"


async def read(client: httpx.AsyncClient, path: str, kind: type, **params: str) -> object:
    response = await client.get(f"{URL}/{path}", params=params)
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=kind, strict=True)


async def started(database: Database, runs: JobRuns, site_id: uuid.UUID, job_type: str = "discovery") -> Run:
    async with database.transaction() as session:
        new = await JobService().start(await connection_of(session), site_id=site_id, job_type=job_type)
        job = await session.get_one(Job, new.id)
    return await claimed(runs, job)


async def claimed(runs: JobRuns, job: Job) -> Run:
    run = await runs.claim(job.id, job.queue_id or 0, bury=lambda _run: nothing)
    assert isinstance(run, Run)
    return run


@pytest.fixture
def runs(database: Database) -> JobRuns:
    return JobRuns(database, PgQueuerQueue(), max_attempts=2, retry_base=timedelta(minutes=1))


async def test_what_the_service_does_shows_at_once(
    viewer: httpx.AsyncClient, database: Database, make_site: MakeSite, runs: JobRuns
) -> None:
    site = await make_site(platform="shopware", business_value_score=0.9)
    run = await started(database, runs, site.id)
    found = content("shoes")
    found = msgspec.structs.replace(
        found, selectors=[msgspec.structs.replace(one, pages_tested=4, test_pass_rate=0.75) for one in found.selectors]
    )

    async def publish(session: object) -> dict[str, object]:
        await BlueprintService().publish(session, site_id=site.id, content=found, job_id=run.job_id)  # type: ignore[arg-type]
        return {}

    await runs.succeed(run, {}, publish)
    await runs.fail(
        await started(database, runs, site.id, "fingerprint"), EngineError(ErrorCode.MOVED, "Away."), nothing
    )
    async with database.transaction() as session:
        job = await JobService().start(await connection_of(session), site_id=site.id, job_type="extraction")
        await JobService().cancel(session, job.id)
    for date_range in ("1d", "7d", "30d", "90d", "1y"):
        report = await read(viewer, "dashboard", Dashboard, date_range=date_range)
        assert isinstance(report, Dashboard)
        ended = {(series.job_type, series.status): series.total for series in report.jobs.series}
        assert ended == {
            ("discovery", "success"): 1,
            ("fingerprint", "failed"): 1,
            ("extraction", "cancelled"): 1,
        }
        assert report.jobs.success_rate == 0.5
        assert report.trends.jobs[-1] + report.trends.jobs[-2] == 3  # it may strike midnight meanwhile
        assert report.discovery_time.count == report.time_to_blueprint.count == 1
        assert report.blueprint_quality.mean_pass_rate == 0.75
        assert report.sites.by_platform[0].platform == "shopware"
        assert [(top.domain, top.mean_pass_rate) for top in report.top_sites] == [("shop.example", 0.75)]
        assert report.period.complete
    methods = await read(viewer, "methods", MethodReport)
    assert isinstance(methods, MethodReport)
    assert [(one.method, one.success, one.blueprints) for one in methods.methods] == [("auto", 1, 1)]
    assert methods.platforms[0].platform == "shopware"
    one = await read(viewer, f"sites/{site.id}", SiteReport)
    assert isinstance(one, SiteReport)
    assert [(d.job_id, d.status, d.blueprint_version) for d in one.discoveries] == [(run.job_id, "success", 1)]
    assert one.time_to_blueprint_seconds is not None
    assert one.discovery_time.count == 1
    assert [(s.field_name, s.pass_rates, s.since_version) for s in one.selectors] == [("title", [0.75], 1)]


async def test_a_retried_job_counts_once_and_a_dead_one_needs_a_person(
    viewer: httpx.AsyncClient, database: Database, make_site: MakeSite, runs: JobRuns
) -> None:
    site = await make_site()
    error = EngineError(ErrorCode.TIMED_OUT, "It took too long.")
    run = await started(database, runs, site.id)
    await runs.fail(run, error, nothing)
    report = await read(viewer, "dashboard", Dashboard)
    assert isinstance(report, Dashboard)
    assert (report.jobs.total, report.alerts) == (0, [])
    assert [(b.job_type, b.queued) for b in report.backlog if b.queued] == [("discovery", 1)]
    async with database.transaction() as session:
        await session.execute(update(Job).values(next_retry_at=None))
        job = await session.get_one(Job, run.job_id)
    await runs.fail(await claimed(runs, job), error, nothing)
    report = await read(viewer, "dashboard", Dashboard)
    assert isinstance(report, Dashboard)
    assert (report.jobs.total, report.jobs.by_status["dead"]) == (1, 1)
    assert [(alert.kind, alert.count) for alert in report.alerts] == [("jobs_dead", 1)]
    item = report.alerts[0].items[0]
    assert (item.site_id, item.job_id) == (site.id, job.id)
    assert item.sentence == "The discovery job of shop.example was given up after 2 attempts (timed_out)."
    # Whoever retries it has taken care of it.
    async with database.transaction() as session:
        await JobService().retry(session, job.id)
    report = await read(viewer, "dashboard", Dashboard)
    assert isinstance(report, Dashboard)
    assert report.alerts == []


async def test_what_needs_a_person_is_named_with_ids_and_a_sentence(
    viewer: httpx.AsyncClient, database: Database
) -> None:
    now = datetime.now(UTC)
    history = History()
    failed = history.site(now - timedelta(days=50), status="failed")
    review = history.site(now - timedelta(days=50), status="review")
    fell = history.site(now - timedelta(days=50), status="ready")
    idle = history.site(now - timedelta(days=90), status="ready", last_discovered_at=now - timedelta(days=31))
    history.site(now - timedelta(days=90), status="ready", last_discovered_at=now - timedelta(days=29))
    recovered = history.site(now - timedelta(days=50), status="ready")
    history.blueprint(review, now - timedelta(days=5), [selector("price")], confidence_score=0.3)
    for site, rates in ((fell, (1.0, 0.4)), (recovered, (1.0, 0.4, 1.0)), (idle, (1.0, 0.95))):
        for number, rate in enumerate(rates):
            history.blueprint(site, now - timedelta(days=9 - number), [selector("price", 0, rate), selector("name")])
    waiting = history.job(failed, None, created_at=now - timedelta(hours=3), status="queued")
    history.job(review, None, created_at=now - timedelta(minutes=3), status="queued")
    await history.write(database)
    await roll_up(database, now)
    report = await read(viewer, "dashboard", Dashboard)
    assert isinstance(report, Dashboard)
    found = {alert.kind: alert for alert in report.alerts}
    assert {kind: [item.site_id for item in alert.items] for kind, alert in found.items()} == {
        "jobs_waiting": [failed["id"]],
        "sites_failed": [failed["id"]],
        "sites_in_review": [review["id"]],
        "selectors_fell": [fell["id"]],
        "sites_not_discovered": [idle["id"]],
    }
    assert all(alert.count == 1 and alert.count_is_exact and alert.sentence for alert in report.alerts)
    assert [alert.severity for alert in report.alerts] == ["critical", "critical", "warning", "warning", "warning"]
    assert found["jobs_waiting"].items[0].job_id == waiting["id"]
    assert found["selectors_fell"].items[0].sentence == (
        f"In version 2 of {fell['domain']} pass on fewer pages: detail.price."
    )
    assert found["selectors_fell"].items[0].blueprint_id
    assert found["sites_in_review"].items[0].sentence == (
        f"{review['domain']} has to be reviewed: its blueprint's confidence is 0.30."
    )


async def test_selectors_that_fail_are_named_with_how_they_do(viewer: httpx.AsyncClient, database: Database) -> None:
    now = datetime.now(UTC)
    history = History()
    for number in range(3):
        site = history.site(now - timedelta(days=60))
        for days, rate in ((55, 0.9), (2, 0.3 if number else 0.9)):
            versions = [selector("price", number, rate), selector("name", 0, 1.0)]
            history.blueprint(site, now - timedelta(days=days), versions)
    await history.write(database)
    await roll_up(database, now)
    report = await read(viewer, "selectors", SelectorReport)
    assert isinstance(report, SelectorReport)
    assert report.complete
    (price,) = report.failing
    assert (price.page_type, price.field_name, price.sites, price.tested, price.failing) == ("detail", "price", 3, 3, 2)
    assert (price.mean_pass_rate, price.change) == (0.5, -0.4)
    assert len(price.trend) == 12
    assert sum(week.tested for week in price.trend) == 6
    assert (report.lifetime.alive, report.lifetime.changed) == (6, 0)
    assert {one.share for one in report.lifetime.survival if one.weeks <= 4} == {1.0}


def test_survival_takes_those_that_still_live_into_account() -> None:
    today = datetime(2026, 11, 30, tzinfo=UTC).date()
    born = today - timedelta(weeks=10)
    lives = [
        (born, "changed", 2, 5, 10),
        (born, "removed", 4, 1, 2),
        (born, "withdrawn", 3, 2, 4),
        (born, "alive", 0, 2, 0),
    ]
    found = lifetime(lives, born, today)
    shares = {one.weeks: one.share for one in found.survival}
    # Ten at risk, five of them end in their third week; two leave unjudged; of the three that are left one ends.
    assert (shares[1], shares[2]) == (1.0, 1.0)
    assert shares[4] == 0.5
    assert shares[8] == pytest.approx(0.3333, abs=0.0001)
    assert shares[13] is None
    assert (found.median_weeks, found.mean_versions) == (3, 2.0)


async def test_a_site_shows_its_selectors_over_versions(viewer: httpx.AsyncClient, database: Database) -> None:
    now = datetime.now(UTC)
    history = History()
    site = history.site(now - timedelta(days=60))
    for number in range(25):
        selectors = [selector("price", number // 20, 1 - number / 100)]
        if number % 2:
            selectors.append(selector("brand", tested=0))
        history.blueprint(site, now - timedelta(days=50 - number), selectors)
    await history.write(database)
    await roll_up(database, now)
    report = await read(viewer, f"sites/{site['id']}", SiteReport)
    assert isinstance(report, SiteReport)
    assert [version.version for version in report.versions] == list(range(6, 26))
    brand, price = report.selectors
    assert (price.pass_rates[0], price.pass_rates[-1]) == (0.95, 0.76)
    assert (price.since_version, price.since_at) == (21, history.blueprints[20]["created_at"])
    assert (brand.field_name, set(brand.pass_rates)) == ("brand", {None})
    assert report.time_to_blueprint_seconds == pytest.approx(10 * 86_400)


async def test_a_version_published_behind_our_back_is_caught_up_with(
    viewer: httpx.AsyncClient, database: Database, make_site: MakeSite
) -> None:
    site = await make_site()
    for name in ("a", "b", "c"):
        async with database.transaction() as session:
            await BlueprintService().publish(session, site_id=site.id, content=content(name))
        if name == "a":  # as the release before ours would leave it
            async with database.transaction() as session:
                await session.execute(text("DELETE FROM blueprint_facts"))
    report = await read(viewer, f"sites/{site.id}", SiteReport)
    assert isinstance(report, SiteReport)
    assert report.versions == []
    await roll_up(database, datetime.now(UTC) + timedelta(minutes=11))
    report = await read(viewer, f"sites/{site.id}", SiteReport)
    assert isinstance(report, SiteReport)
    assert [version.version for version in report.versions] == [1, 2, 3]
    assert engine_selector("title", "h1").field_name == report.selectors[0].field_name


async def test_what_cannot_be_asked_is_refused(viewer: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    check_problem(await viewer.get(f"{URL}/sites/{uuid.uuid4()}"), 404, "not-found")
    for call in ("dashboard", "methods"):
        problem = check_problem(await viewer.get(f"{URL}/{call}", params={"date_range": "2w"}), 400, "invalid-input")
        assert [error["field"] for error in problem["errors"]] == ["date_range"]  # type: ignore[index, attr-defined]
    check_problem(await anonymous.get(f"{URL}/selectors"), 401, "not-signed-in")
