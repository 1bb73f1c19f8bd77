"""Showing how far a command has come: a bar on a terminal, plain lines elsewhere, always on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from webintel.engine.progress import OnProgress, Progress

_LINE_EVERY = 10.0
"""Percentage points between two plain lines of one step."""


@contextmanager
def watched() -> Iterator[OnProgress]:
    """Give a callback that shows progress for as long as the context lasts."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _OnBar(bar, bar.add_task("connecting", total=100.0))


class _OnBar:
    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def __call__(self, progress: Progress) -> None:
        self._bar.update(self._task, completed=progress.percentage, description=progress.message)


class _Lines:
    def __init__(self) -> None:
        self._last: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        last = self._last
        if last and last.step == progress.step and progress.percentage < last.percentage + _LINE_EVERY:
            return
        self._last = progress
        click.echo(f"{progress.percentage:3.0f} % {progress.step}: {progress.message}", err=True)
