"""`webintel database-password`."""

import asyncio

import click

from webintel.commands.configuration import settings_for
from webintel.db.migrate import MigrationError
from webintel.db.role_password import RolePasswordError, change_role_password


@click.command()
@click.option(
    "--wait", default=30.0, show_default=True, type=click.FloatRange(0, 600), help="Seconds to wait for the database."
)
def command(wait: float) -> None:
    """Give our role in the database its new password.

    WEBINTEL_DATABASE_URL has the new one, WEBINTEL_DATABASE_PASSWORD_PREVIOUS the one that the database still takes.
    Where it takes the new one already, nothing is done.
    """
    settings = settings_for(database=True)
    try:
        changed = asyncio.run(change_role_password(settings, wait_seconds=wait))
    except (MigrationError, RolePasswordError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The database {'takes the new password now' if changed else 'took the new password already'}.")
