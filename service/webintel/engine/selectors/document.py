"""A page as induction sees it: plain elements with normalised text, indexed by what selectors are made of."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from lxml import etree
from selectolax.lexbor import LexborNode

from webintel.engine import markup
from webintel.engine.page import Page

MAX_ELEMENTS = 30_000
MAX_TEXT = 60_000
"""An element with more text than this is no field, and keeps none."""
KEYED_TEXT = 1_500
WORDED_KEY = 200

SILENT_TAGS = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "math"})
"""Their content is never part of a value."""
URL_ATTRIBUTES = frozenset({"href", "src", "data-src", "poster", "action", "data-original", "data-lazy-src", "cite"})
BLOCK_TAGS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "pre",
        "section",
        "select",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)

_NOT_WORD = re.compile(r"[\W_]+")
_FRACTION = re.compile(r"[\u00bc-\u00be\u2150-\u215e]")
_WORD = re.compile(r"\w+")


def text_key(text: str) -> str:
    """Letters and digits only, so that spacing, case and punctuation do not tell values apart."""
    return _NOT_WORD.sub("", plain_text(text))


def plain_text(text: str) -> str:
    """Lower case with fractions and the like spelt out: a page may show "½" where its data say "1/2"."""
    if text.isascii():
        return text.casefold()
    spelt = unicodedata.normalize("NFKC", _FRACTION.sub(r" \g<0>", text))
    return spelt.replace("\u2044", "/").casefold()


def sorted_words(text: str) -> tuple[str, ...]:
    """The words of a text, however they are ordered on the page."""
    return tuple(sorted(_WORD.findall(plain_text(text))))


def node_text(node: LexborNode) -> str:
    """The text that a reader sees: blocks apart by a space, inline elements not, scripts left out."""
    parts: list[str] = []
    stack: list[LexborNode | str] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, str):
            parts.append(current)
            continue
        if current.is_text_node:
            parts.append(current.text_content or "")
            continue
        if not current.is_element_node or current.tag in SILENT_TAGS:
            continue
        if current.tag in BLOCK_TAGS:
            parts.append(" ")
            stack.append(" ")
        children: list[LexborNode | str] = []
        child = current.child
        while child is not None:
            children.append(child)
            child = child.next
        stack.extend(reversed(children))
    return " ".join("".join(parts).split())


def attribute_value(attributes: dict[str, str | None], name: str, base_url: str) -> str | None:
    """An attribute as a value: spaces collapsed, URLs made absolute, none when missing or empty."""
    raw = attributes.get(name)
    if raw is None or not raw.strip():
        return None
    if name in URL_ATTRIBUTES:
        try:
            return urljoin(base_url, raw.strip())
        except ValueError:
            return raw.strip()
    return " ".join(raw.split())


def read_node(node: LexborNode, attribute: str | None, base_url: str) -> str | None:
    """What a selector's node gives: its text, or one attribute; none when that is empty."""
    if attribute is None:
        return node_text(node) or None
    return attribute_value(node.attributes, attribute, base_url)


class Element:
    """One element; `text` is none where it is longer than any field, `last` is the index of its last descendant."""

    __slots__ = ("attributes", "children", "classes", "index", "key", "last", "nth_of_type", "parent", "tag", "text")

    def __init__(
        self, tag: str, attributes: dict[str, str | None], parent: "Element | None" = None, nth_of_type: int = 1
    ) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.nth_of_type = nth_of_type
        self.index = 0
        self.last = 0
        self.classes: tuple[str, ...] = tuple((attributes.get("class") or "").split()) if attributes else ()
        self.children: list[Element] = []
        self.text: str | None = ""
        self.key = ""

    def ancestors(self) -> Iterator["Element"]:
        """Parents, nearest first."""
        current = self.parent
        while current is not None:
            yield current
            current = current.parent

    def descendants(self) -> Iterator["Element"]:
        """All below, in document order."""
        stack = self.children[::-1]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))

    def is_within(self, other: "Element") -> bool:
        """Whether this is `other` or stands in it."""
        return self is other or any(ancestor is other for ancestor in self.ancestors())


