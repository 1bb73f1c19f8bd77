"""`webintel up`: the whole platform on one machine."""

import os
import signal
from pathlib import Path

import click

from webintel.commands.configuration import settings_for
from webintel.commands.platform import Platform
from webintel.commands.supervising import LaunchError, Stopped, on_signals
from webintel.db.embedded import EmbeddedServerError
from webintel.db.processes import follow_parent
from webintel.logs import configure_logging
from webintel.settings import SettingsError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option("--host", help="Address of the API and the web UI.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API.  [default: 8000]")
@click.option("--web-port", type=click.IntRange(1, 65535), help="Port of the web UI.  [default: 3000]")
@click.option("--worker-port", type=click.IntRange(1, 65535), help="Port of the workers' health.  [default: 9000]")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 32), help="How many workers to run.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of the database.")
@click.option("--with-parent", is_flag=True, help="Also stop when the process that started this one ends (Linux).")
def command(  # noqa: PLR0913, PLR0917 - one for each option
    host: str | None,
    port: int | None,
    web_port: int | None,
    worker_port: int | None,
    workers: int,
    data_dir: Path | None,
    with_parent: bool,
) -> None:
    """Start the whole platform on this machine; Ctrl-C stops it."""
    settings = settings_for(
        api_host=host, web_host=host, api_port=port, web_port=web_port, worker_port=worker_port, data_dir=data_dir
    )
    configure_logging(settings, role="up")
    platform = Platform(settings, workers)
    parent = os.getppid()
    ignore_signals = on_signals(SIGNALS)
    try:
        if with_parent:
            follow_parent(parent, signal.SIGTERM)
        platform.start()
        platform.watch()
    except Stopped:
        click.echo("Stopping ...")
    except (EmbeddedServerError, LaunchError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        # Nothing may interrupt the way down; its own time is bounded.
        ignore_signals()
        platform.stop()
    click.echo("Stopped.")
