"""A blueprint for people to read."""

from collections.abc import Iterable, Sequence

import click

from webintel.commands.tables import print_table
from webintel.engine.model import Blueprint, Category, Fingerprint


def print_summary(blueprint: Blueprint) -> None:
    """Print what a blueprint holds, shortened where it is long."""
    click.secho(blueprint.domain, bold=True)
    for line in _facts(blueprint):
        click.echo(line)
    print_table(
        "Page types",
        ("name", "kind", "pages", "confidence", "pattern"),
        ((t.name, t.kind, str(t.page_count), f"{t.confidence:.2f}", t.url_pattern) for t in blueprint.page_types),
    )
    print_table(
        "Categories",
        ("name", "url", "confidence"),
        ((_indented(c), c.url, f"{c.confidence:.2f}") for c in blueprint.categories),
    )
    print_table(
        "Selectors",
        ("page type", "field", "css", "passes", "example"),
        (
            (
                s.page_type,
                s.field_name,
                _in_scope(s.scope, s.css, s.attribute),
                f"{s.test_pass_rate:.2f}" if s.pages_tested else "untested",
                _first(s.sample_values),
            )
            for s in blueprint.selectors
        ),
    )
    print_table(
        "Endpoints",
        ("kind", "method", "url", "confidence"),
        ((e.kind, e.method, e.url, f"{e.confidence:.2f}") for e in blueprint.endpoints),
    )
    print_table(
        "Filters",
        ("name", "kind", "parameter", "values"),
        ((f.name, f.kind, f.param, ", ".join(f.values)) for f in blueprint.filters),
    )


def _facts(blueprint: Blueprint) -> Iterable[str]:
    yield f"confidence {blueprint.confidence_score:.2f}"
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


def _indented(category: Category) -> str:
    return "  " * category.depth + category.name


def _in_scope(scope: str | None, css: str, attribute: str | None) -> str:
    selector = f"{scope} >> {css}" if scope else css
    return f"{selector} @{attribute}" if attribute else selector


def _first(values: Sequence[str]) -> str:
    return " ".join(values[0].split())[:60] if values else ""
