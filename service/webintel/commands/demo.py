"""`webintel demo`: a first blueprint without the internet."""

from pathlib import Path

import click

from webintel.commands.files import FORMATS, Format, require_place


@click.command(
    epilog="With --serve the shop stays up for as long as you like, and the output says how to scan it, "
    "how to try a blueprint on it and how to register it in a platform started by `make up`."
)
@click.option("--serve", is_flag=True, help="Only serve the shop, until Ctrl-C, and say how to visit it.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; default: a free one.")
@click.option("--max-pages", type=click.IntRange(1), default=150, show_default=True, help="Pages to fetch at most.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("demo-blueprint.yaml"),
    show_default=True,
    help="Where to write the blueprint.",
)
@click.option("--format", "format_name", type=click.Choice(FORMATS), help="Default: as the file's extension says.")
def command(serve: bool, port: int, max_pages: int, output: Path, format_name: Format | None) -> None:
    """Play a small shop of our own on a loopback address and scan it, without the internet."""
    if serve:
        from webintel.commands.serving import serve_shop

        serve_shop(port)
    require_place(output)

    from webintel.commands.demonstrating import scan_shop

    scan_shop(port, max_pages, output, format_name)
