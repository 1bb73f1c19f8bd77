"""`webintel extract`: a blueprint tried on one page."""

from pathlib import Path
from typing import Unpack

import click

from webintel.commands.options import FetchArguments, build_fetch_options, fetch_options


@click.command(epilog="Example: webintel extract shop.yaml https://shop.example/p/1 --json")
@click.argument("blueprint_file", metavar="BLUEPRINT", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("place", metavar="FILE_OR_URL")
@click.option("--url", help="Where a stored page came from.")
@click.option("--page-type", help="Take the page for one of this type, whatever its URL says.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@fetch_options
def command(
    blueprint_file: Path,
    place: str,
    url: str | None,
    page_type: str | None,
    as_json: bool,
    **limits: Unpack[FetchArguments],
) -> None:
    """Apply a blueprint to a page and print the values."""
    from webintel.commands.extracting import get_page, print_values
    from webintel.engine.export import load_blueprint

    blueprint = load_blueprint(blueprint_file)
    page = get_page(place, url, build_fetch_options(**limits))
    print_values(blueprint, page, page_type, as_json=as_json)
