"""`webintel scan`: a domain in, a blueprint out."""

from pathlib import Path
from typing import Unpack

import click

from webintel.commands.files import FORMATS, Format, format_of, require_place
from webintel.commands.options import FetchArguments, build_fetch_options, fetch_options


@click.command(epilog="Example: webintel scan example.com --max-pages 50 --output example.yaml")
@click.argument("domain")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the blueprint to a file.")
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="Default: as the file's extension says, else yaml."
)
@click.option("--skipped", is_flag=True, help="List the URLs that were skipped or failed, with the reason.")
@fetch_options
def command(
    domain: str, output: Path | None, format_name: Format | None, skipped: bool, **limits: Unpack[FetchArguments]
) -> None:
    """Visit the site at DOMAIN politely and print its blueprint."""
    options = build_fetch_options(**limits)
    if output is not None:
        require_place(output)
        format_name = format_name or format_of(output)
    from webintel.commands import scanning

    result = scanning.visit(domain, options)
    if skipped:
        scanning.list_skipped(result.fetches)
    scanning.hand_over(result.blueprint, output, format_name)
