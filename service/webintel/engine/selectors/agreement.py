"""Whether CSS and XPath, in an HTML5 parser and in libxml2, select the same nodes."""

import re
from collections.abc import Sequence
from typing import Any

from lxml import etree

from webintel.engine.selectors.document import SILENT_TAGS, Document, Element
from webintel.engine.selectors.path import SELF, AnyPath, to_xpath

MAX_COMPARED_ITEMS = 30

_STRING = etree.XPath("string()")
_SPACE = re.compile(r"\s+")
_COMPARED_ATTRIBUTES = ("id", "class", "href", "src", "content", "datetime", "itemprop", "value")


class Agreement:
    """Compares paths over the pages of one type, each path once."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._known: dict[AnyPath, bool] = {}

    def check(self, path: AnyPath) -> bool:
        """Whether every way of reading a path gives the same nodes on every page."""
        if path not in self._known:
            css = path.css()
            xpath = to_xpath(css)
            self._known[path] = all(_agree(document, path, css, xpath) for document in self._documents)
        return self._known[path]


def _agree(document: Document, path: AnyPath, css: str, xpath: str) -> bool:
    expected = path.find(document)
    if document.select(css) != expected:
        return False
    root = document.lxml_root
    if root is None:
        return not expected
    found = root.xpath(xpath)
    if len(found) != len(expected):
        return False
    return all(same_node(one, other) for one, other in zip(expected, found, strict=True))


class ItemAgreement:
    """The same for paths that hold within the items of a scope."""

    def __init__(self, documents: Sequence[Document], scope: AnyPath) -> None:
        self._documents = documents
        self._scope = scope
        self._known: dict[AnyPath, bool] = {}

    def check(self, path: AnyPath) -> bool:
        """Whether every way of reading a path gives the same nodes in every item of every page."""
        if path not in self._known:
            self._known[path] = path == SELF or all(self._agree(document, path) for document in self._documents)
        return self._known[path]

    def _agree(self, document: Document, path: AnyPath) -> bool:
        css, scope = path.css(), self._scope.css()
        xpath = to_xpath(css, ".//")
        root = document.lxml_root
        if root is None:
            return False
        items = self._scope.find(document)[:MAX_COMPARED_ITEMS]
        nodes = document.select_nodes(scope)
        others = root.xpath(to_xpath(scope))
        for item, node, other in zip(items, nodes, others, strict=False):
            expected = path.find_within(document, item)
            if document.as_elements(node.css(css)) != expected:
                return False
            found = other.xpath(xpath)
            if len(found) != len(expected) or not all(map(same_node, expected, found)):
                return False
        return True


def same_node(element: Element, other: Any) -> bool:
    """Whether nodes of two parsers are the same one: same tag, same telling attributes, same text."""
    if element.tag != other.tag:
        return False
    for name in _COMPARED_ATTRIBUTES:
        if _squeezed(element.attributes.get(name) or "") != _squeezed(other.get(name) or ""):
            return False
    return element.text is None or _squeezed(element.text) == _squeezed(_text(other))


def _text(node: Any) -> str:
    if node.tag in SILENT_TAGS:
        return ""
    if not any(True for _ in node.iter(*SILENT_TAGS)):
        return str(_STRING(node)) if len(node) else node.text or ""
    parts = [node.text or ""]
    for child in node:
        if isinstance(child.tag, str):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _squeezed(text: str) -> str:
    return _SPACE.sub("", text)
