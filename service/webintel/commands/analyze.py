"""`webintel analyze`: what stored pages say about themselves."""

from pathlib import Path

import click


@click.command(epilog="Example: webintel analyze page.html.gz --url https://shop.example/p/1 --json")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--url", "urls", multiple=True, help="Where the page came from: once for all, or once for each file in turn."
)
@click.option(
    "--index",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON lines of {file, url}: the URLs of the files named, or of all it lists where no file is named.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line for each page.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes to work with.")
def command(files: tuple[Path, ...], urls: tuple[str, ...], index: Path | None, as_json: bool, jobs: int) -> int:
    """Analyse stored pages, plain or gzipped, with no request to anybody."""
    from webintel.commands.analysing import analyse

    return analyse(files, urls, index, as_json=as_json, jobs=jobs)
