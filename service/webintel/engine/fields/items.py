"""The repeated items of a page, such as the cards of a listing, found by their like structure."""

import math
import re
from collections import defaultdict
from typing import Final

import msgspec
from selectolax.lexbor import LexborNode

from webintel.engine.fields.dom import ancestors, attribute, css_path, elements
from webintel.engine.page import Page

MIN_ITEMS: Final = 3
MAX_ITEMS: Final = 300
_ITEM_TAGS: Final = frozenset(("li", "article", "div", "section", "tr", "dl", "a"))
_MAX_CANDIDATES: Final = 10_000
_MAX_GROUPS: Final = 16
_SAMPLE: Final = 8
_MAX_ITEM_TEXT: Final = 4_000
_SEARCHED_TEXT: Final = 400
_DIGIT: Final = re.compile(r"\d")

PRICE: Final = re.compile(
    r"(?:[$€£¥₹₽₩₺₪฿]|\b(?:USD|EUR|GBP|CHF|AUD|CAD|SEK|NOK|DKK|PLN|Rs\.?|R\$|kr\.?)\s)\s?\d[\d.,' \u00a0]{0,12}"
    r"|\b\d[\d.,' \u00a0]{0,12}\s?(?:[€£₽₺₪฿]|(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|CZK|kr|zł|Kč|Ft|lei)\b)"
)
_DATE: Final = re.compile(
    r"\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./](?:19|20)\d\d\b"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d{1,2},? (?:19|20)\d\d\b"
    r"|\b\d{1,2}\.? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? (?:19|20)\d\d\b"
    r"|\b\d+ (?:minutes?|hours?|days?|weeks?|months?|years?) ago\b",
    re.IGNORECASE,
)
_NOT_CONTENT: Final = re.compile(
    r"(?:^|[\s_-])(?:nav|menu|breadcrumbs?|pagination|pager|share|social|cookie|related|recommend\w*|upsells?|cross-sells?"
    r"|swatch\w*|variants?|thumb\w*|gallery|tabs?|filters?|facets?|toc|footer|header|sidebar|widget|lang\w*|country|comments?)"
    r"(?:$|[\s_-])"
)


class ItemGroup(msgspec.Struct, frozen=True):
    """Like elements that each show one thing."""

    items: list[LexborNode]
    """In document order."""
    score: float
    share_with_price: float
    share_with_image: float
    share_with_link: float
    share_with_date: float
    mean_text: float

    def container_css(self, page: Page) -> str:
        """A selector of the element around the items."""
        container = self.items[0].parent
        return css_path(page.tree, container) if container is not None else ""


def repeated_items(page: Page) -> ItemGroup | None:
    """The page's main repetition; none where nothing repeats enough. Ask through `page.remember`."""
    best: ItemGroup | None = None
    for group in _groups(page):
        measured = _measure(group)
        if measured is not None and (best is None or measured.score > best.score * 1.02):
            best = measured
    return best


def _groups(page: Page) -> list[list[LexborNode]]:
    """Elements of the content that have the same tag, classes and kind of parent, outermost and largest first."""
    found: dict[tuple[str, str, str], list[LexborNode]] = defaultdict(list)
    parents: dict[int, str] = {}
    shapes: dict[str, str] = {}
    for node, tag, classes in page.remember(elements)[:_MAX_CANDIDATES]:
        if tag not in _ITEM_TAGS:
            continue
        parent = node.parent
        if parent is None:
            continue
        identity = parent.mem_id
        outer = parents.get(identity)
        if outer is None:
            outer = parents[identity] = f"{parent.tag} {_shape(attribute(parent, 'class'))}"
        shape = shapes.get(classes)
        if shape is None:
            shape = shapes[classes] = _shape(classes)
        found[outer, tag, shape].append(node)
    groups = [
        group
        for group in found.values()
        if MIN_ITEMS <= len(group) <= MAX_ITEMS and page.region(group[len(group) // 2]) in ("main", "aside")
    ]
    groups.sort(key=lambda group: -min(len(group), 60))
    return groups[:_MAX_GROUPS]


def _shape(classes: str) -> str:
    """An element's first two classes without numbers, which often tell the items of one list apart."""
    return " ".join(name for name in classes.split()[:2] if not _DIGIT.search(name))


def _measure(group: list[LexborNode]) -> ItemGroup | None:
    count = len(group)
    sample = group if count <= _SAMPLE else group[:: count // _SAMPLE + 1]
    links: set[str] = set()
    with_link = with_image = with_price = with_date = with_heading = 0
    lengths: list[int] = []
    for place, node in enumerate(sample):
        link = node if node.tag == "a" else node.css_first("a[href]")
        href = attribute(link, "href") if link is not None else ""
        if href and not href.startswith(("#", "javascript:")):
            with_link += 1
            links.add(href)
        elif place - with_link >= len(sample) // 2:
            return None
        text = " ".join(node.text(separator=" ")[: 2 * _MAX_ITEM_TEXT].split())
        lengths.append(len(text))
        with_image += node.css_first("img, picture") is not None
        text = text[:_SEARCHED_TEXT]
        with_price += PRICE.search(text) is not None
        with_date += node.css_first("time") is not None or _DATE.search(text) is not None
        with_heading += node.css_first("h1, h2, h3, h4, h5, h6") is not None
    size = len(sample)
    mean = sum(lengths) / size
    if mean < 8 or mean > _MAX_ITEM_TEXT or with_link < size / 2 or len(links) < size / 2:
        return None
    spread = math.sqrt(sum((length - mean) ** 2 for length in lengths) / size) / mean
    rich = 1 + with_image / size + 1.2 * with_price / size + 0.6 * with_heading / size + 0.4 * with_date / size
    score = math.log(1 + min(count, 40)) * math.log(1 + min(mean, 600)) * rich / (1 + spread) * _place(group[0])
    return ItemGroup(
        items=group,
        score=score,
        share_with_price=with_price / size,
        share_with_image=with_image / size,
        share_with_link=with_link / size,
        share_with_date=with_date / size,
        mean_text=mean,
    )


def _place(node: LexborNode) -> float:
    """How likely items stand here rather than navigation or recommendations."""
    factor = 1.0
    for element in ancestors(node, 12):
        tag = element.tag or ""
        if tag in ("nav", "footer", "header", "aside", "form"):
            factor *= 0.5 if tag in ("aside", "form", "header") else 0.2
        elif tag not in ("body", "html") and _NOT_CONTENT.search(
            f"{attribute(element, 'class')} {attribute(element, 'id')}".lower()
        ):
            factor *= 0.6
    return factor
