"""Reads outlast broken connections, and always give back what they took."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import Float, Integer, Text, bindparam, cast, func, literal_column, select, text
from structlog.testing import capture_logs

from webintel.db import Database, create_database
from webintel.db.reads import Read, at_most
from webintel.settings import Settings
from webintel.sites.models import Site

ECHO = Read(select(cast(bindparam("said"), Text).label("said"), literal_column("7").label("seven")))
SITES = Read(select(Site.id).where(Site.priority == bindparam("priority")))
SLEEP = Read(select(func.pg_sleep(bindparam("seconds", type_=Float))))
DIVIDE = Read(select(func.mod(literal_column("1"), bindparam("by", type_=Integer))))


@pytest.fixture
async def narrow(settings: Settings) -> AsyncIterator[Database]:
    """Two connections that are kept, and two more for a moment."""
    few = settings.model_copy(update={"database_pool_size": 2, "database_max_overflow": 2})
    async with create_database(few, role="test reads") as database:
        yield database


async def end_connections(database: Database) -> None:
    """Have the server end every connection of the pool."""
    async with database.reading() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'webintel test reads' AND pid <> pg_backend_pid()"
            )
        )


def test_a_read_is_written_once_with_its_values_in_order() -> None:
    pair = Read(select(bindparam("b"), bindparam("a"), literal_column("x")).limit(at_most(3)))
    assert pair.sql.endswith("LIMIT 3")
    assert pair.arguments({"a": 1, "b": 2}) == [2, 1]
    with pytest.raises(KeyError):
        pair.arguments({"a": 1})


async def test_a_read_gives_rows(narrow: Database) -> None:
    row = await narrow.row(ECHO, said="it's; --")
    assert row is not None
    assert (row["said"], row["seven"]) == ("it's; --", 7)


async def test_more_than_the_pool_keeps_can_read_at_once_and_all_is_given_back(narrow: Database) -> None:
    with capture_logs() as logs:
        rows = await asyncio.gather(*(narrow.row(ECHO, said=str(number)) for number in range(40)))
    assert [row["said"] for row in rows if row] == [str(number) for number in range(40)]
    assert logs == []
    assert narrow.connections() == (0, 2)


async def test_neither_reads_nor_transactions_notice_that_the_server_has_ended_their_connections(
    narrow: Database, database: Database
) -> None:
    await asyncio.gather(*(narrow.row(SLEEP, seconds=0.05) for _ in range(2)))
    await end_other(database)
    assert await narrow.row(ECHO, said="still here")
    await end_other(database)
    async with narrow.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def end_other(database: Database) -> None:
    await end_connections(database)
    await asyncio.sleep(0.2)  # until the news has come


async def test_a_read_is_sent_again_when_its_connection_breaks_under_it(narrow: Database, database: Database) -> None:
    asked = asyncio.create_task(narrow.row(SLEEP, seconds=1.0))
    while not narrow.connections()[0]:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    await end_connections(database)
    assert await asked is not None


async def test_a_value_that_the_driver_refuses_leaves_no_lock_behind(narrow: Database, database: Database) -> None:
    with pytest.raises(asyncpg.DataError):
        await narrow.row(SITES, priority=10**12)
    async with database.reading() as connection:
        held = await connection.scalar(text("SELECT count(*) FROM pg_locks WHERE relation = 'sites'::regclass"))
    assert held == 0


async def test_what_fails_or_is_cancelled_gives_its_connection_back(narrow: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await narrow.row(DIVIDE, by=0)
    asked = asyncio.create_task(narrow.row(SLEEP, seconds=60))
    while not narrow.connections()[0]:
        await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert narrow.connections()[0] == 0
    assert await narrow.row(ECHO, said="next")
