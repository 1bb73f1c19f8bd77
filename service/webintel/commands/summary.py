"""A blueprint for people to read."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from webintel.engine.model import Blueprint, Category, Fingerprint

_ROWS = 40
"""Rows of a table before the rest is only counted."""


def print_summary(blueprint: Blueprint, console: Console | None = None) -> None:
    """Print what a blueprint holds, shortened where it is long."""
    console = console or Console()
    console.print(Text(blueprint.domain, style="bold"), f"confidence {blueprint.confidence_score:.2f}")
    for line in _facts(blueprint):
        console.print(Text(line))
    _table(
        console,
        "Page types",
        ("name", "kind", "pages", "confidence", "pattern"),
        ((t.name, t.kind, str(t.page_count), f"{t.confidence:.2f}", t.url_pattern) for t in blueprint.page_types),
    )
    _table(
        console,
        "Categories",
        ("name", "url", "confidence"),
        ((_indented(c), c.url, f"{c.confidence:.2f}") for c in blueprint.categories),
    )
    _table(
        console,
        "Selectors",
        ("page type", "field", "css", "passes", "example"),
        (
            (
                s.page_type,
                s.field_name,
                _in_scope(s.scope, s.css, s.attribute),
                f"{s.test_pass_rate:.2f}",
                _first(s.sample_values),
            )
            for s in blueprint.selectors
        ),
    )
    _table(
        console,
        "Endpoints",
        ("kind", "method", "url", "confidence"),
        ((e.kind, e.method, e.url, f"{e.confidence:.2f}") for e in blueprint.endpoints),
    )
    _table(
        console,
        "Filters",
        ("name", "kind", "parameter", "values"),
        ((f.name, f.kind, f.param, ", ".join(f.values)) for f in blueprint.filters),
    )


def _facts(blueprint: Blueprint) -> Iterable[str]:
    yield f"start      {blueprint.start_url}"
    yield f"platform   {_technologies(blueprint.fingerprint)}"
    yield f"complexity {blueprint.fingerprint.complexity_score:.2f}"
    hints = blueprint.render_hints
    yield f"rendering  {'needs a browser' if hints.requires_js else 'plain HTML'}, read by {blueprint.discovery_method}"
    pagination = blueprint.pagination
    yield f"pagination {pagination.kind} {pagination.url_pattern or pagination.next_selector or ''}".rstrip()


def _technologies(fingerprint: Fingerprint) -> str:
    names = [technology.name for technology in fingerprint.technologies if technology.name != fingerprint.platform]
    return f"{fingerprint.platform or 'none known'}{', with ' + ', '.join(names) if names else ''}"


def _table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    found = list(rows)
    if not found:
        return
    table = Table(title=f"{title} ({len(found)})", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="ellipsis", no_wrap=True, style=None)
    for row in found[:_ROWS]:
        table.add_row(*(Text(cell) for cell in row))
    console.print()
    console.print(table)
    if len(found) > _ROWS:
        console.print(f"... and {len(found) - _ROWS} more")


def _indented(category: Category) -> str:
    return "  " * category.depth + category.name


def _in_scope(scope: str | None, css: str, attribute: str | None) -> str:
    selector = f"{scope} >> {css}" if scope else css
    return f"{selector} @{attribute}" if attribute else selector


def _first(values: Sequence[str]) -> str:
    return " ".join(values[0].split())[:60] if values else ""
