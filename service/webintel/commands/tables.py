"""Tables of text that fit the terminal."""

import shutil
from collections.abc import Iterable, Sequence

import click

_GAP = 2
_ROWS = 40
"""Rows before the rest is only counted."""
_WIDTH_OF_NO_TERMINAL = 140


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table unless it is empty; the widest columns give way where it would not fit."""
    every = [[cell.replace("\n", " ") for cell in row] for row in rows]
    if not every:
        return
    shown = [list(columns), *every[:_ROWS]]
    widths = _fit([max(len(row[at]) for row in shown) for at in range(len(columns))])
    click.echo()
    click.secho(f"{title} ({len(every)})", bold=True)
    for row in shown:
        cells = (_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo((" " * _GAP).join(cells).rstrip())
    if len(every) > _ROWS:
        click.echo(f"... and {len(every) - _ROWS} more")


def _fit(widths: list[int]) -> list[int]:
    room = shutil.get_terminal_size((_WIDTH_OF_NO_TERMINAL, 24)).columns - _GAP * (len(widths) - 1)
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"
