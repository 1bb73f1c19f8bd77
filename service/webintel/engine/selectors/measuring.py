"""How existing selectors do on pages, judged by all that can be known of those pages without them."""

from collections.abc import Sequence
from functools import cached_property

import msgspec

from webintel.engine.model import PageKind, Selector
from webintel.engine.page import Page
from webintel.engine.selectors.apply import read_selector
from webintel.engine.selectors.document import Document, Element
from webintel.engine.selectors.items import common_links, detect_items, item_nodes, repeated_texts
from webintel.engine.selectors.labelled import labelled_values
from webintel.engine.selectors.labels import page_labels
from webintel.engine.selectors.sampling import fresh
from webintel.engine.selectors.scoring import Expected
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

MAX_PAGES = 24
MAX_ITEMS = 16
MIN_PAGES_TO_VARY = 4
MIN_SAMPLES_TO_VARY = 3


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
    common = _common_links(pages[:MAX_PAGES]) if any(one.scope is not None for one in selectors) else frozenset()
    for page in pages[:MAX_PAGES]:
        known = _Known(fresh(page), kind, common)
        for selector, own in zip(selectors, readings, strict=True):
            own.append(known.read_items(selector) if selector.scope is not None else known.read(selector))
    return [_rated(selector, own) for selector, own in zip(selectors, readings, strict=True)]


def _rated(selector: Selector, readings: Sequence[Reading]) -> Selector:
    values = [reading.value for reading in readings if reading.value is not None]
    varied = len(set(selector.sample_values)) >= MIN_SAMPLES_TO_VARY
    if varied and len(values) >= MIN_PAGES_TO_VARY and len(set(values)) == 1:
        # One text on every page, where there were several: the template's, not the pages'.
        readings = [Reading(reading.value, right=bool(reading.right)) for reading in readings]
    known = [reading.right for reading in readings if reading.right is not None]
    if not known:
        return selector
    return msgspec.structs.replace(selector, test_pass_rate=round(sum(known) / len(known), 4), pages_tested=len(known))


def _common_links(pages: Sequence[Page]) -> frozenset[str]:
    links = []
    for page in pages:
        hrefs = (link.attributes.get("href") for link in fresh(page).tree.css("a[href]"))
        links.append(frozenset(href for href in hrefs if href))
    return common_links(links)


class _Known:
    """What is known of one page, each part found out when it is first needed."""

    def __init__(self, page: Page, kind: PageKind, common: frozenset[str]) -> None:
        self._common = common
        self._page = page
        self._labels = page_labels(page, kind)

    @cached_property
    def _document(self) -> Document:
        return Document(self._page)

    @cached_property
    def _items(self) -> list[Element]:
        return detect_items(self._document, self._common)

    @cached_property
    def _labelled(self) -> dict[str, str]:
        return {name: element.text or "" for name, element in labelled_values(self._document)}

    def read(self, selector: Selector) -> Reading:
        values = read_selector(self._page.tree, selector, self._page.base_url)
        if not values:
            return Reading(value=None, right=False)
        return Reading(value=values[0], right=self._is_right(selector, values))

    def _is_right(self, selector: Selector, values: Sequence[str]) -> bool | None:
        name = selector.field_name
        label = self._labels.get(name)
        if label is not None:
            if _agrees(selector, values, label.expected):
                return True
            if label.structured or selector.method != "structured_data":
                return False
        if selector.method == "repeated_structure" and name in self._labelled:
            return similarity(name, values[0], self._labelled[name]) >= PASS
        return None if _plausible(selector, values[0]) else False

    def read_items(self, selector: Selector) -> Reading:
        nodes = self._page.tree.css(selector.scope or "")
        items = self._document.as_elements(nodes)
        common = len({item.index for item in items} & {item.index for item in self._items})
        if not common or 2 * common < PASS * (len(items) + len(self._items)):
            return Reading(value=None, right=False)
        boilerplate = repeated_texts(items)
        right = expected = 0
        first: str | None = None
        for node, item in list(zip(nodes, items, strict=False))[:MAX_ITEMS]:
            values = read_selector(node, selector, self._page.base_url)
            first = first or next(iter(values), None)
            shown = item_nodes(item, boilerplate).get(selector.field_name)
            known = self._document.value(shown.element, shown.attribute) if shown is not None else None
            if known is not None:
                expected += 1
                right += bool(values) and similarity(selector.field_name, values[0], known) >= PASS
        return Reading(value=first, right=expected > 0 and right >= PASS * expected)


def _agrees(selector: Selector, values: Sequence[str], expected: Expected) -> bool:
    name = selector.field_name
    if selector.multiple:
        return max(list_similarity(name, values, known) for known in expected.alternatives) >= PASS
    return any(similarity(name, values[0], known[0]) >= PASS for known in expected.alternatives)


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
