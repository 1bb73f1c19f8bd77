"""Transactions over the driver itself: all or nothing, and the connection is always given back."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import bindparam, text, update

from tests.service.conftest import MakeSite
from webintel.db import Database, create_database
from webintel.db.writes import Write, connection_of
from webintel.settings import Settings
from webintel.sites.models import Site

NOTE = Write(update(Site).values(notes=bindparam("notes"), revision=1, updated_at=Site.updated_at).returning(Site.id))


@pytest.fixture
async def narrow(settings: Settings) -> AsyncIterator[Database]:
    """Two connections that are kept, and two more for a moment."""
    few = settings.model_copy(update={"database_pool_size": 2, "database_max_overflow": 2})
    async with create_database(few, role="test writes") as database:
        yield database


async def notes(database: Database) -> str | None:
    async with database.reading() as connection:
        found: str | None = await connection.scalar(text("SELECT notes FROM sites"))
        return found


async def test_what_is_written_is_there_and_rows_come_back(narrow: Database, make_site: MakeSite) -> None:
    site = await make_site()
    async with narrow.writing() as connection:
        rows = await NOTE.run(connection, notes="it's; --")
    assert [row["id"] for row in rows] == [site.id]
    assert await notes(narrow) == "it's; --"
    assert narrow.connections() == (0, 1)


@pytest.mark.parametrize("fault", ["ours", "of the database", "cancelled"])
async def test_what_fails_leaves_nothing_and_gives_its_connection_back(
    narrow: Database, make_site: MakeSite, fault: str
) -> None:
    await make_site()

    async def write() -> None:
        async with narrow.writing() as connection:
            await NOTE.run(connection, notes="half")
            if fault == "ours":
                raise LookupError
            await connection.execute("SELECT 1/0" if fault == "of the database" else "SELECT pg_sleep(60)")

    task = asyncio.create_task(write())
    if fault == "cancelled":
        while not narrow.connections()[0]:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
    with pytest.raises((LookupError, asyncpg.DivisionByZeroError, asyncio.CancelledError)):
        await task
    assert narrow.connections()[0] == 0
    assert await notes(narrow) is None
    async with narrow.writing() as connection:
        await NOTE.run(connection, notes="whole")
    assert await notes(narrow) == "whole"


async def test_more_than_the_pool_keeps_can_write_at_once_and_all_is_given_back(
    narrow: Database, make_site: MakeSite
) -> None:
    await make_site()

    async def write(number: int) -> None:
        async with narrow.writing() as connection:
            await NOTE.run(connection, notes=str(number))

    await asyncio.gather(*(write(number) for number in range(40)))
    assert narrow.connections() == (0, 2)


async def test_a_transaction_does_not_notice_that_the_server_has_ended_its_connection(
    narrow: Database, database: Database, make_site: MakeSite
) -> None:
    await make_site()
    async with narrow.writing() as connection:
        await NOTE.run(connection, notes="before")
    async with database.reading() as other:
        await other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'webintel test writes'"
            )
        )
    async with narrow.writing() as connection:
        await NOTE.run(connection, notes="after")
    assert await notes(database) == "after"


async def test_the_connection_of_a_session_is_in_its_transaction(database: Database, make_site: MakeSite) -> None:
    await make_site()

    async def write() -> None:
        async with database.transaction() as session:
            await NOTE.run(await connection_of(session), notes="half")
            raise LookupError

    with pytest.raises(LookupError):
        await write()
    assert await notes(database) is None
