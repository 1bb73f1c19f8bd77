"""Applying a blueprint to a page."""

import sys
from pathlib import Path

import click
import msgspec

from webintel.commands.files import read_page
from webintel.commands.running import run
from webintel.engine.fetch import Fetcher, FetchOptions
from webintel.engine.model import Blueprint
from webintel.engine.page import Page
from webintel.engine.selectors import apply_selectors, match_page_type
from webintel.engine.selectors.apply import Values

_ITEMS_SHOWN = 10


def get_page(place: str, url: str | None, options: FetchOptions) -> Page:
    """Read the page from its file, or fetch it as politely and safely as a scan does."""
    if "://" in place:
        return run(_fetched(place, options))
    path = Path(place)
    if url is None:
        raise click.UsageError(f"Say with --url where {path} came from.")
    try:
        return Page.from_bytes(url, read_page(path))
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}. Store the page again.") from None


async def _fetched(url: str, options: FetchOptions) -> Page:
    async with Fetcher(options) as fetcher:
        return Page.from_response(await fetcher.get(url))


def choose_type(blueprint: Blueprint, page: Page, wanted: str | None) -> str:
    """Find the page type whose selectors apply."""
    names = [page_type.name for page_type in blueprint.page_types]
    found = wanted or match_page_type(blueprint, page.url, page)
    if found is None:
        raise click.ClickException(
            f"{page.url} is of no page type of this blueprint. Choose one with --page-type: {', '.join(names)}."
        )
    if found not in names:
        raise click.UsageError(f"The blueprint has no page type {found}, but {', '.join(names)}.")
    return found


def print_values(blueprint: Blueprint, page: Page, page_type: str | None, *, as_json: bool) -> None:
    """Print what the selectors of the page's type find on it."""
    name = choose_type(blueprint, page, page_type)
    values = apply_selectors([selector for selector in blueprint.selectors if selector.page_type == name], page)
    if not values:
        raise click.ClickException(
            f"The selectors for {name} find nothing on {page.url}. Scan the site again, or try --page-type."
        )
    if as_json:
        line = msgspec.json.encode({"url": page.url, "page_type": name, "values": values})
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.flush()
    else:
        _print_table(name, values)


def _print_table(name: str, values: Values) -> None:
    click.secho(f"As {name}", bold=True)
    for field, value in values.items():
        first, *more = _shown(value).splitlines() or [""]
        click.echo(f"{field:<16} {first}")
        for line in more:
            click.echo(f"{'':<16} {line}")


def _shown(value: str | list[str] | list[dict[str, str]]) -> str:
    if isinstance(value, str):
        return value
    lines = [item if isinstance(item, str) else ", ".join(f"{k}={v}" for k, v in item.items()) for item in value]
    more = [f"... and {len(lines) - _ITEMS_SHOWN} more"] if len(lines) > _ITEMS_SHOWN else []
    return "\n".join(lines[:_ITEMS_SHOWN] + more)
