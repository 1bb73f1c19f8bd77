"""How existing selectors do on pages, judged by all that can be known of those pages without them."""

from collections.abc import Sequence

import msgspec

from webintel.engine.model import PageKind, Selector
from webintel.engine.page import Page
from webintel.engine.selectors.apply import read_selector, select_items
from webintel.engine.selectors.document import Document
from webintel.engine.selectors.induce import training_pages
from webintel.engine.selectors.labelled import labelled_values
from webintel.engine.selectors.labels import PageLabels, page_labels
from webintel.engine.selectors.values import (
    DATES,
    NUMBERS,
    PASS,
    PRICES,
    URLS,
    list_similarity,
    possible_dates,
    price_amount,
    similarity,
)

MIN_ITEMS = 2
MIN_PAGES_TO_VARY = 3


class Reading(msgspec.Struct, frozen=True):
    """What a selector gave on one page."""

    value: str | None
    right: bool | None
    """None when nothing is known to compare with."""


def measure_selectors(selectors: Sequence[Selector], pages: Sequence[Page], kind: PageKind) -> list[Selector]:
    """The selectors of one page type with the pass rate they have on these pages.

    A selector about which the pages say nothing comes back as it was.
    """
    readings: list[list[Reading]] = [[] for _ in selectors]
    for page in training_pages(pages):
        fresh = Page(page.url, page.html, status=page.status, headers=page.headers)
        labels = page_labels(fresh, kind)
        labelled = _labelled_texts(selectors, fresh)
        for selector, own in zip(selectors, readings, strict=True):
            own.append(_read(selector, fresh, labels, labelled))
    return [_rated(selector, own) for selector, own in zip(selectors, readings, strict=True)]


def _rated(selector: Selector, readings: Sequence[Reading]) -> Selector:
    values = [reading.value for reading in readings if reading.value is not None]
    varied = len(set(selector.sample_values)) > 1
    if varied and len(values) >= MIN_PAGES_TO_VARY and len(set(values)) == 1:
        # One text on every page, where there were several: the template's, not the pages'.
        readings = [Reading(reading.value, right=bool(reading.right)) for reading in readings]
    known = [reading.right for reading in readings if reading.right is not None]
    if not known:
        return selector
    return msgspec.structs.replace(selector, test_pass_rate=round(sum(known) / len(known), 4), pages_tested=len(known))


def _read(selector: Selector, page: Page, labels: PageLabels, labelled: dict[str, str]) -> Reading:
    if selector.scope is not None:
        items = select_items(selector, page)
        filled = [values[0] for values in items if values]
        right = len(filled) >= MIN_ITEMS and len(filled) >= PASS * len(items) * selector.test_pass_rate
        return Reading(value=filled[0] if filled else None, right=right and _plausible(selector, filled[0]))
    values = read_selector(page.tree, selector, page.base_url)
    if not values:
        return Reading(value=None, right=False)
    return Reading(value=values[0], right=_is_right(selector, values, labels, labelled))


def _is_right(selector: Selector, values: Sequence[str], labels: PageLabels, labelled: dict[str, str]) -> bool | None:
    name = selector.field_name
    label = labels.get(name)
    if label is not None and selector.multiple:
        return max(list_similarity(name, values, one) for one in label.expected.alternatives) >= PASS
    if label is not None:
        return any(similarity(name, values[0], one[0]) >= PASS for one in label.expected.alternatives if one)
    if name in labelled:
        return similarity(name, values[0], labelled[name]) >= PASS
    return None if _plausible(selector, values[0]) else False


def _plausible(selector: Selector, value: str) -> bool:
    """Whether a value looks like those that the selector gave when it was made."""
    name, samples = selector.field_name, selector.sample_values
    if name in PRICES:
        return price_amount(value) is not None or not any(map(price_amount, samples))
    if name in DATES:
        return bool(possible_dates(value)) or not any(map(possible_dates, samples))
    if name in URLS:
        return value.startswith(("http:", "https:", "data:"))
    if not samples:
        return True
    if (name in NUMBERS or all(map(_has_digit, samples))) and not _has_digit(value):
        return False
    # Samples are cut off at 200 characters, so only much shorter or much longer than all of them is odd.
    shortest, longest = min(map(len, samples)), max(map(len, samples))
    return len(value) * 6 + 12 >= shortest and (longest >= 200 or len(value) <= longest * 6 + 60)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _labelled_texts(selectors: Sequence[Selector], page: Page) -> dict[str, str]:
    if not any(one.method == "repeated_structure" and one.scope is None for one in selectors):
        return {}
    return {name: element.text or "" for name, element in labelled_values(Document(page))}
