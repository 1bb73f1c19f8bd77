"""`webintel web`."""

from socket import socket

import click
import uvloop

from webintel.commands.configuration import settings_for, tracing
from webintel.commands.listening import drain_option, listening
from webintel.logs import configure_logging
from webintel.serving.server import serve
from webintel.settings import Settings
from webintel.web.app import create_app


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--api-url", help="Where the API answers.")
@drain_option
def command(host: str | None, port: int | None, api_url: str | None, drain_seconds: float) -> None:
    """Run the web UI."""
    settings = settings_for(web_host=host, web_port=port, api_url=api_url)
    configure_logging(settings, role="web")
    with listening(settings.web_host, settings.web_port) as listener, tracing("web"):
        uvloop.run(_serve(settings, listener, drain_seconds))


async def _serve(settings: Settings, listener: socket, drain_seconds: float) -> None:
    app = create_app(settings)
    await serve(app, listener, announce=app.state.announce_end, drain_seconds=drain_seconds)