class Document:
    """The elements of one page, and the two parsers that its selectors are checked with."""

    def __init__(self, page: Page) -> None:
        self.base_url = page.base_url
        self.elements: list[Element] = []
        self._html = page.html
        self._tree = page.tree
        self.found: dict[object, list[Element]] = {}
        self._values: dict[tuple[int, str], str | None] = {}
        self._by_node: dict[int, Element] = {}
        if self._tree.root is not None:
            self._build(self._tree.root)

    def _build(self, root: LexborNode) -> None:
        pieces: list[list[str | Element]] = []
        stack = [(root, Element(root.tag or "", root.attributes))]
        while stack and len(self.elements) < MAX_ELEMENTS:
            node, element = stack.pop()
            element.index = len(self.elements)
            self.elements.append(element)
            self._by_node[node.mem_id] = element
            own: list[str | Element] = []
            pieces.append(own)
            stack.extend(_read_children(node, element, own))
        _fill_texts(self.elements, pieces)

    @cached_property
    def by_class(self) -> dict[str, list[Element]]:
        """Elements by each of their classes, in document order."""
        index: dict[str, list[Element]] = defaultdict(list)
        for element in self.elements:
            for name in element.classes:
                index[name].append(element)
        return index

    @cached_property
    def by_attribute(self) -> dict[str, list[Element]]:
        """Elements by the name of each attribute they have."""
        index: dict[str, list[Element]] = defaultdict(list)
        for element in self.elements:
            for name in element.attributes:
                index[name].append(element)
        return index

    @cached_property
    def by_tag(self) -> dict[str, list[Element]]:
        """Elements by tag."""
        index: dict[str, list[Element]] = defaultdict(list)
        for element in self.elements:
            index[element.tag].append(element)
        return index

    @cached_property
    def by_key(self) -> dict[str, list[Element]]:
        """Elements by the key of their text."""
        index: dict[str, list[Element]] = defaultdict(list)
        for element in self.elements:
            if element.key:
                index[element.key].append(element)
        return index

    @cached_property
    def by_words(self) -> dict[tuple[str, ...], list[Element]]:
        """Elements by the words of their text in alphabetical order, for texts of two words to a few sentences."""
        index: dict[tuple[str, ...], list[Element]] = defaultdict(list)
        for element in self.elements:
            if element.key and len(element.key) <= WORDED_KEY:
                words = sorted_words(element.text or "")
                if len(words) > 1:
                    index[words].append(element)
        return index

    @cached_property
    def lxml_root(self) -> Any:
        """The page as served and as libxml2 reads it, or none when it cannot."""
        parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True)
        source = markup.bounded(self._html).replace("\x00", "").encode("utf-8", "replace")
        try:
            return etree.fromstring(source, parser)
        except etree.LxmlError:
            return None

    def value(self, element: Element, attribute: str | None) -> str | None:
        """What an element gives, exactly as `read_node` reads it."""
        if attribute is None:
            return element.text or None
        place = (element.index, attribute)
        if place not in self._values:
            self._values[place] = attribute_value(element.attributes, attribute, self.base_url)
        return self._values[place]

    def select(self, css: str) -> list[Element]:
        """What the browser-grade parser selects, as elements."""
        return self.as_elements(self._tree.css(css))

    def as_elements(self, nodes: list[LexborNode]) -> list[Element]:
        """The parser's own nodes as elements; nodes within pictures and the like have none."""
        found = (self._by_node.get(node.mem_id) for node in nodes)
        return [element for element in found if element is not None]

    def select_nodes(self, css: str) -> list[LexborNode]:
        """What the browser-grade parser selects, as its own nodes."""
        return self._tree.css(css)


def _read_children(node: LexborNode, element: Element, own: list[str | Element]) -> list[tuple[LexborNode, Element]]:
    """Add an element's text and children to `own` in order; return the children for the stack, last first."""
    found: list[tuple[LexborNode, Element]] = []
    counts: dict[str, int] = defaultdict(int)
    child = None if element.tag in SILENT_TAGS else node.child
    while child is not None:
        if child.is_text_node:
            own.append(child.text_content or "")
        elif child.is_element_node:
            tag = child.tag or ""
            counts[tag] += 1
            below = Element(tag, child.attributes, element, counts[tag])
            element.children.append(below)
            own.append(below)
            found.append((child, below))
        child = child.next
    found.reverse()
    return found


def _fill_texts(elements: list[Element], pieces: list[list[str | Element]]) -> None:
    # Children come after their parent in document order, so from the end every child's text is ready.
    raw: list[str | None] = [""] * len(elements)
    for element in reversed(elements):
        element.last = max(element.last, element.index)
        if element.parent is not None:
            element.parent.last = max(element.parent.last, element.last)
        joined = _join(pieces[element.index], raw)
        raw[element.index] = joined
        if joined is None:
            element.text = None
            continue
        element.text = " ".join(joined.split())
        if len(element.text) <= KEYED_TEXT:
            only = element.children[0] if len(element.children) == 1 else None
            element.key = only.key if only is not None and only.text == element.text else text_key(element.text)


def _join(pieces: list[str | Element], raw: list[str | None]) -> str | None:
    parts: list[str] = []
    length = 0
    for piece in pieces:
        if isinstance(piece, str):
            text = piece
        elif piece.tag in SILENT_TAGS:
            continue
        else:
            inner = raw[piece.index] if piece.index else ""
            if inner is None:
                return None
            text = f" {inner} " if piece.tag in BLOCK_TAGS else inner
        parts.append(text)
        length += len(text)
    return "".join(parts) if length <= MAX_TEXT else None
