"""A process that has enough to do says so at once, and stays observable."""

import asyncio
import re

import httpx
from sqlalchemy import text

from tests.service.api.test_lifecycle import process, wait_until_up
from tests.service.api_fixtures import People, bearer, check_problem
from webintel.db import Database
from webintel.settings import Settings

SITES = "/api/v1/sites"


def number(metrics: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    assert found, metrics
    return float(found[1])


async def test_more_than_a_process_can_work_on_is_refused_while_probes_and_metrics_answer(
    settings: Settings, people: People, database: Database
) -> None:
    async with (
        process(settings, WEBINTEL_REQUESTS_AT_ONCE="3") as (_, base),
        httpx.AsyncClient(base_url=base, headers=bearer(people["admin"]), timeout=20) as client,
    ):
        await wait_until_up(client)
        async with database.engine.begin() as connection:
            # Whoever reads or registers a site is at work until this lock is gone.
            await connection.execute(text("LOCK TABLE sites IN ACCESS EXCLUSIVE MODE"))
            at_work = [
                asyncio.create_task(client.get(SITES)),
                asyncio.create_task(client.get(SITES)),
                asyncio.create_task(client.post(SITES, json={"domain": "shop.example"})),
            ]
            async with asyncio.timeout(10):
                while number((await client.get("/metrics")).text, "http_requests_in_progress") < 3:
                    await asyncio.sleep(0.02)
            for refused in (await client.get(SITES), await client.post(SITES, json={"domain": "other.example"})):
                check_problem(refused, 503, "overloaded")
                assert refused.headers["retry-after"] == "1"
            for probe in ("/health/live", "/health/ready", "/health/startup"):
                assert (await client.get(probe)).status_code == 200
            metrics = (await client.get("/metrics")).text
            assert number(metrics, "http_requests_shed_total") == 2
            assert f'http_requests_total{{method="GET",path="{SITES}",status="503"}} 1.0' in metrics
        assert [(await answer).status_code for answer in at_work] == [200, 200, 201]
        assert number((await client.get("/metrics")).text, "http_requests_in_progress") == 0
        assert (await client.get(SITES)).status_code == 200


async def test_who_sends_slowly_or_follows_a_job_takes_no_place(
    settings: Settings, people: People, database: Database
) -> None:
    async with (
        process(settings, WEBINTEL_REQUESTS_AT_ONCE="1") as (_, base),
        httpx.AsyncClient(base_url=base, headers=bearer(people["admin"]), timeout=20) as client,
    ):
        await wait_until_up(client)
        job = (await client.post(SITES, json={"domain": "shop.example"})).json()["job_id"]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
        token = bearer(people["admin"])["Authorization"]
        body = b'{"domain":"slow.example"}'
        head = (
            f"POST {SITES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n"
        )
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
        await writer.drain()
        async with client.stream("GET", f"/api/v1/jobs/{job}/events") as followed:
            assert followed.status_code == 200
            assert (await client.get(SITES)).status_code == 200
            writer.write(body[5:])
            assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 201")
            assert (await client.get(SITES)).status_code == 200
        writer.close()
