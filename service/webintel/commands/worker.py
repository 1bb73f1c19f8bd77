"""`webintel worker`."""

import click
import uvloop

from webintel.commands.configuration import settings_for, tracing
from webintel.db.migrate import MigrationError
from webintel.logs import configure_logging
from webintel.settings import SettingsError
from webintel.worker.app import serve
from webintel.worker.server import PortError
from webintel.worker.tasks import all_tasks
from webintel.worker.visits import fetch_options


@click.command()
@click.option("--host", help="Address of health and metrics.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of health and metrics.")
@click.option("--concurrency", type=click.IntRange(2, 100), help="Jobs at once.")
def command(host: str | None, port: int | None, concurrency: int | None) -> None:
    """Run the worker that does the jobs."""
    settings = settings_for(database=True, worker_host=host, worker_port=port, worker_concurrency=concurrency)
    configure_logging(settings, role="worker")
    try:
        fetch_options(settings)  # what cannot be used is refused now, not with the first job
        with tracing("worker"):
            uvloop.run(serve(settings, all_tasks))
    except (MigrationError, PortError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
