"""What Alembic runs for each command: on a connection it is given, or on one to the configured database."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from webintel.db.engine import create_database
from webintel.db.metadata import is_ours, metadata
from webintel.settings import get_settings


def run_on(connection: Connection) -> None:
    """Run the migrations in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=lambda name, kind, _parents: is_ours(name, kind),
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    """Serve the `alembic` command of developers."""
    async with create_database(get_settings(), role="alembic") as database, database.engine.begin() as connection:
        await connection.run_sync(run_on)


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif isinstance(given := context.config.attributes.get("connection"), Connection):
    run_on(given)
else:
    asyncio.run(connect_and_run())
