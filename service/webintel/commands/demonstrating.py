"""Playing the demo shop for as long as a scan of it takes."""

from pathlib import Path

import click

from webintel.commands.files import Format
from webintel.commands.scanning import hand_over, visit
from webintel.commands.summary import print_summary
from webintel.demo.server import RunningSite
from webintel.demo.shop import DOMAIN, LOOPBACK, demo_shop
from webintel.engine.fetch import ConnectTo, FetchOptions


def scan_shop(port: int, max_pages: int, output: Path, format_name: Format | None) -> None:
    """Scan the shop; it is ours, so nobody needs a pause between two requests."""
    with RunningSite(demo_shop, port) as site:
        click.echo(f"Playing {DOMAIN} on 127.0.0.1:{site.port}.", err=True)
        options = FetchOptions(
            max_pages=max_pages,
            delay=0.0,
            connect_to=(ConnectTo.parse(site.connect_to(DOMAIN)),),
            allow_private=(LOOPBACK,),
        )
        result = visit(f"http://{DOMAIN}", options)
    print_summary(result.blueprint)
    click.echo()
    hand_over(result.blueprint, output, format_name)
