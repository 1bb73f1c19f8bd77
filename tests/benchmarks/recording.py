"""What the service sends to PostgreSQL, kept from its own code."""

from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
import msgspec
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from sqlalchemy import event

from webintel.blueprints.queries import BlueprintQueries
from webintel.db import Database
from webintel.db.reads import Read
from webintel.jobs.queries import JobQueries
from webintel.sites.queries import SiteFilter, SiteQueries
from webintel.sites.schemas import NewSite, SiteDetail
from webintel.sites.services import SiteService

Statements = list[tuple[str, tuple[Any, ...]]]


class Made(msgspec.Struct):
    """What is new for each site that is created."""

    domain: str
    site: UUID
    jobs: list[UUID]
    body: bytes


class Recorded(msgspec.Struct):
    """The statements."""

    reads: dict[str, Statements]
    create: Statements
    made: Made


class Recording(Database):
    """Keeps what is sent."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.sent: Statements = []
        event.listen(
            engine.sync_engine,
            "before_cursor_execute",
            lambda _connection, _cursor, sql, args, _context, _many: self.sent.append((sql, tuple(args))),
        )

    async def rows(self, read: Read, **values: Any) -> list[asyncpg.Record]:
        """Keep a read, and run it."""
        self.sent.append((read.sql, tuple(read.arguments(values))))
        return await super().rows(read, **values)

    def take(self) -> Statements:
        """Give what was kept, and begin anew."""
        sent, self.sent = self.sent, []
        return sent


async def record(database: Recording, keys: dict[str, UUID]) -> Recorded:
    """Let the service's own code run once."""
    sites, reads = SiteQueries(database), {}
    calls = {
        "list": lambda: sites.list(SiteFilter(), order="-created_at", limit=50, cursor_text=None, include_total=False),
        "site": lambda: sites.one(keys["site"]),
        "job": lambda: JobQueries(database).get(keys["job"]),
        "blueprint": lambda: BlueprintQueries(database).one(keys["blueprint"]),
    }
    for name, call in calls.items():
        await call()
        reads[name] = database.take()
    return Recorded(reads, *await _created(database, "recorded-for-the-benchmark.example.com"))


async def _created(database: Recording, domain: str) -> tuple[Statements, Made]:
    """Create a site, and take it back."""
    fetch = AsyncpgDriver.fetch

    async def queue(driver: AsyncpgDriver, sql: str, *args: object) -> list[dict[str, object]]:
        # The queue speaks to asyncpg directly.
        database.sent.append((sql, args))
        return await fetch(driver, sql, *args)

    async with database.sessions() as session:
        with patch.object(AsyncpgDriver, "fetch", queue):
            await session.connection()
            database.take()
            site, first = await SiteService(session).register(NewSite(domain=domain), None)
        statements = database.take()
        jobs = [UUID(bytes=args[2][0]) for sql, args in statements if "pgqueuer" in sql]
        fields = {name: getattr(site, name, None) for name in SiteDetail.__struct_fields__}
        body = msgspec.json.encode(fields | {"job_id": first.id})
        await session.rollback()
    return statements, Made(domain, site.id, jobs, body)
