"""Comparing what was restored with the live database."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Column, Table, Text, cast, func, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from webintel.blueprints.models import Blueprint
from webintel.db.metadata import metadata
from webintel.db.migrate import current_revision, known_revisions
from webintel.drill.errors import DrillError
from webintel.drill.models import RestoreDrill

COMMIT_SECONDS = 120
"""A row carries the moment it was written; it may be committed, and so backed up, this much later."""
COMPARED_BLUEPRINTS = 1000
INDISPENSABLE = frozenset({"users", "sites", "blueprints", "jobs"})
"""Tables that every revision of the schema has."""

_TABLES = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
_SERVER = text("SELECT pg_postmaster_start_time()::text || ' ' || current_database()")
_RECEIVERS = text("SELECT count(*) FROM pg_stat_wal_receiver")


class Findings(msgspec.Struct, kw_only=True):
    """What is known so far; also of a drill that failed halfway."""

    recovery_point: datetime | None = None
    missing: timedelta | None = None
    rows_read: int | None = None


class Comparison:
    """The checks, from the cheapest to the dearest; the first that fails ends them."""

    def __init__(self, live: AsyncConnection, restored: AsyncConnection, findings: Findings) -> None:
        self._live = live
        self._restored = restored
        self._findings = findings

    async def run(self, started_at: datetime, max_missing: timedelta) -> None:
        """Check everything.

        Raises:
            DrillError: the backup cannot be relied on.
        """
        await self._check_identity()
        tables = await self._check_schema()
        await self._read_everything(tables)
        await self._find_recovery_point(tables)
        await self._check_rows(tables)
        await self._check_age(tables, started_at, max_missing)
        await self._check_blueprints()

    async def _check_identity(self) -> None:
        """A drill on the live server, or on its replica, would always go well."""
        with blaming("live"):
            live = await self._live.scalar(_SERVER)
        with blaming("restored"):
            if await self._restored.scalar(_SERVER) == live:
                raise DrillError("The address of the restored database leads to the live one.")
            if await self._restored.scalar(_RECEIVERS):
                raise DrillError("The restored server is a streaming replica, which says nothing about the backup.")

    async def _check_schema(self) -> Sequence[Table]:
        """Check revision and tables; give those of ours that are there."""
        with blaming("live"):
            live_revision = await current_revision(self._live)
            live_tables = set(await self._live.scalars(_TABLES))
        with blaming("restored"):
            revision = await current_revision(self._restored)
            tables = set(await self._restored.scalars(_TABLES))
        if revision is None:
            raise DrillError("The restored database has no schema of ours.")
        if revision not in known_revisions() or revision > (live_revision or ""):
            raise DrillError(f"The restored database is at revision {revision}, the live one at {live_revision}.")
        expected = live_tables if revision == live_revision else INDISPENSABLE
        if absent := sorted(expected - tables):
            raise DrillError(f"The restored database lacks tables: {', '.join(absent)}.")
        return [
            table
            for name, table in metadata.tables.items()
            if name in tables & live_tables and name != RestoreDrill.__tablename__
        ]

    async def _read_everything(self, tables: Sequence[Table]) -> None:
        """Read each row with all that it holds, and count the rows again by the primary key's index."""
        total = 0
        for table in tables:
            with blaming("restored", f"{table.name} cannot be read"):
                statement = text(f"SELECT count(*), sum(octet_length(t::text)) FROM {table.name} t")  # noqa: S608 - our own names
                rows = (await self._restored.execute(statement)).one()[0]
                for setting in ("enable_seqscan", "enable_bitmapscan"):
                    await self._restored.execute(text(f"SET {setting} = off"))
                indexed = await self._restored.scalar(select(func.count(table.c.id)).where(table.c.id.is_not(None)))
                for setting in ("enable_seqscan", "enable_bitmapscan"):
                    await self._restored.execute(text(f"RESET {setting}"))
            if rows != indexed:
                raise DrillError(f"{table.name} has {rows} rows, but its primary key's index finds {indexed}.")
            total += rows
            self._findings.rows_read = total

    async def _find_recovery_point(self, tables: Sequence[Table]) -> None:
        with blaming("restored"):
            moments = [await self._restored.scalar(select(func.max(moment))) for moment in _moments(tables)]
        self._findings.recovery_point = max((m.astimezone(UTC) for m in moments if m is not None), default=None)

    async def _check_rows(self, tables: Sequence[Table]) -> None:
        """Every row that is older than the recovery point and still lives must have come back."""
        point = self._findings.recovery_point
        if point is None:
            await self._check_emptiness(tables)
            return
        for table in tables:
            old = select(func.count()).select_from(table).where(table.c.created_at <= _settled(point))
            with blaming("live"):
                living = await self._live.scalar(old) or 0
            with blaming("restored"):
                returned = await self._restored.scalar(old) or 0
            if returned < living:
                raise DrillError(
                    f"{table.name}: {living - returned} of {living} rows that are older than the recovery point "
                    f"({_written(point)}) did not come back."
                )

    async def _check_emptiness(self, tables: Sequence[Table]) -> None:
        for table in tables:
            with blaming("live"):
                rows = await self._live.scalar(select(func.count()).select_from(table))
            if rows:
                raise DrillError(f"The restored database is empty, while the live one has {rows} rows in {table.name}.")

    async def _check_age(self, tables: Sequence[Table], started_at: datetime, max_missing: timedelta) -> None:
        """Find the first change that did not come back: on a quiet platform an old backup may lack nothing."""
        point = self._findings.recovery_point
        first = started_at
        if point is not None:
            with blaming("live"):
                for moment in _moments(tables):
                    found = await self._live.scalar(select(func.min(moment)).where(moment > point))
                    first = min(first, found.astimezone(UTC)) if found is not None else first
        self._findings.missing = started_at - first
        if point is not None and started_at - first > max_missing:
            raise DrillError(
                f"The backup is too old: it ends at {_written(point)}, and lacks what was done in the last "
                f"{_hours(started_at - first)}; at most {_hours(max_missing)} are allowed."
            )

    async def _check_blueprints(self) -> None:
        """The newest blueprints must be what they were, letter for letter: they are never changed once written."""
        if self._findings.recovery_point is None:
            return
        digest = func.md5(cast(Blueprint.content, Text))
        with blaming("restored"):
            returned = await self._restored.execute(
                select(Blueprint.id, digest, func.jsonb_typeof(Blueprint.content))
                .order_by(Blueprint.id.desc())
                .limit(COMPARED_BLUEPRINTS)
            )
            rows = {row[0]: row for row in returned}
        with blaming("live"):
            living = await self._live.execute(select(Blueprint.id, digest).where(Blueprint.id.in_(rows)))
            differing = [blueprint for blueprint, found in living if found != rows[blueprint][1]]
        unreadable = [blueprint for blueprint, _, kind in rows.values() if kind != "object"]
        if wrong := differing + unreadable:
            raise DrillError(f"{len(wrong)} of {len(rows)} blueprints came back changed, one of them {wrong[0]}.")


@contextlib.contextmanager
def blaming(which: str, what: str = "does not answer as it should") -> Iterator[None]:
    """Turn a failure of one of the two databases into a sentence."""
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        cause = getattr(error.orig, "__cause__", None) if isinstance(error, DBAPIError) else error
        reason = " ".join(str(cause or error).split()) or type(cause).__name__
        subject = f"The {which} database" if what.startswith("does") else f"The {which} database:"
        raise DrillError(f"{subject} {what} ({reason}).") from error


def _moments(tables: Sequence[Table]) -> list[Column[datetime]]:
    """The columns that say when something was done, rather than when it is to be done."""
    past = {"created_at", "updated_at", "heartbeat_at"}
    return [column for table in tables for column in table.c if column.name in past]


def _settled(point: datetime) -> datetime:
    return point - timedelta(seconds=COMMIT_SECONDS)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} hours"
