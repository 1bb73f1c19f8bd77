"""What the service is measured against: the same server and framework, and a handler written by hand.

`/memory/...` answers the given bytes from memory; `/raw/...` sends the statements that the service sends, over asyncpg.
The statements are recorded from the service's own code when this starts, so they cannot drift apart. Neither knows
callers, limits, metrics, logs or validation: the ratio says what all of these cost together.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from litestar import Litestar, Response, get, post
from uuid_utils.compat import uuid7

from tests.benchmarks.recording import Recorded, Recording, record
from webintel.api.pagination import Cursor
from webintel.blueprints.changes import Changes
from webintel.db import create_database
from webintel.db.engine import driver_dsn
from webintel.serving.server import listen, serve
from webintel.settings import load_settings

POOL = 10  # as many connections as the service may have
MEMORY: dict[str, bytes] = {}


def json(body: bytes, status: int = 200) -> Response[bytes]:
    return Response(body, status_code=status, media_type="application/json")


class Raw:
    """The handlers over asyncpg."""

    pool: asyncpg.Pool

    def __init__(self, recorded: Recorded) -> None:
        self.recorded, self.reads = recorded, recorded.reads

    async def list(self) -> bytes:
        sql, args = self.reads["list"][0]
        rows = [dict(row) for row in await self.pool.fetch(sql, *args)]
        last = rows[49]["id"]
        cursor = Cursor("-created_at", str(last), last).encode() if len(rows) > 50 else None
        return msgspec.json.encode({"items": rows[:50], "next_cursor": cursor, "total": None})

    async def site(self, key: UUID) -> bytes:
        row = dict(await self.pool.fetchrow(self.reads["site"][0][0], key))
        job = {name.removeprefix("last_job_"): row.pop(name) for name in list(row) if name.startswith("last_job_")}
        del row["revision"]
        fingerprint = row.pop("fingerprint")
        row["fingerprint"] = fingerprint and msgspec.Raw(fingerprint.encode())
        return msgspec.json.encode(row | {"last_job": job["id"] and summary(job)})

    async def job(self, key: UUID) -> bytes:
        row = await self.pool.fetchrow(self.reads["job"][0][0], key)
        more = {name: row[name] and msgspec.Raw(row[name].encode()) for name in ("parameters", "result")}
        return msgspec.json.encode(summary(row) | more)

    async def blueprint(self, key: UUID) -> bytes:
        sql, args = self.reads["blueprint"][0]
        row = dict(await self.pool.fetchrow(sql, key, *args[1:]))
        content = msgspec.json.decode(row.pop("content"), type=dict[str, msgspec.Raw])
        row["changes"] = msgspec.json.decode(row["changes"], type=Changes)
        return msgspec.json.encode(row | {name: content[name] for name in PARTS})

    async def create(self, domain: str) -> bytes:
        site, made = self.recorded.create, self.recorded.made
        new: dict[Any, Any] = {made.domain: domain}
        for old in (made.site, *made.jobs):
            new[old] = uuid7()
            new |= {old.bytes: new[old].bytes, str(old): str(new[old])}
        entries = made.entries
        async with self.pool.acquire() as connection, connection.transaction():
            for sql, args in site:
                values = [entries if arg == made.entries else swap(arg, new) for arg in args]
                rows = await connection.fetch(sql, *values)
                if "pgqueuer" in sql:
                    entries = [row["id"] for row in rows]
        body = msgspec.json.decode(made.body)
        body |= {"id": new[made.site], "domain": domain, "domain_unicode": domain, "job_id": new[made.jobs[0]]}
        return msgspec.json.encode(body)


PARTS = (
    *("domain", "start_url", "discovery_method", "fingerprint", "categories", "page_types"),
    *("selectors", "endpoints", "pagination", "filters", "render_hints"),
)
HEAD = ("id", "site_id", "job_type", "method", "priority", "status")
TAIL = ("attempt_count", "created_at", "updated_at", "started_at", "ended_at", "heartbeat_at", "next_retry_at")


def summary(row: Any) -> dict[str, Any]:
    progress = {name: row[f"progress_{name}"] for name in ("step", "percentage", "message")}
    error = None
    if row["error_code"] is not None:
        error = {"code": row["error_code"], "message": row["error_message"], "recovery_action": row["recovery_action"]}
    values = {name: row[name] for name in HEAD} | {"progress": progress} | {name: row[name] for name in TAIL}
    return values | {"error": error, "retry_of": row["retry_of"], "requested_by": row["requested_by"]}


def swap(arg: Any, new: dict[Any, Any]) -> Any:
    if isinstance(arg, list):
        return [swap(item, new) for item in arg]
    return new.get(arg, arg) if isinstance(arg, str | bytes | UUID) else arg


def application(raw: Raw, dsn: str) -> Litestar:
    @contextlib.asynccontextmanager
    async def pool(_: Litestar) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=1, max_size=POOL) as raw.pool:
            yield

    @post("/memory/{name:str}")
    async def keep(name: str, body: bytes) -> None:
        MEMORY[name] = body

    @get("/memory/{name:str}")
    async def memory(name: str) -> Response[bytes]:
        return json(MEMORY[name])

    @post("/memory/create/answer")
    async def memory_create(data: dict[str, Any]) -> Response[bytes]:
        return json(MEMORY["create"], 201)

    @get("/raw/list")
    async def raw_list() -> Response[bytes]:
        return json(await raw.list())

    @get("/raw/{name:str}/{key:uuid}")
    async def raw_one(name: str, key: UUID) -> Response[bytes]:
        return json(await getattr(raw, name)(key))

    @post("/raw/create")
    async def raw_create(data: dict[str, Any]) -> Response[bytes]:
        return json(await raw.create(data["domain"]), 201)

    handlers = [keep, memory, memory_create, raw_list, raw_one, raw_create]
    return Litestar(handlers, lifespan=[pool], openapi_config=None, logging_config=None)


async def main(port: int, keys: dict[str, UUID]) -> None:
    settings = load_settings()
    async with Recording(create_database(settings, role="benchmark").engine) as database:
        raw = Raw(await record(database, keys))
    with listen("127.0.0.1", port) as listener:
        app = application(raw, driver_dsn(settings.require_database_url()))
        await serve(app, listener, announce=lambda: None, drain_seconds=0)


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(int(sys.argv[1]), dict(zip(("site", "job", "blueprint"), map(UUID, sys.argv[2:]), strict=True))))
