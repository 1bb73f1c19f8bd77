"""What is already known of a page's fields without any selector: the weak labels that induction learns from."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from webintel.engine.model import ExtractedField, PageKind
from webintel.engine.page import Page
from webintel.engine.selectors.items import ITEM_FIELDS
from webintel.engine.selectors.scoring import Expected

MAX_ALTERNATIVES = 3
MAX_VALUES = 80
MAX_LENGTH = 40_000
LIST_FIELDS = frozenset({"ingredients", "instructions", "tags", "category_path", "replies", "images", "authors"})
_HTML_WEIGHT = 0.8
_PROPERTIES = {
    "title": ("headline", "name"),
    "author": ("author",),
    "published_at": ("datePublished",),
    "image": ("image",),
    "sku": ("sku",),
    "brand": ("brand",),
    "ingredients": ("recipeIngredient",),
    "instructions": ("recipeInstructions",),
}
_OFFER_PROPERTIES = {"price": ("price", "lowPrice"), "availability": ("availability",)}


class PageLabel(msgspec.Struct, frozen=True):
    """One field of one page, as far as it is known."""

    expected: Expected
    structured: bool


PageLabels = dict[str, PageLabel]


def page_labels(page: Page, kind: PageKind) -> PageLabels:
    """Weak labels of a page by field; items of listings are found by their repetition instead."""
    types = ("Product",) if kind == "product" else ("Recipe", "NewsArticle", "Article", "BlogPosting", "Product")
    fields: list[ExtractedField] = []
    for item in page.structured.of_type(*types)[:1]:
        fields.extend(_structured(item, _PROPERTIES))
        offers = item.get("offers")
        offer = next((one for one in offers if isinstance(one, dict)), {}) if isinstance(offers, list) else {}
        fields.extend(_structured(offer, _OFFER_PROPERTIES))
    heading = page.tree.css_first("h1")
    if heading is not None:
        title = " ".join(heading.text().split())
        fields.append(ExtractedField(name="title", value=title, source="html", confidence=0.8))
    return group_labels(fields)


def _structured(item: dict[str, object], properties: dict[str, tuple[str, ...]]) -> Iterable[ExtractedField]:
    for field, names in properties.items():
        values = next((found for name in names if (found := _texts(item.get(name)))), [])
        if values:
            value = values if field in LIST_FIELDS else values[0]
            yield ExtractedField(name=field, value=value, source="json_ld", confidence=0.95)


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return _texts(value.get("itemListElement") or value.get("text") or value.get("name") or value.get("url"))
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [str(value)] if isinstance(value, (str, int, float)) and not isinstance(value, bool) else []


def group_labels(fields: Iterable[ExtractedField]) -> PageLabels:
    """Extracted fields as expectations, the values of one field as alternatives."""
    by_name: dict[str, list[ExtractedField]] = defaultdict(list)
    for field in fields:
        if field.name not in ITEM_FIELDS and _values(field):
            by_name[field.name].append(field)
    labels: PageLabels = {}
    for name, found in by_name.items():
        found.sort(key=lambda field: (-field.confidence, field.source))
        multiple = name in LIST_FIELDS or isinstance(found[0].value, list)
        alternatives = dict.fromkeys(_values(field) for field in found)
        structured = any(field.source != "html" for field in found)
        weight = found[0].confidence * (1.0 if structured else _HTML_WEIGHT)
        labels[name] = PageLabel(Expected(tuple(alternatives)[:MAX_ALTERNATIVES], multiple, weight), structured)
    return labels


def _values(field: ExtractedField) -> tuple[str, ...]:
    raw = [field.value] if isinstance(field.value, str) else field.value
    return tuple(value for value in raw[:MAX_VALUES] if value.strip() and len(value) <= MAX_LENGTH)
