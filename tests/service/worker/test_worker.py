"""Workers are real processes: what happens to their jobs when they work, stop, die, or come back from the dead."""

import re
import signal
from pathlib import Path

import httpx
from sqlalchemy import func, select, text

from tests.service.conftest import MakeSite
from tests.service.worker.conftest import StartJob, StartWorker, WorkerProcess, events, job_reaching, traced, until
from webintel.blueprints.models import Blueprint
from webintel.db import Database
from webintel.jobs.models import JobStatus
from webintel.jobs.queries import JobFilter, JobQueries
from webintel.jobs.services import JobService

LONG = 400
"""Steps of a job that lasts longer than the test."""


async def versions(database: Database) -> list[int]:
    async with database.reading() as connection:
        return list(await connection.scalars(select(Blueprint.version).order_by(Blueprint.version)))


async def queue_length(database: Database) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM pgqueuer")) or 0)


async def port_of(worker: WorkerProcess) -> int:
    async def named() -> bool:
        return "worker ready" in worker.log.read_text()

    await until(named, "worker ready")
    found = re.search(r'"port": (\d+)', worker.log.read_text())
    assert found
    return int(found[1])


async def test_a_job_runs_once_and_leaves_its_result_and_an_empty_queue(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=3)
    start_worker()
    done = await job_reaching(database, job.id, JobStatus.SUCCESS)
    assert done.attempt_count == 1
    assert done.progress.percentage == 100
    assert done.ended_at is not None
    assert done.error is None
    assert b'"blueprint_version": 1' in bytes(done.result).replace(b'":1', b'": 1')  # type: ignore[arg-type]
    assert await versions(database) == [1]
    assert len(events(trace, "start")) == 1

    async def empty() -> bool:
        return await queue_length(database) == 0

    await until(empty, "queue empty")


async def test_a_killed_workers_job_is_done_once_by_another(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=30)
    first = start_worker()
    await traced(trace, "start")
    first.signal(signal.SIGKILL)
    start_worker()
    done = await job_reaching(database, job.id, JobStatus.SUCCESS)
    assert done.attempt_count == 2
    assert await versions(database) == [1]
    assert len(events(trace, "end")) == 1


async def test_a_job_that_kills_its_worker_is_given_up_after_three_starts(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, die=True)
    for start in range(1, 4):
        worker = start_worker()
        await traced(trace, "start", start)
        await worker.exit_code()
    start_worker()
    dead = await job_reaching(database, job.id, JobStatus.DEAD)
    assert dead.attempt_count == 3
    assert dead.error is not None
    assert dead.error.code == "worker_lost"
    assert len(events(trace, "start")) == 3
    assert len(events(trace, "failed")) == 1


async def test_a_worker_told_to_stop_hands_its_job_back_without_counting_the_start(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=LONG)
    first = start_worker()
    await traced(trace, "start")
    first.signal(signal.SIGTERM)
    assert await first.exit_code() == 0
    handed_back = await JobQueries(database).get(job.id)
    assert (handed_back.status, handed_back.attempt_count) == (JobStatus.QUEUED, 0)
    assert events(trace, "cancelled")
    start_worker()
    await traced(trace, "start", 2)
    assert (await job_reaching(database, job.id, JobStatus.RUNNING)).attempt_count == 1


async def test_a_worker_told_to_stop_lets_a_short_job_end(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=20)
    worker = start_worker(WEBINTEL_WORKER_GRACE_SECONDS="20")
    await traced(trace, "start")
    worker.signal(signal.SIGTERM)
    assert await worker.exit_code() == 0
    assert (await JobQueries(database).get(job.id)).status == JobStatus.SUCCESS


async def test_a_worker_that_comes_back_from_the_dead_changes_nothing(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=40)
    zombie = start_worker()
    await traced(trace, "start")
    zombie.signal(signal.SIGSTOP)
    successor = start_worker()
    await traced(trace, "start", 2)
    zombie.signal(signal.SIGCONT)
    done = await job_reaching(database, job.id, JobStatus.SUCCESS)
    zombie.signal(signal.SIGTERM)
    assert await zombie.exit_code() == 0
    assert done.attempt_count == 2
    assert str(successor.process.pid).encode() in bytes(done.result)  # type: ignore[arg-type]
    assert await versions(database) == [1]


async def test_a_running_job_lets_go_when_it_is_cancelled(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=LONG)
    # Neither the heartbeat nor the poll would tell the worker in time: it is the notification that does.
    start_worker(WEBINTEL_WORKER_HEARTBEAT_SECONDS="60", WEBINTEL_WORKER_POLL_SECONDS="30")
    await traced(trace, "start")
    async with database.transaction() as session:
        await JobService().cancel(session, job.id)
    await traced(trace, "cancelled")
    cancelled = await JobQueries(database).get(job.id)
    assert cancelled.status == JobStatus.CANCELLED
    assert cancelled.ended_at is not None
    assert await versions(database) == []


