"""Where on a page a known value stands: the nodes and attributes that give it."""

import re
from collections.abc import Iterator
from itertools import islice

import msgspec

from webintel.engine.selectors.document import Document, Element, sorted_words, text_key
from webintel.engine.selectors.misleading import is_misleading
from webintel.engine.selectors.values import (
    DATES,
    LISTED,
    LONG,
    NUMBERS,
    PASS,
    PRICES,
    URLS,
    is_typed,
    similarity,
)

MAX_PLACES = 8
MAX_SUSPECTS = 8_000
_ATTRIBUTES = ("content", "datetime", "value", "alt", "title")
_DIGIT = re.compile(r"\d")
_REGION_TAGS = {"header": 0.3, "nav": 0.4, "footer": 0.8, "aside": 0.6}


class Place(msgspec.Struct, frozen=True):
    """A node, or one of its attributes, that gives an expected value."""

    element: Element
    attribute: str | None
    score: float


def places_of(document: Document, field: str, expected: str) -> list[Place]:
    """The best few places of a value, best first."""
    found: dict[tuple[int, str | None], Place] = {}
    typed = is_typed(field)
    for element, attribute in islice(_suspects(document, field, expected), MAX_SUSPECTS):
        value = document.value(element, attribute)
        if value is None or (not typed and not _is_about_as_long(value, expected)):
            continue
        same = similarity(field, value, expected)
        if same < PASS and attribute is None and field in LISTED and sorted_words(value) == sorted_words(expected):
            same = PASS
        if same >= PASS and not is_misleading(field, element, attribute):
            score = same - _region_penalty(element) - (0.25 if attribute in ("alt", "title") else 0.0)
            found.setdefault((element.index, attribute), Place(element, attribute, score))
    ranked = sorted(found.values(), key=lambda place: (-place.score, -_depth(place.element), place.element.index))
    return ranked[:MAX_PLACES]


def _is_about_as_long(value: str, expected: str) -> bool:
    return len(expected) <= 2 * len(value) + 10 and len(value) <= 2 * len(expected) + 40


def _suspects(document: Document, field: str, expected: str) -> Iterator[tuple[Element, str | None]]:
    if field in URLS:
        yield from _with_attributes(document, ("src", "data-src", "href", "content", "data-original"))
        return
    if field in LONG or len(expected) > 200:
        yield from _long_texts(document, expected)
    elif field in PRICES or field in NUMBERS or field in DATES or field == "availability":
        yield from _short_texts(document, field)
    else:
        yield from _texts_like(document, expected)
    yield from _with_attributes(document, ("href", *_ATTRIBUTES) if field == "availability" else _ATTRIBUTES)
    yield from _data_attributes(document)


def _short_texts(document: Document, field: str) -> Iterator[tuple[Element, str | None]]:
    for element in document.elements:
        text = element.text
        if text and len(text) <= 80 and (field == "availability" or _DIGIT.search(text)):
            yield element, None


def _texts_like(document: Document, expected: str) -> Iterator[tuple[Element, str | None]]:
    key = text_key(expected)
    for element in document.by_key.get(key, []):
        yield element, None
    words = sorted_words(expected)
    if len(words) > 2:
        for element in document.by_words.get(words, []):
            if element.key != key:
                yield element, None
    size = len(key)
    if size < 3:
        return
    # Longer or shorter by a prefix such as "By", or by a word or two of a long text.
    for element in document.elements:
        other = element.key
        if not other or other == key or not size * 0.7 <= len(other) <= size * 1.35 + 14:
            continue
        if key in other or other in key or (size > 30 and key[:12] == other[:12]):
            yield element, None


def _long_texts(document: Document, expected: str) -> Iterator[tuple[Element, str | None]]:
    size = len(expected)
    for element in document.elements:
        text = element.text
        if text and size * 0.75 <= len(text) <= size * 1.35:
            yield element, None


def _with_attributes(document: Document, names: tuple[str, ...]) -> Iterator[tuple[Element, str | None]]:
    for name in names:
        for element in document.by_attribute.get(name, []):
            yield element, name


def _data_attributes(document: Document) -> Iterator[tuple[Element, str | None]]:
    for name, elements in document.by_attribute.items():
        if name.startswith("data-") and len(elements) <= 60:
            for element in elements:
                if len(element.attributes[name] or "") <= 120:
                    yield element, name


def _region_penalty(element: Element) -> float:
    return max((_REGION_TAGS.get(ancestor.tag, 0.0) for ancestor in element.ancestors()), default=0.0)


def _depth(element: Element) -> int:
    return sum(1 for _ in element.ancestors())
