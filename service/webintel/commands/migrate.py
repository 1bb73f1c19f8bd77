"""`webintel migrate`."""

import asyncio

import click

from webintel.commands.configuration import settings_for
from webintel.db.migrate import MigrationError, migrate


@click.command()
@click.option(
    "--wait", default=30.0, show_default=True, type=click.FloatRange(0, 600), help="Seconds to wait for the database."
)
@click.option(
    "--revision", default="head", show_default=True, help="The revision to go to, up or down; `base` empties it."
)
def command(wait: float, revision: str) -> None:
    """Bring the database to the newest schema."""
    settings = settings_for(database=True)
    try:
        reached = asyncio.run(migrate(settings, revision, wait_seconds=wait))
    except MigrationError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The database is at revision {reached}.")
