"""What the commands that serve HTTP share."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import click

from webintel.serving.server import DRAIN_SECONDS, listen

drain_option = click.option(
    "--drain-seconds",
    default=DRAIN_SECONDS,
    show_default=True,
    type=click.FloatRange(0, 300),
    help="How long requests are still served after SIGTERM, while readiness says 503.",
)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket]:
    """Take a port, or say in one line why it cannot be had."""
    try:
        listener = listen(host, port)
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
        ) from error
    with listener:
        yield listener
