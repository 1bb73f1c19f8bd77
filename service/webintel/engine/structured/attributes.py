"""Microdata and RDFa Lite: items written into the attributes of a page's elements."""

from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from webintel.engine.structured.model import Item
from webintel.engine.structured.vocabulary import short_name
from webintel.engine.urls import normalize_url

_MAX_ELEMENTS: Final = 5_000
_MAX_PARENTS: Final = 300
_MAX_TEXT: Final = 20_000
_MAX_DEPTH: Final = 24

_SOURCES: Final = frozenset(("img", "audio", "embed", "iframe", "source", "track", "video"))
_LINKS: Final = frozenset(("a", "area", "link"))


def read_microdata(tree: LexborHTMLParser, base_url: str) -> list[Item]:
    """Read the items that `itemscope` and `itemprop` mark."""
    return _AttributeItems(base_url, "microdata", "itemscope", "itemtype", "itemprop").read(tree)


def read_rdfa(tree: LexborHTMLParser, base_url: str) -> list[Item]:
    """Read the items that `typeof` and `property` mark."""
    return _AttributeItems(base_url, "rdfa", "typeof", "typeof", "property").read(tree)


class _AttributeItems:
    """One reader for both notations: they differ in the names of attributes only."""

    def __init__(self, base_url: str, source: str, scope: str, kind: str, name: str) -> None:
        self._base_url = base_url
        self._source = source
        self._scope = scope
        self._kind = kind
        self._name = name
        self._items: dict[int, Item] = {}
        self._owners: dict[int, int] = {}
        self._references: dict[str, int] = {}

    def read(self, tree: LexborHTMLParser) -> list[Item]:
        tops: list[Item] = []
        selector = f"[{self._scope}], [{self._name}]"
        if tree.css_first(f"[{self._scope}]") is None:
            return []
        # The parser gives an element once for each part of a selector that it matches.
        unique = {node.mem_id: node for node in tree.css(selector)[:_MAX_ELEMENTS]}
        elements = [(node, node.attributes) for node in unique.values()]
        for node, attributes in elements:
            if self._scope in attributes:
                self._items[node.mem_id] = self._item(attributes)
                for identifier in (attributes.get("itemref") or "").split():
                    self._references.setdefault(identifier, node.mem_id)
        for node, attributes in elements:
            item = self._items.get(node.mem_id)
            names = (attributes.get(self._name) or "").split()
            owner = self._owner(node) if names else None
            if owner is not None and self._owned(item, node, owner):
                value = item if item is not None else self._value(node, attributes)
                for name in names if value not in ("", None) else ():
                    values = self._items[owner].setdefault(short_name(name), [])
                    if isinstance(values, list):
                        values.append(value)
            elif item is not None:
                item["@source"] = self._source
                tops.append(item)
        return [item for item in tops if len(item) > 2]

    def _item(self, attributes: dict[str, str | None]) -> Item:
        item: Item = {"@type": [short_name(kind) for kind in (attributes.get(self._kind) or "").split()]}
        identifier = attributes.get("itemid") or attributes.get("resource")
        if identifier:
            item["@id"] = identifier
        return item

    def _owned(self, item: Item | None, node: LexborNode, owner: int) -> bool:
        """Whether an element belongs to its owner; nested items do, down to a depth and never in a circle."""
        if item is None:
            return True
        ancestor: int | None = owner
        for _ in range(_MAX_DEPTH):
            if ancestor is None:
                self._owners[node.mem_id] = owner
                return True
            if ancestor == node.mem_id:
                break
            ancestor = self._owners.get(ancestor)
        return False

    def _owner(self, node: LexborNode) -> int | None:
        parent = node.parent
        for _ in range(_MAX_PARENTS):
            if parent is None:
                break
            if parent.mem_id in self._items:
                return parent.mem_id
            if self._references and parent.id in self._references:
                return self._references[parent.id]
            parent = parent.parent
        return self._references.get(node.id or "")

    def _value(self, node: LexborNode, attributes: dict[str, str | None]) -> object:
        tag = node.tag or ""
        written: str | None = None
        if attributes.get("content") is not None:
            written = attributes["content"]
        elif tag in ("data", "meter"):
            written = attributes.get("value")
        elif tag == "time":
            written = attributes.get("datetime")
        elif tag in _SOURCES:
            return self._url(attributes.get("src") or attributes.get("data-src"))
        elif tag in _LINKS or (self._source == "rdfa" and "resource" in attributes):
            return self._url(attributes.get("href") or attributes.get("resource"))
        if written is not None:
            return written.strip()
        return " ".join(node.text(separator=" ").split())[:_MAX_TEXT]

    def _url(self, href: str | None) -> str | None:
        href = (href or "").strip()
        if not href:
            return None
        # Vocabulary terms such as http://schema.org/InStock are values, not pages.
        return href if "schema.org/" in href else normalize_url(self._base_url, href) or href[:2_000]
