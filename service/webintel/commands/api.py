"""`webintel api`."""

from socket import socket

import click
import uvloop

from webintel.api.app import create_app
from webintel.commands.configuration import settings_for, tracing
from webintel.commands.listening import drain_option, listening
from webintel.logs import configure_logging
from webintel.serving.server import serve
from webintel.settings import Settings


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@drain_option
def command(host: str | None, port: int | None, drain_seconds: float) -> None:
    """Run the HTTP API."""
    settings = settings_for(database=True, secret_key=True, api_host=host, api_port=port)
    configure_logging(settings, role="api")
    with listening(settings.api_host, settings.api_port) as listener, tracing("api"):
        uvloop.run(_serve(settings, listener, drain_seconds))


async def _serve(settings: Settings, listener: socket, drain_seconds: float) -> None:
    app = create_app(settings)
    await serve(app, listener, announce=app.state.announce_end, drain_seconds=drain_seconds)
