"""Starting, cancelling, retrying and following jobs, with no worker about."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import text, update

from tests.service.conftest import MakeSite
from webintel.db import Database
from webintel.db.listen import Listener
from webintel.db.writes import connection_of
from webintel.engine.errors import EngineError, ErrorCode
from webintel.jobs.errors import JobAlreadyRunning, JobEnded, JobNotFailed, JobNotFound, SiteNotFound
from webintel.jobs.events import CHANNEL, JobEvents
from webintel.jobs.models import Job, JobStatus
from webintel.jobs.queries import JobQueries
from webintel.jobs.runs import Gone, JobRuns, Later, Run, RunLost
from webintel.jobs.services import JobService
from webintel.settings import Settings
from webintel.worker.pgqueuer import PgQueuerQueue
from webintel.worker.task import nothing


async def start(database: Database, site_id: UUID, job_type: str = "discovery") -> Job:
    async with database.transaction() as session:
        started = await JobService().start(await connection_of(session), site_id=site_id, job_type=job_type)
        return await session.get_one(Job, started.id)


async def entries(database: Database) -> list[UUID]:
    async with database.reading() as connection:
        payloads = await connection.scalars(text("SELECT payload FROM pgqueuer ORDER BY priority DESC, id"))
        return [UUID(bytes=payload) for payload in payloads]


@pytest.fixture
def runs(database: Database) -> JobRuns:
    return JobRuns(database, PgQueuerQueue(), max_attempts=3, retry_base=timedelta(minutes=1))


async def claim(runs: JobRuns, job: Job) -> Run:
    claimed = await runs.claim(job.id, job.queue_id or 0, bury=lambda _run: nothing)
    assert isinstance(claimed, Run)
    return claimed


async def test_a_job_and_its_entry_are_made_together(database: Database, make_site: MakeSite) -> None:
    site = await make_site()
    job = await start(database, site.id)
    assert await entries(database) == [job.id]
    assert (await JobQueries(database).get(job.id)).status == JobStatus.QUEUED


async def test_what_is_rolled_back_leaves_neither_job_nor_entry(database: Database, make_site: MakeSite) -> None:
    site = await make_site()

    async def fail_after_start() -> None:
        # The job is the very first thing in its transaction: the driver must not be asked before that has begun.
        async with database.transaction() as session:
            connection = await connection_of(session)
            await PgQueuerQueue().enqueue(connection, [uuid4()], priority=1)
            await JobService().start(connection, site_id=site.id, job_type="discovery")
            raise LookupError

    with pytest.raises(LookupError):
        await fail_after_start()
    assert await entries(database) == []
    assert await JobQueries(database).last_of(site.id) is None


async def test_the_queue_refuses_to_work_outside_a_transaction(database: Database) -> None:
    async with database.sessions(bind=database.read_engine) as session:
        with pytest.raises(RuntimeError, match="transaction"):
            await PgQueuerQueue().enqueue(await connection_of(session), [uuid4()], priority=1)
    assert await entries(database) == []


async def test_one_job_of_a_type_is_under_way_for_a_site(database: Database, make_site: MakeSite) -> None:
    site, other = await make_site("one.example"), await make_site("two.example")
    await start(database, site.id)
    with pytest.raises(JobAlreadyRunning):
        await start(database, site.id)
    await start(database, site.id, "fingerprint")
    await start(database, other.id)
    assert len(await entries(database)) == 3


async def test_of_many_at_once_one_wins(database: Database, make_site: MakeSite) -> None:
    site = await make_site()
    outcomes = await asyncio.gather(*(start(database, site.id) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, Job) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, JobAlreadyRunning) for outcome in outcomes) == 7
    assert len(await entries(database)) == 1


async def test_a_second_job_of_a_type_is_refused_and_the_transaction_goes_on(
    database: Database, make_site: MakeSite
) -> None:
    site = await make_site()
    async with database.writing() as connection:
        first = await JobService().start(connection, site_id=site.id, job_type="discovery")
        with pytest.raises(JobAlreadyRunning):
            await JobService().start(connection, site_id=site.id, job_type="discovery")
        other = await JobService().start(connection, site_id=site.id, job_type="fingerprint")
    assert sorted(await entries(database)) == sorted([first.id, other.id])


async def test_a_job_for_a_site_that_is_not_there_leaves_nothing(database: Database, make_site: MakeSite) -> None:
    site = await make_site()

    async def start_two() -> None:
        async with database.writing() as connection:
            await JobService().start(connection, site_id=site.id, job_type="discovery")
            await JobService().start(connection, site_id=uuid4(), job_type="discovery")

    with pytest.raises(SiteNotFound):
        await start_two()
    assert await entries(database) == []


async def test_jobs_that_are_started_together_are_recorded_queued_and_announced(
    database: Database, make_site: MakeSite, settings: Settings
) -> None:
    site = await make_site()
    announced: list[str] = []
    listening = asyncio.Event()
    async with Listener(settings, {CHANNEL: announced.append}, on_connected=listening.set):
        await asyncio.wait_for(listening.wait(), 10)
        async with database.writing() as connection:
            jobs = await JobService().start_all(
                connection, site_id=site.id, job_types=["fingerprint", "discovery"], parameters={"max_pages": 5}
            )
        async with asyncio.timeout(10):
            while len(announced) < 2:
                await asyncio.sleep(0.01)
    assert sorted(announced) == sorted(str(job.id) for job in jobs)
    assert await entries(database) == [job.id for job in jobs]
    for job in jobs:
        stored = msgspec.json.encode(await JobQueries(database).get(job.id))
        assert msgspec.json.decode(stored) == msgspec.to_builtins(job)


async def test_a_queued_job_is_cancelled_with_its_entry(database: Database, make_site: MakeSite) -> None:
    site = await make_site()
    job = await start(database, site.id)
    async with database.transaction() as session:
        await JobService().cancel(session, job.id)
    assert await entries(database) == []
    assert (await JobQueries(database).get(job.id)).status == JobStatus.CANCELLED
    async with database.transaction() as session:
        with pytest.raises(JobEnded):
            await JobService().cancel(session, job.id)
        with pytest.raises(JobNotFailed):
            await JobService().retry(session, job.id)
        with pytest.raises(JobNotFound):
            await JobService().cancel(session, uuid4())
    await start(database, site.id)


async def test_all_jobs_of_a_site_are_cancelled_and_those_of_others_are_not(
    database: Database, make_site: MakeSite
) -> None:
    site, other = await make_site("one.example"), await make_site("two.example")
    await start(database, site.id)
    await start(database, site.id, "fingerprint")
    kept = await start(database, other.id)
    async with database.transaction() as session:
        assert await JobService().cancel_for_site(session, site.id) == 2
    assert await entries(database) == [kept.id]


async def test_a_site_has_one_running_job_and_the_next_follows_at_its_end(
    database: Database, make_site: MakeSite, runs: JobRuns
) -> None:
    site = await make_site()
    first, second = await start(database, site.id, "fingerprint"), await start(database, site.id, "discovery")
    running = await claim(runs, first)
    assert await runs.claim(second.id, second.queue_id or 0, bury=lambda _run: nothing) == Gone()
    before = await entries(database)
    await runs.succeed(running, {}, nothing)
    assert await entries(database) == [*before, second.id]


async def test_jobs_of_a_site_start_in_the_order_of_their_creation(
    database: Database, make_site: MakeSite, runs: JobRuns
) -> None:
    site = await make_site()
    first, second = await start(database, site.id, "fingerprint"), await start(database, site.id, "discovery")
    assert await runs.claim(second.id, second.queue_id or 0, bury=lambda _run: nothing) == Gone()
    await runs.succeed(await claim(runs, first), {}, nothing)
    assert (await entries(database))[-1] == second.id


async def test_the_first_of_two_starts_can_write_nothing_any_more(
    database: Database, make_site: MakeSite, runs: JobRuns
) -> None:
    site = await make_site()
    job = await start(database, site.id)
    zombie = await claim(runs, job)
    # The queue gave the worker up: the entry comes back, and the job goes on under a new one.
    assert await runs.claim(job.id, job.queue_id or 0, bury=lambda _run: nothing) == Gone()
    async with database.transaction() as session:
        renewed = await session.get_one(Job, job.id)
    assert renewed.queue_id != job.queue_id
    successor = await claim(runs, renewed)
    for write in (
        lambda: runs.beat(zombie),
        lambda: runs.progress(zombie, "discovering", 50, None),
        lambda: runs.succeed(zombie, {}, nothing),
        lambda: runs.fail(zombie, EngineError(ErrorCode.INTERNAL, "Late."), nothing),
        lambda: runs.hand_back(zombie),
    ):
        with pytest.raises(RunLost):
            await write()
    await runs.succeed(successor, {}, nothing)
    assert (await JobQueries(database).get(job.id)).attempt_count == 2


async def test_a_failure_that_may_pass_waits_longer_each_time(
    database: Database, make_site: MakeSite, runs: JobRuns
) -> None:
    site = await make_site()
    job = await start(database, site.id)
    error = EngineError(ErrorCode.TIMED_OUT, "It took too long.")
    assert await runs.fail(await claim(runs, job), error, nothing) == timedelta(minutes=1)
    waiting = await JobQueries(database).get(job.id)
    assert waiting.status == JobStatus.QUEUED
    assert waiting.next_retry_at is not None
    assert waiting.error is not None
    assert waiting.error.recovery_action
    assert isinstance(await runs.claim(job.id, job.queue_id or 0, bury=lambda _run: nothing), Later)
    for expected in (timedelta(minutes=2), JobStatus.DEAD):
        async with database.transaction() as session:
            await session.execute(update(Job).values(next_retry_at=None))
        assert await runs.fail(await claim(runs, job), error, nothing) == expected


async def test_what_a_job_brings_about_is_undone_when_it_is_no_longer_its_own(
    database: Database, make_site: MakeSite, runs: JobRuns
) -> None:
    site = await make_site()
    job = await start(database, site.id)
    run = await claim(runs, job)
    async with database.transaction() as session:
        await JobService().cancel(session, job.id)

    async def rename(session: object) -> dict[str, object]:
        await session.execute(text("UPDATE sites SET notes = 'changed'"))  # type: ignore[attr-defined]
        return {}

    with pytest.raises(RunLost):
        await runs.succeed(run, {}, rename)
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT notes FROM sites")) is None


async def test_a_watcher_hears_of_every_change(
    database: Database, make_site: MakeSite, runs: JobRuns, settings: Settings
) -> None:
    site = await make_site()
    job = await start(database, site.id)
    async with JobEvents(settings) as events:
        with events.watch(job.id) as changed:
            # The first time is the connection itself: something may have happened before it.
            await asyncio.wait_for(changed.wait(), 10)
            run = await claim(runs, job)
            for step in (lambda: runs.progress(run, "discovering", 40, "half"), lambda: runs.succeed(run, {}, nothing)):
                changed.clear()
                await step()
                await asyncio.wait_for(changed.wait(), 10)


async def test_a_watcher_hears_again_after_the_connection_broke(
    database: Database, make_site: MakeSite, runs: JobRuns, settings: Settings
) -> None:
    site = await make_site()
    job = await start(database, site.id)
    async with JobEvents(settings) as events:
        with events.watch(job.id) as changed:
            await asyncio.wait_for(changed.wait(), 10)
            changed.clear()
            async with database.reading() as connection:
                await connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name = 'webintel listener' AND datname = current_database()"
                    )
                )
            await asyncio.wait_for(changed.wait(), 10)
            changed.clear()
            await claim(runs, job)
            await asyncio.wait_for(changed.wait(), 10)
