"""What the service sends to PostgreSQL, kept from its own code."""

import contextlib
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from webintel.blueprints.queries import BlueprintQueries
from webintel.db import Database
from webintel.db.reads import Read
from webintel.jobs.queries import JobQueries
from webintel.sites.queries import SiteFilter, SiteQueries
from webintel.sites.registration import register
from webintel.sites.schemas import NewSite

Statements = list[tuple[str, tuple[Any, ...]]]


class Made(msgspec.Struct):
    """What is new for each site that is created."""

    domain: str
    site: UUID
    jobs: list[UUID]
    entries: list[int]
    """Of the queue."""
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


class _TakenBackError(Exception):
    """Ends a transaction without a trace."""


async def _created(database: Recording, domain: str) -> tuple[Statements, Made]:
    """Create a site, and take it back; twice, because the first time asyncpg asks for the types as well."""
    for _ in range(2):
        database.take()
        with contextlib.suppress(_TakenBackError):
            async with database.writing() as connection:
                with connection.query_logger(lambda asked: database.sent.append((asked.query, asked.args))):
                    site = await register(connection, NewSite(domain=domain), None)
                raise _TakenBackError
    statements = database.take()
    jobs = [UUID(bytes=payload) for sql, args in statements if "pgqueuer" in sql for payload in args[2]]
    entries = [arg for sql, args in statements if sql.startswith("INSERT INTO jobs") for arg in args if _numbers(arg)]
    return statements, Made(domain, site.id, jobs, entries[0], msgspec.json.encode(site))


def _numbers(arg: Any) -> bool:
    return isinstance(arg, list) and all(isinstance(item, int) for item in arg)