async def test_a_failure_that_may_pass_is_tried_three_times(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    job = await start_job(site.id, fail="unreachable")
    start_worker()
    dead = await job_reaching(database, job.id, JobStatus.DEAD)
    assert dead.attempt_count == 3
    assert dead.error is not None
    assert dead.error.code == "unreachable"
    assert len(events(trace, "start")) == 3


async def test_other_failures_are_final_and_named(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    one, two = await make_site("one.example"), await make_site("two.example")
    named = await start_job(one.id, fail="forbidden_by_robots")
    broken = await start_job(two.id, **{"break": True})
    start_worker()
    first = await job_reaching(database, named.id, JobStatus.FAILED)
    second = await job_reaching(database, broken.id, JobStatus.FAILED)
    assert first.error is not None
    assert second.error is not None
    assert (first.error.code, second.error.code) == ("forbidden_by_robots", "internal")
    assert "division" not in second.error.message
    assert len(events(trace, "start")) == 2


async def test_a_failed_job_can_be_retried_as_a_new_one(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob
) -> None:
    site = await make_site()
    job = await start_job(site.id, fail="empty_site")
    start_worker()
    await job_reaching(database, job.id, JobStatus.FAILED)
    async with database.transaction() as session:
        again = await JobService().retry(session, job.id)
    repeated = await job_reaching(database, again.id, JobStatus.FAILED)
    assert repeated.retry_of == job.id


async def test_jobs_of_one_site_run_one_after_the_other_and_of_others_side_by_side(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    sites = [await make_site(f"{name}.example") for name in ("one", "two", "three")]
    jobs = [
        await start_job(site.id, job_type=job_type, steps=10)
        for site in sites
        for job_type in ("fingerprint", "discovery", "extraction")
    ]
    # A worker that is thought lost may still be at its job when that is started again: not what is asked here.
    start_worker(WEBINTEL_WORKER_LOST_SECONDS="60")
    start_worker(WEBINTEL_WORKER_LOST_SECONDS="60")
    for job in jobs:
        await job_reaching(database, job.id, JobStatus.SUCCESS)
    site_of = {str(job.id): job.site_id for job in jobs}
    running: set[str] = set()
    most = 0
    for line in trace.read_text().splitlines():
        event, job_id, *_ = line.split()
        if event == "start":
            assert site_of[job_id] not in {site_of[other] for other in running}
            running.add(job_id)
        elif event == "end":
            running.discard(job_id)
        most = max(most, len(running))
    assert most == len(sites)


async def test_the_most_important_job_goes_first(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    priorities = (10, 90, 50, 70)
    jobs = [
        await start_job((await make_site(f"p{priority}.example")).id, priority=priority, steps=1)
        for priority in priorities
    ]
    start_worker(WEBINTEL_WORKER_CONCURRENCY="2")
    for job in jobs:
        await job_reaching(database, job.id, JobStatus.SUCCESS)
    by_id = {str(job.id): job.priority for job in jobs}
    # Two run at once, so the order within a pair is chance.
    started = [by_id[line[1]] for line in events(trace, "start")]
    assert (set(started[:2]), set(started[2:])) == ({90, 70}, {50, 10})


async def test_a_job_whose_entry_was_lost_is_found_again(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=1)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM pgqueuer"))
        await session.execute(text("UPDATE jobs SET updated_at = now() - interval '1 hour'"))
    start_worker()
    assert (await job_reaching(database, job.id, JobStatus.SUCCESS)).attempt_count == 1


async def test_a_lost_connection_to_the_database_costs_no_job(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob, trace: Path
) -> None:
    site = await make_site()
    worker = start_worker()
    job = await start_job(site.id, steps=20)
    await traced(trace, "start")
    async with database.reading() as connection:
        ended = await connection.scalar(
            select(func.count(func.pg_terminate_backend(text("pid"))))
            .select_from(text("pg_stat_activity"))
            .where(text("application_name LIKE 'webintel worker%' OR application_name = 'webintel listener'"))
        )
    assert ended
    assert (await job_reaching(database, job.id, JobStatus.SUCCESS)).attempt_count == 1
    other = await start_job(site.id, steps=1)
    await job_reaching(database, other.id, JobStatus.SUCCESS)
    assert worker.process.is_alive()


async def test_a_worker_tells_how_it_is_and_what_it_has_done(
    database: Database, make_site: MakeSite, start_worker: StartWorker, start_job: StartJob
) -> None:
    site = await make_site()
    job = await start_job(site.id, steps=1)
    worker = start_worker()
    await job_reaching(database, job.id, JobStatus.SUCCESS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await port_of(worker)}") as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")
        assert (live.status_code, ready.status_code) == (200, 200)
        assert (await client.get("/elsewhere")).status_code == 404

        async def counted() -> bool:
            metrics = (await client.get("/metrics")).text
            return (
                'jobs_finished_total{status="success",type="discovery"} 1.0' in metrics
                and 'fetches_total{outcome="ok"} 1.0' in metrics
                and "blueprints_created_total 1.0" in metrics
                and "time_to_blueprint_seconds_count 1.0" in metrics
                and 'job_duration_seconds_count{type="discovery"} 1.0' in metrics
                and 'job_queue_depth{type="discovery"}' in metrics
            )

        await until(counted, "the job counted")


async def test_jobs_are_listed_by_what_one_looks_for(
    database: Database, make_site: MakeSite, start_job: StartJob
) -> None:
    site, other = await make_site("one.example"), await make_site("two.example")
    jobs = [await start_job(site.id, job_type=job_type) for job_type in ("fingerprint", "discovery")]
    await start_job(other.id)
    queries = JobQueries(database)
    page = await queries.list(JobFilter(site_id=site.id), limit=1, cursor_text=None, include_total=True)
    assert ([job.id for job in page.items], page.total) == ([jobs[1].id], 2)
    rest = await queries.list(JobFilter(site_id=site.id), limit=1, cursor_text=page.next_cursor)
    assert ([job.id for job in rest.items], rest.next_cursor) == ([jobs[0].id], None)
