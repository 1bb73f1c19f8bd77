"""A visit on behalf of somebody at a terminal, and handing over what it found."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from webintel.commands.files import Format, format_of, write_whole
from webintel.commands.running import run
from webintel.commands.summary import print_summary
from webintel.commands.watching import watched
from webintel.engine.export import to_csv, to_json, to_yaml
from webintel.engine.fetch import FetchOptions
from webintel.engine.model import Blueprint, FetchRecord
from webintel.engine.scan import ScanResult, scan

_WRITERS: dict[Format, Callable[[Blueprint], str]] = {"json": to_json, "yaml": to_yaml, "csv": to_csv}


def visit(domain: str, options: FetchOptions) -> ScanResult:
    """Scan a site and show how far it has come."""
    with watched() as on_progress:
        return run(scan(domain, options, on_progress))


def hand_over(blueprint: Blueprint, output: Path | None, format_name: Format | None) -> None:
    """Write the blueprint to its file, or print it: a summary for people, YAML for programs."""
    if output is not None:
        write_whole(output, _WRITERS[format_name or format_of(output)](blueprint).encode())
        click.echo(f"Blueprint written to {output}.", err=True)
    elif format_name is None and sys.stdout.isatty():
        print_summary(blueprint)
    else:
        click.echo(_WRITERS[format_name or "yaml"](blueprint), nl=False)


def list_skipped(fetches: Iterable[FetchRecord]) -> None:
    """Say on standard error what was not read, and why."""
    for fetch in fetches:
        if fetch.outcome in ("skipped", "failed"):
            click.echo(" ".join(filter(None, (fetch.outcome, fetch.url, fetch.reason, fetch.detail))), err=True)
