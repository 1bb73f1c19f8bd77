"""Jobs, through the API."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import func, select, text, update

from tests.service.api_fixtures import People, bearer, check_problem
from tests.service.conftest import MakeSite
from webintel.accounts.models import IdempotencyKey
from webintel.api.app import create_app
from webintel.db import Database
from webintel.jobs.events import announce
from webintel.jobs.models import Job, JobStatus
from webintel.serving.server import listen
from webintel.settings import Settings


async def change(database: Database, job_id: str, **fields: object) -> None:
    """Change a job as a worker does."""
    async with database.transaction() as session:
        await session.execute(update(Job).where(Job.id == uuid.UUID(job_id)).values(**fields))
        await announce(session, uuid.UUID(job_id))


async def start(client: httpx.AsyncClient, site_id: object, **more: object) -> httpx.Response:
    headers = more.pop("headers", {})
    body = {"site_id": str(site_id), "job_type": "discovery", **more}
    return await client.post("/api/v1/jobs", json=body, headers=headers)  # type: ignore[arg-type]


async def test_a_job_is_started_listed_and_read(admin: httpx.AsyncClient, people: People, make_site: MakeSite) -> None:
    site = await make_site(priority=80)
    response = await start(admin, site.id, parameters={"max_pages": 5})
    job = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["status"], job["method"], job["priority"], job["attempt_count"]) == ("queued", "auto", 80, 0)
    assert job["progress"] == {"step": None, "percentage": 0.0, "message": None}
    assert job["parameters"] == {"max_pages": 5}
    assert job["requested_by"] == str(people["admin"].id)
    read = (await admin.get(f"/api/v1/jobs/{job['id']}")).json()
    assert read == job
    listed = (await admin.get("/api/v1/jobs", params={"site_id": str(site.id), "status": "queued"})).json()["items"]
    assert [item["id"] for item in listed] == [job["id"]]
    assert (await admin.get("/api/v1/jobs", params={"status": "dead"})).json()["items"] == []
    assert (await admin.get("/api/v1/jobs", params={"job_type": "extraction"})).json()["items"] == []


async def test_what_cannot_be_started_is_refused(admin: httpx.AsyncClient, make_site: MakeSite) -> None:
    site = await make_site()
    check_problem(await start(admin, uuid.uuid4()), 404, "not-found")
    check_problem(await start(admin, site.id, job_type="mining"), 400, "invalid-input")
    check_problem(await start(admin, site.id, status="success"), 400, "invalid-input")
    check_problem(await start(admin, "17"), 400, "invalid-input")
    for method in ("browser", "api"):
        problem = check_problem(await start(admin, site.id, method=method), 400, "invalid-input")
        assert problem["errors"] == [
            {"field": "method", "message": f"{method} is not available in this version; use auto or static."}
        ]
    assert (await start(admin, site.id, method="static")).status_code == 201
    check_problem(await start(admin, site.id), 409, "job-already-running")
    assert (await start(admin, site.id, job_type="extraction")).status_code == 201


async def test_cancelling_and_retrying(admin: httpx.AsyncClient, make_site: MakeSite, database: Database) -> None:
    site = await make_site()
    job = (await start(admin, site.id)).json()
    url = f"/api/v1/jobs/{job['id']}"
    check_problem(await admin.post(f"{url}/retry"), 409, "conflict")
    cancelled = await admin.post(f"{url}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["ended_at"]
    check_problem(await admin.post(f"{url}/cancel"), 409, "conflict")

    failed = (await start(admin, site.id)).json()
    url = f"/api/v1/jobs/{failed['id']}"
    await change(
        database, failed["id"], status="failed", ended_at=datetime.now(UTC), error_code="unreachable",
        error_message="shop.example does not answer.", recovery_action="Retry later.",
    )  # fmt: skip
    assert (await admin.get(url)).json()["error"] == {
        "code": "unreachable",
        "message": "shop.example does not answer.",
        "recovery_action": "Retry later.",
    }
    again = await admin.post(f"{url}/retry")
    assert again.status_code == 201
    assert again.json()["retry_of"] == failed["id"]
    assert again.json()["status"] == "queued"
    check_problem(await admin.post(f"{url}/retry"), 409, "job-already-running")
    for call in ("cancel", "retry"):
        check_problem(await admin.post(f"/api/v1/jobs/{uuid.uuid4()}/{call}"), 404, "not-found")


async def test_a_named_request_is_done_once(admin: httpx.AsyncClient, make_site: MakeSite, database: Database) -> None:
    site = await make_site()
    named = {"Idempotency-Key": "order-1"}
    first = await start(admin, site.id, headers=named)
    second = await start(admin, site.id, headers=named)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert second.headers["idempotent-replayed"] == "true"
    check_problem(await start(admin, site.id, priority=1, headers=named), 422, "idempotency-key-reused")
    check_problem(await start(admin, site.id, headers={"Idempotency-Key": "order-2"}), 409, "job-already-running")
    registered = await admin.post("/api/v1/sites", json={"domain": "new.example"}, headers=named)
    assert registered.status_code == 201
    again = await admin.post("/api/v1/sites", json={"domain": "new.example"}, headers=named)
    assert again.json() == registered.json()
    async with database.transaction() as session:
        await session.execute(update(IdempotencyKey).values(created_at=datetime.now(UTC) - timedelta(hours=25)))
    check_problem(await start(admin, site.id, headers=named), 409, "job-already-running")


async def test_a_named_request_is_done_once_also_at_the_same_moment(
    admin: httpx.AsyncClient, database: Database
) -> None:
    async def register() -> httpx.Response:
        return await admin.post(
            "/api/v1/sites", json={"domain": "shop.example"}, headers={"Idempotency-Key": "same moment"}
        )

    answers = await asyncio.gather(*(register() for _ in range(10)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["id"] for answer in made}) == 1
    for answer in answers:
        if answer.status_code != 201:
            check_problem(answer, 409, "idempotency-in-progress")
    assert (await register()).json()["id"] == made[0].json()["id"]
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1


async def test_keys_belong_to_their_caller_and_failures_are_not_kept(
    admin: httpx.AsyncClient, people: People, make_site: MakeSite
) -> None:
    site = await make_site()
    named = {"Idempotency-Key": "k"}
    check_problem(await start(admin, uuid.uuid4(), headers=named), 404, "not-found")
    assert (await start(admin, site.id, headers=named)).status_code == 201
    other = {**named, **bearer(people["product_lead"])}
    check_problem(await start(admin, site.id, headers=other), 409, "job-already-running")


class _Server(uvicorn.Server):
    def capture_signals(self) -> Any:
        return nullcontext()


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    """Serve the application on a real socket, as events need one."""
    app = create_app(settings)
    with listen("127.0.0.1", 0) as listener:
        server = _Server(uvicorn.Config(app, lifespan="on", log_config=None, timeout_graceful_shutdown=2))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            app.state.announce_end()
            server.should_exit = True
            await task


async def events_of(response: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_followers_see_each_step_and_the_end(
    settings: Settings, people: People, make_site: MakeSite, database: Database, admin: httpx.AsyncClient
) -> None:
    job = (await start(admin, (await make_site()).id)).json()
    url = f"/api/v1/jobs/{job['id']}/events"
    async with (
        served(settings) as base,
        httpx.AsyncClient(base_url=base, headers=bearer(people["viewer"]), timeout=20) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as first,
        client.stream("GET", url) as second,
    ):
        assert first.headers["content-type"].startswith("text/event-stream")
        assert first.headers["cache-control"] == "no-cache"
        following = [events_of(first), events_of(second)]
        for events in following:
            name, data = await anext(events)
            assert (name, data["status"]) == ("progress", "queued")
        await change(database, job["id"], status="running", progress_step="crawl", progress_percentage=40.0)
        for events in following:
            name, data = await anext(events)
            assert (name, data["progress"]["step"], data["progress"]["percentage"]) == ("progress", "crawl", 40.0)
        await change(
            database, job["id"], status=JobStatus.SUCCESS, ended_at=datetime.now(UTC), result={"blueprint_version": 1}
        )
        for events in following:
            name, data = await anext(events)
            assert (name, data["status"], data["result"]) == ("done", "success", {"blueprint_version": 1})
            with pytest.raises(StopAsyncIteration):
                await anext(events)
        connections = await admin.get("/metrics")
        assert connections.status_code == 200


async def test_following_what_has_ended_or_never_was(
    settings: Settings, people: People, make_site: MakeSite, admin: httpx.AsyncClient
) -> None:
    job = (await start(admin, (await make_site()).id)).json()
    await admin.post(f"/api/v1/jobs/{job['id']}/cancel")
    async with served(settings) as base, httpx.AsyncClient(base_url=base, headers=bearer(people["viewer"])) as client:
        response = await client.get(f"/api/v1/jobs/{job['id']}/events")
        assert response.text.count("event: ") == 1
        assert "event: done" in response.text
        check_problem(await client.get(f"/api/v1/jobs/{uuid.uuid4()}/events"), 404, "not-found")


async def test_followers_that_leave_leave_nothing_behind(
    settings: Settings, people: People, make_site: MakeSite, database: Database, admin: httpx.AsyncClient
) -> None:
    job = (await start(admin, (await make_site()).id)).json()
    async with served(settings) as base:
        async with httpx.AsyncClient(base_url=base, headers=bearer(people["viewer"]), timeout=20) as client:
            for _ in range(3):
                async with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as response:
                    await anext(events_of(response))
        async with httpx.AsyncClient(base_url=base) as client:
            await change(database, job["id"], progress_percentage=1.0)
            async with asyncio.timeout(10):
                while 'database_connections{state="in_use"} 0.0' not in (await client.get("/metrics")).text:
                    await asyncio.sleep(0.05)


async def test_all_followers_share_one_connection(
    settings: Settings, people: People, make_site: MakeSite, database: Database, admin: httpx.AsyncClient
) -> None:
    job = (await start(admin, (await make_site()).id)).json()
    listening = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'webintel job events' AND datname = current_database()"
    )
    async with database.reading() as connection:
        before = await connection.scalar(listening)
    async with (
        served(settings) as base,
        httpx.AsyncClient(base_url=base, headers=bearer(people["viewer"]), timeout=20) as client,
        AsyncExitStack() as stack,
    ):
        for _ in range(15):
            url = f"/api/v1/jobs/{job['id']}/events"
            response = await stack.enter_async_context(client.stream("GET", url))
            await anext(events_of(response))
        async with database.reading() as connection:
            assert await connection.scalar(listening) == before + 1


async def test_a_drain_ends_what_never_ends(
    settings: Settings, people: People, make_site: MakeSite, admin: httpx.AsyncClient
) -> None:
    job = (await start(admin, (await make_site()).id)).json()
    async with httpx.AsyncClient(headers=bearer(people["viewer"]), timeout=20) as client:
        async with served(settings) as base:
            request = client.build_request("GET", f"{base}/api/v1/jobs/{job['id']}/events")
            response = await client.send(request, stream=True)
            events = events_of(response)
            await anext(events)
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        await response.aclose()
