"""What is already known of a page's fields without any selector: the weak labels that induction learns from."""

from collections.abc import Iterable

import msgspec

from webintel.engine.fields import labels
from webintel.engine.fields.from_items import first
from webintel.engine.model import ExtractedField, PageKind
from webintel.engine.page import Page
from webintel.engine.selectors.items import ITEM_FIELDS
from webintel.engine.selectors.scoring import Expected

MAX_VALUES = 80
MAX_LENGTH = 40_000
_HTML_WEIGHT = 0.85


class PageLabel(msgspec.Struct, frozen=True):
    """One field of one page, as far as it is known."""

    expected: Expected
    structured: bool


PageLabels = dict[str, PageLabel]


def page_labels(page: Page, kind: PageKind) -> PageLabels:
    """Weak labels of a page by field; items of listings are found by their repetition instead."""
    known = group_labels(labels(page, kind))
    name = _recipe_name(page) if "title" in known else None
    if name is not None:
        known["title"] = PageLabel(Expected(((name,),)), structured=True)
    return known


def _recipe_name(page: Page) -> str | None:
    """What the one recipe of a page is called, where readers see it; the first heading often says more than that."""
    recipes = page.structured.of_type("Recipe")
    name = first(recipes[0], "name") if len(recipes) == 1 else None
    return name if name and name.casefold() in page.text.casefold() else None


def group_labels(fields: Iterable[ExtractedField]) -> PageLabels:
    """Extracted fields as expectations."""
    known: PageLabels = {}
    for field in fields:
        values = _values(field)
        if field.name in ITEM_FIELDS or not values:
            continue
        structured = field.source != "html"
        weight = field.confidence * (1.0 if structured else _HTML_WEIGHT)
        expected = Expected((values,), multiple=isinstance(field.value, list), weight=weight, sure=structured)
        known[field.name] = PageLabel(expected, structured)
    return {name: label for name, label in known.items() if not _repeats_title(name, known)}


def _repeats_title(name: str, known: PageLabels) -> bool:
    # A brand, code or author that reads like the title is a misreading, and would lead straight to the heading.
    title = known.get("title")
    return title is not None and name != "title" and known[name].expected.alternatives == title.expected.alternatives


def _values(field: ExtractedField) -> tuple[str, ...]:
    raw = [field.value] if isinstance(field.value, str) else field.value
    return tuple(value for value in raw[:MAX_VALUES] if value.strip() and len(value) <= MAX_LENGTH)
