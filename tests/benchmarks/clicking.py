"""The web UI's memory while people click through its pages, each with the events of a job open in a second tab."""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import httpx
import msgspec
import psutil
from sqlalchemy.engine import make_url

from tests.benchmarks.client import BadAnswerError
from tests.benchmarks.programs import free_port, program, resident, say
from tests.web.reports.past import invent_past
from webintel.accounts.models import User
from webintel.accounts.passwords import hash_password
from webintel.accounts.roles import Role
from webintel.blueprints.services import BlueprintService
from webintel.db import create_database
from webintel.db.engine import driver_dsn
from webintel.db.migrate import migrate
from webintel.engine.model import Blueprint
from webintel.jobs.models import Job
from webintel.settings import load_settings
from webintel.sites.models import Site

MEMORY_GOAL = 128
_PASSWORD = "correct horse battery"
_THINK = (0.5, 1.0)
_LOOK_SECONDS = 0.2
_PATIENCE = 60.0


class Place(NamedTuple):
    """Where people click, and which job they follow."""

    paths: list[str]
    followed: UUID


async def measure(environment: dict[str, str], server_url: str, people: int, seconds: float) -> str:
    """Measure it on a database of its own."""
    say(f"{people} people click for {seconds:.0f} s")
    async with _database(server_url) as url:
        place = await _furnish(url, people)
        api, web = free_port(), free_port()
        # Browsers send the cookies of production over TLS only; and a full machine may be slow.
        here = environment | {"WEBINTEL_ENVIRONMENT": "development", "WEBINTEL_API_PATIENCE_SECONDS": "30"}
        here |= {"WEBINTEL_DATABASE_URL": url, "WEBINTEL_API_URL": f"http://127.0.0.1:{api}"}
        with (
            program(["webintel", "api", "--port", str(api)], here, api, "/health/ready"),
            program(["webintel", "web", "--port", str(web)], here, web, "/health/ready") as process,
        ):
            async with _clients(f"http://127.0.0.1:{web}", people) as clients:
                before, sizes = resident(process), [0.0]
                looking = asyncio.create_task(_look(process, sizes))
                until = time.monotonic() + seconds
                pages = sum(await asyncio.gather(*(_person(client, place, until) for client in clients)))
                looking.cancel()
    verdict = "met" if max(sizes) < MEMORY_GOAL else "MISSED"
    line = (
        f"web memory with {people} people, MiB: {before:.0f} before, at most {max(sizes):.0f} over {pages} pages in "
        f"{seconds:.0f} s, {sizes[-1]:.0f} after  goal {MEMORY_GOAL} {verdict}"
    )
    say(line)
    return line


@asynccontextmanager
async def _clients(url: str, people: int) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Browsers of people who have logged in, in turn: the API judges the passwords of one address in turn as well."""
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(people):
            client = httpx.AsyncClient(base_url=url, timeout=_PATIENCE, trust_env=False)
            clients.append(await stack.enter_async_context(client))
            form = {"email": _email(number), "password": _PASSWORD}
            _require(await client.post("/login", data=form, headers={"Origin": url}), 303)
        yield clients


async def _person(client: httpx.AsyncClient, place: Place, until: float) -> int:
    """Follow a job, and click until the time is over; gives how many pages were read."""
    pages = 0
    async with client.stream("GET", f"/jobs/{place.followed}/events") as events:
        _require(events, 200)
        while time.monotonic() < until:
            _require(await client.get(random.choice(place.paths)), 200)
            pages += 1
            await asyncio.sleep(random.uniform(*_THINK))
    return pages


async def _look(process: psutil.Process, sizes: list[float]) -> None:
    while True:
        sizes.append(resident(process))
        await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def _database(server_url: str) -> AsyncIterator[str]:
    name = "clicking"
    admin = await asyncpg.connect(driver_dsn(server_url))
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


async def _furnish(url: str, people: int) -> Place:
    """Put people there, months of work, and two versions of a blueprint that was really made."""
    settings = load_settings(database_url=url)
    await migrate(settings)
    await invent_past(url)
    content, password_hash = await asyncio.to_thread(_blueprint), await hash_password(_PASSWORD)
    async with create_database(settings, role="benchmark") as database, database.transaction() as session:
        session.add_all(
            User(email=_email(number), name=f"Person {number}", role=Role.ADMIN, password_hash=password_hash)
            for number in range(people)
        )
        site = Site(domain=content.domain, domain_unicode=content.domain, platform="shopify", status="ready")
        session.add(site)
        await session.flush()
        followed = Job(site_id=site.id, job_type="discovery")
        session.add(followed)
        await session.flush()
        versions = [
            (await BlueprintService().publish(session, site_id=site.id, content=one)).id
            for one in (msgspec.structs.replace(content, selectors=content.selectors[::2]), content)
        ]
    return Place(_paths(site.id, *versions, followed.id), followed.id)


def _paths(site_id: UUID, old: UUID, new: UUID, job_id: UUID) -> list[str]:
    site = f"/sites/{site_id}"
    return [
        "/", "/overview/figures", "/sites", "/sites/rows", "/sites?sort=domain&search=shop", "/sites/new",
        "/sites/import", site, f"{site}/state", f"{site}/edit", f"{site}/blueprint", f"{site}/blueprint/{old}",
        f"{site}/blueprint/{new}/export/json", f"{site}/blueprint/{new}/export/yaml",
        f"{site}/blueprint/{new}/export/csv", f"{site}/versions", f"{site}/versions/compare?old={old}&new={new}",
        f"{site}/versions/{old}/rollback", f"{site}/jobs", f"{site}/analytics", "/jobs", "/jobs/rows",
        f"/jobs/{job_id}", f"/jobs/{job_id}/state", "/analytics", "/users", "/account",
    ]  # fmt: skip


def _blueprint() -> Blueprint:
    """Visit the demo shop."""
    with tempfile.TemporaryDirectory(prefix="webintel-bench-") as folder:
        file = Path(folder) / "blueprint.json"
        command = [sys.executable, "-m", "webintel", "demo", "--output", str(file)]
        subprocess.run(command, check=True, capture_output=True)
        return msgspec.json.decode(file.read_bytes(), type=Blueprint)


def _email(number: int) -> str:
    return f"person-{number}@shop.example"


def _require(response: httpx.Response, status: int) -> None:
    if response.status_code != status:
        raise BadAnswerError(f"{response.request.method} {response.request.url.path}: {response.status_code}")
