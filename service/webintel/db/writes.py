"""Writes that many requests make: written with SQLAlchemy, compiled once, run by asyncpg within a transaction."""

from typing import Any

from asyncpg import Connection, Record
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.db.reads import Compiled


class Write(Compiled):
    """A statement that belongs to a transaction. What goes into a jsonb column has to be JSON already."""

    async def run(self, connection: Connection, **values: Any) -> list[Record]:
        """Run it, and give the rows that it returns."""
        rows: list[Record] = await connection.fetch(self.sql, *self.arguments(values))
        return rows


async def connection_of(session: AsyncSession) -> Connection:
    """Give the driver's own connection of a session, inside the session's transaction."""
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    if isinstance(raw, Connection) and not raw.is_in_transaction():
        # SQLAlchemy sends BEGIN with the first statement, not before: without one a write would be committed alone.
        await connection.execute(text("SELECT 1"))
    return raw
