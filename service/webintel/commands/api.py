"""`webintel api`."""

import click
import uvloop

from webintel.api.server import DRAIN_SECONDS, listen, serve
from webintel.commands.configuration import settings_for
from webintel.logs import configure_logging


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option(
    "--drain-seconds",
    default=DRAIN_SECONDS,
    show_default=True,
    type=click.FloatRange(0, 300),
    help="How long requests are still served after SIGTERM, while readiness says 503.",
)
def command(host: str | None, port: int | None, drain_seconds: float) -> None:
    """Run the HTTP API."""
    settings = settings_for(database=True, secret_key=True, api_host=host, api_port=port)
    configure_logging(settings, role="api")
    try:
        listener = listen(settings.api_host, settings.api_port)
    except OSError as error:
        where = f"{settings.api_host}:{settings.api_port}"
        raise click.ClickException(
            f"Cannot listen on {where}: {error.strerror}. Choose another with --port."
        ) from error
    with listener:
        uvloop.run(serve(settings, listener, drain_seconds=drain_seconds))
