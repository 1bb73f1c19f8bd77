"""Serving the demo shop until somebody stops it."""

import signal
import threading
from typing import NoReturn

import click

from webintel.commands.running import EXIT_TERMINATED
from webintel.demo.catalog import PRODUCTS
from webintel.demo.server import RunningSite
from webintel.demo.shop import DOMAIN, LOOPBACK, demo_shop


def serve_shop(port: int) -> NoReturn:
    """Serve the shop until a signal comes."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with RunningSite(demo_shop, port) as site:
        rule = site.connect_to(DOMAIN)
        reach = f"--connect-to {rule} --allow-private {LOOPBACK}"
        click.echo(
            f"The shop is on http://127.0.0.1:{site.port}/ until Ctrl-C. To scan it as {DOMAIN}:\n"
            f"  webintel scan {DOMAIN} --delay 0 {reach}\n"
            f"To try a blueprint on one of its pages:\n"
            f"  webintel extract demo-blueprint.yaml http://{DOMAIN}{PRODUCTS[0].path} {reach}\n"
            "To register it in the platform, start that with:\n"
            f"  WEBINTEL_FETCH_CONNECT_TO={rule} WEBINTEL_FETCH_ALLOW_PRIVATE={LOOPBACK} make up"
        )
        stopped.wait()
    raise SystemExit(EXIT_TERMINATED)
