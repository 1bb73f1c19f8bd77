"""The migrations make exactly what the models describe, and can be taken back."""

import asyncio

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.service.conftest import MakeDatabase
from webintel.db import create_database
from webintel.db.engine import driver_dsn
from webintel.db.metadata import is_ours, metadata
from webintel.db.migrate import MigrationError, head_revision, migrate
from webintel.settings import load_settings
from webintel.worker.pgqueuer import queries_on


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "include_name": lambda name, kind, _parents: is_ours(name, kind),
            "compare_type": True,
            "compare_server_default": True,
        },
    )
    return list(compare_metadata(context, metadata))


CATALOGUE = text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace "
    "UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "UNION ALL SELECT table_name, column_name, "
    "concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default) "
    "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2, 3"
)


async def catalogue(connection: AsyncConnection) -> list[tuple[str, ...]]:
    """Every column, index and constraint of our tables, in PostgreSQL's own words."""
    rows = [tuple(row) for row in await connection.execute(CATALOGUE)]
    return [row for row in rows if row[0] in metadata.tables]


async def test_an_empty_database_is_taken_to_what_the_models_describe(make_database: MakeDatabase) -> None:
    migrated = load_settings(database_url=await make_database())
    described = load_settings(database_url=await make_database())
    assert await migrate(migrated) == head_revision()
    async with create_database(migrated, role="test") as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        found = await catalogue(connection)
    # Alembic compares neither check constraints nor what an index covers, so the models speak for themselves.
    async with create_database(described, role="test") as database, database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        expected = await catalogue(connection)
    assert found == expected
    assert {row[0] for row in found} == set(metadata.tables)


async def test_the_queue_has_the_tables_that_its_library_expects(database_url: str) -> None:
    connection = await asyncpg.connect(driver_dsn(database_url))
    try:
        plan = await queries_on(AsyncpgDriver(connection)).plan_upgrade()
    finally:
        await connection.close()
    assert not plan.statements


async def test_the_way_down_leaves_nothing_and_the_way_up_works_again(make_database: MakeDatabase) -> None:
    settings = load_settings(database_url=await make_database())
    await migrate(settings)
    assert await migrate(settings, "base") == "base"
    async with create_database(settings, role="test") as database, database.engine.connect() as connection:
        leftover = await connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relname NOT LIKE 'alembic%' "
                "UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace "
                "AND typname NOT LIKE '%alembic%' "
                "UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            )
        )
        assert list(leftover) == []
    assert await migrate(settings) == head_revision()


async def test_several_at_once_migrate_one_after_the_other(make_database: MakeDatabase) -> None:
    settings = load_settings(database_url=await make_database())
    assert await asyncio.gather(*(migrate(settings) for _ in range(4))) == [head_revision()] * 4


async def test_a_database_from_the_future_is_left_alone(make_database: MakeDatabase) -> None:
    settings = load_settings(database_url=await make_database())
    await migrate(settings)
    async with create_database(settings, role="test") as database, database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert await migrate(settings) == "9999"
    for revision in ("0001", "base"):
        with pytest.raises(MigrationError, match="9999"):
            await migrate(settings, revision)


async def test_a_database_of_somebody_else_is_refused(make_database: MakeDatabase) -> None:
    settings = load_settings(database_url=await make_database())
    await migrate(settings)
    async with create_database(settings, role="test") as database, database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(MigrationError, match="0000"):
        await migrate(settings)


async def test_an_absent_server_is_named_after_a_bounded_wait() -> None:
    settings = load_settings(database_url="postgresql://someone:hidden@127.0.0.1:1/nothing")
    with pytest.raises(MigrationError, match=r"127\.0\.0\.1:1/nothing does not answer") as refusal:
        await migrate(settings, wait_seconds=0.1)
    assert "hidden" not in str(refusal.value)


async def test_a_refused_connection_is_not_tried_again(server_url: str) -> None:
    url = make_url(server_url).set(database="no_such_database").render_as_string(hide_password=False)
    with pytest.raises(MigrationError, match="no_such_database"):
        await migrate(load_settings(database_url=url), wait_seconds=60)
