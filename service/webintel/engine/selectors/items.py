"""Repeated items of a page, such as the cards of a listing, and the values that each of them shows."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from webintel.engine.selectors.document import Document, Element
from webintel.engine.selectors.naming import is_generated
from webintel.engine.selectors.values import price_amount

MIN_ITEMS = 3
MAX_ITEMS = 120
MAX_ITEM_TEXT = 3_000
MAX_SCORED_ITEMS = 12
MIN_PAGES_TO_COMPARE = 3
COMMON_SHARE = 0.75
MAX_COMMON = 0.7
COMMON_FACTOR = 0.1
ITEM_FIELDS = ("item_title", "item_url", "item_price", "item_image")

_PRICE = re.compile(r"[$€£¥₹₽₴₺]|\b(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|CZK|AUD|CAD|kr|zł|Kč|Ft|lei)\b", re.IGNORECASE)
_AMOUNT = re.compile(r"\d+(?:[.,\s]\d+)*")
_OLD_PRICE = re.compile(r"old|was|regular|compare|strike|before|list-?price|rrp|msrp|cross|original", re.IGNORECASE)
_NO_LINK = re.compile(r"^(?:#|javascript:|mailto:|tel:|$)|add-to-cart|/cart|/login|wishlist|compare", re.IGNORECASE)
_REGIONS = {"nav": 0.05, "header": 0.1, "footer": 0.05, "aside": 0.4, "select": 0.0, "form": 0.7}
_ASIDE = re.compile(
    r"\b(?:nav|menu|footer|header|sidebar|breadcrumbs?|related|pagination|pager|share|social|cookie|carousel|recommend)",
    re.IGNORECASE,
)
_TITLE_NAME = re.compile(r"title|name|headline", re.IGNORECASE)
_NO_ITEMS = frozenset({"html", "body", "p", "span", "td", "h1", "h2", "h3", "h4", "h5", "h6"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


class ItemNode(msgspec.Struct, frozen=True):
    """Where an item shows a field."""

    element: Element
    attribute: str | None


def common_links(pages: Sequence[frozenset[str]]) -> frozenset[str]:
    """What most pages link to alike: the site's menus and tiles, which are no page's items."""
    if len(pages) < MIN_PAGES_TO_COMPARE:
        return frozenset()
    counts = Counter(href for hrefs in pages for href in hrefs)
    return frozenset(href for href, count in counts.items() if count >= COMMON_SHARE * len(pages))


def links_of(document: Document) -> frozenset[str]:
    """Where the links of a page lead to."""
    hrefs = (link.attributes.get("href") for link in document.by_tag.get("a", []))
    return frozenset(href for href in hrefs if href)


def detect_items(document: Document, common: frozenset[str] = frozenset()) -> list[Element]:
    """The elements of the page's main repetition, in document order; none when nothing repeats enough.

    Args:
        document: the page.
        common: links that most pages of its type have, which speak against what consists of them.
    """
    best: tuple[float, int] = (0.0, 0)
    found: list[Element] = []
    for group in _groups(document):
        score = _score(group, common)
        if score > best[0]:
            best, found = (score, group[0].index), group
    return found


def _groups(document: Document) -> Iterable[list[Element]]:
    groups: dict[tuple[str, ...], list[Element]] = defaultdict(list)
    for element in _linking(document):
        if element.tag not in _NO_ITEMS and element.text and len(element.text) <= MAX_ITEM_TEXT:
            groups[_signature(element)].append(element)
    for key in sorted(groups):
        if len(groups[key]) >= MIN_ITEMS:
            group = _outermost(groups[key])
            if MIN_ITEMS <= len(group) <= MAX_ITEMS:
                yield group


def _linking(document: Document) -> list[Element]:
    """The elements that are or hold a link, in document order."""
    found: dict[int, Element] = {}
    for link in document.by_tag.get("a", []):
        current: Element | None = link
        while current is not None and current.index not in found:
            found[current.index] = current
            current = current.parent
    return [found[index] for index in sorted(found)]


def _signature(element: Element) -> tuple[str, ...]:
    parent = element.parent
    grand = parent.parent if parent is not None else None
    own = sorted(name for name in element.classes if not is_generated(name))[:3]
    above = [node.tag for node in (parent, grand) if node is not None]
    return (element.tag, *own, "<", *above)


def _outermost(group: list[Element]) -> list[Element]:
    inside = {element.index for element in group}
    return [element for element in group if not any(above.index in inside for above in element.ancestors())]


def _score(group: Sequence[Element], common: frozenset[str]) -> float:
    region = _region(group[0])
    if region == 0.0:
        return 0.0
    if group[0].tag == "a" and not any(element.children for element in group):
        return 0.0
    sample = group[:: max(1, len(group) // MAX_SCORED_ITEMS)][:MAX_SCORED_ITEMS]
    links = [link for link in map(_main_link, sample) if link is not None]
    hrefs = {link.attributes.get("href") or "" for link in links}
    if len(hrefs) < max(MIN_ITEMS, 0.7 * len(sample)):
        return 0.0
    own = 1.0 if len(hrefs & common) < MAX_COMMON * len(hrefs) else COMMON_FACTOR
    images = sum(1 for element in sample if _find(element, "img"))
    prices = sum(1 for element in sample if _price_node(element) is not None)
    headings = sum(1 for element in sample if any(node.tag in _HEADINGS for node in element.descendants()))
    length = sorted(len(element.text or "") for element in sample)[len(sample) // 2]
    richness = 0.4 + (images + 2 * prices + 1.2 * headings) / len(sample) + min(length, 200) / 200
    return float(own * region * richness * len(group) ** 0.6)


def _region(element: Element) -> float:
    factor = 1.0
    for ancestor in [element, *element.ancestors()]:
        if ancestor.tag in ("body", "html"):
            break
        factor = min(factor, _REGIONS.get(ancestor.tag, 1.0))
        name = f"{ancestor.attributes.get('class') or ''} {ancestor.attributes.get('id') or ''}"
        if ancestor is not element and _ASIDE.search(name):
            factor = min(factor, 0.35)
    return factor


def repeated_texts(items: Sequence[Element]) -> frozenset[str]:
    """What most items say alike, such as "View details": no title of any of them."""
    counts = Counter(text for item in items for text in {node.text for node in item.descendants() if node.text})
    return frozenset(text for text, count in counts.items() if count > max(2, len(items) / 2))


def item_nodes(item: Element, boilerplate: frozenset[str] = frozenset()) -> dict[str, ItemNode]:
    """Where one item shows its title, link, price and image; a text of `boilerplate` is no title."""
    nodes: dict[str, ItemNode] = {}
    title = _title_node(item, boilerplate)
    if title is not None:
        nodes["item_title"] = _whole_title(item, title)
    link = _main_link(item)
    if link is not None:
        nodes["item_url"] = ItemNode(link, "href")
    price = _price_node(item)
    if price is not None:
        nodes["item_price"] = ItemNode(price, None)
    for image in _find(item, "img"):
        attribute = next((name for name in ("data-src", "src") if _is_picture(image.attributes.get(name))), None)
        if attribute is not None:
            nodes["item_image"] = ItemNode(image, attribute)
            break
    return nodes


def _is_picture(url: str | None) -> bool:
    return bool(url and url.strip() and not url.startswith("data:"))


def _find(element: Element, tag: str) -> list[Element]:
    return [node for node in element.descendants() if node.tag == tag]


def _main_link(item: Element) -> Element | None:
    if item.tag == "a":
        return None if _NO_LINK.search(item.attributes.get("href") or "") else item
    links = [link for link in _find(item, "a") if not _NO_LINK.search(link.attributes.get("href") or "")]
    if not links:
        return None
    title = next((node for node in item.descendants() if node.tag in _HEADINGS), None)
    if title is not None:
        near = [link for link in links if link.is_within(title) or title.is_within(link)]
        if near:
            return near[0]
    counts: dict[str, int] = defaultdict(int)
    for link in links:
        counts[link.attributes.get("href") or ""] += 1
    top = max(counts.values())
    return next(link for link in links if counts[link.attributes.get("href") or ""] == top)


def _title_node(item: Element, boilerplate: frozenset[str]) -> Element | None:
    nodes = [node for node in item.descendants() if node.text and node.text not in boilerplate]
    for node in nodes:
        if node.tag in _HEADINGS or node.attributes.get("itemprop") in ("name", "headline"):
            return node
    named = next((node for node in nodes if _TITLE_NAME.search(" ".join(node.classes))), None)
    if named is not None and len(named.text or "") <= 200:
        return named
    main = _main_link(item)
    href = main.attributes.get("href") if main is not None else None
    same = [node for node in nodes if node.tag == "a" and node.attributes.get("href") == href]
    return max(same, key=lambda link: len(link.text or ""), default=None)


def _whole_title(item: Element, title: Element) -> ItemNode:
    """The title, or the attribute that has all of it where the page cuts its text short."""
    text = title.text or ""
    start = text.rstrip(".\u2026 ")
    if start and text.endswith(("...", "\u2026")):
        for node in [title, *title.descendants(), *title.ancestors()]:
            whole = " ".join((node.attributes.get("title") or "").split())
            if whole.startswith(start) and node.is_within(item):
                return ItemNode(node, "title")
    return ItemNode(title, None)


def _price_node(item: Element) -> Element | None:
    found = []
    for node in item.descendants():
        text = node.text
        if not text or len(text) > 30 or not _PRICE.search(text) or price_amount(text) is None:
            continue
        chain = [node, *(above for above in node.ancestors() if above is not item and above.is_within(item))]
        old = any(link.tag in ("del", "s", "strike") for link in chain) or any(
            _OLD_PRICE.search(" ".join(link.classes)) for link in chain[:3]
        )
        found.append((old, node))
    current = [node for old, node in found if not old]
    # A price that is there twice, once for screen readers, has a cleaner one within it.
    first = next((node for node in current if len(_AMOUNT.findall(node.text or "")) == 1), None)
    if first is None:
        return next(iter(current), None)
    # A box with a price, the stock and a button has the price alone in it.
    amount = price_amount(first.text or "")
    within = [node for node in current if node.is_within(first) and price_amount(node.text or "") == amount]
    return min(within, key=lambda node: len(node.text or ""))
