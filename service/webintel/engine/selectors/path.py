"""Selectors as data: the small part of CSS that induction writes, matched here and written as CSS and XPath."""

from bisect import bisect_right
from functools import lru_cache

import msgspec
from cssselect import HTMLTranslator

from webintel.engine.selectors.document import Document, Element

_TRANSLATOR = HTMLTranslator()


class Step(msgspec.Struct, frozen=True):
    """One compound selector: what an element itself must be."""

    tag: str | None = None
    id: str | None = None
    classes: tuple[str, ...] = ()
    attribute: tuple[str, str, str] | None = None
    """Name, operator (`=`, `*=`, or empty for mere presence) and value."""
    nth: int | None = None
    """Position among siblings of the same tag."""

    def css(self) -> str:
        """This step in CSS."""
        text = self.tag or ""
        if self.id is not None:
            text += f"#{self.id}"
        text += "".join(f".{name}" for name in self.classes)
        if self.attribute is not None:
            name, operator, value = self.attribute
            text += f'[{name}{operator}"{_escape(value)}"]' if operator else f"[{name}]"
        if self.nth is not None:
            text += f":nth-of-type({self.nth})"
        return text

    def matches(self, element: Element) -> bool:
        """Whether an element is one of these."""
        if self.tag is not None and element.tag != self.tag:
            return False
        if self.id is not None and element.attributes.get("id") != self.id:
            return False
        if self.classes and not all(name in element.classes for name in self.classes):
            return False
        if self.nth is not None and element.nth_of_type != self.nth:
            return False
        return self.attribute is None or _attribute_matches(element, self.attribute)

    def find(self, document: Document) -> list[Element]:
        """Every such element of a page, in document order."""
        known = document.found.get(self)
        if known is None:
            known = document.found[self] = [element for element in self._pool(document) if self.matches(element)]
        return known

    def _pool(self, document: Document) -> list[Element]:
        if self.classes:
            return min((document.by_class.get(name, []) for name in self.classes), key=len)
        if self.id is not None:
            return document.by_attribute.get("id", [])
        if self.attribute is not None:
            return document.by_attribute.get(self.attribute[0], [])
        return document.by_tag.get(self.tag or "", [])


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _attribute_matches(element: Element, attribute: tuple[str, str, str]) -> bool:
    name, operator, value = attribute
    if name not in element.attributes:
        return False
    actual = element.attributes[name] or ""
    if operator == "=":
        return actual == value
    return value in actual if operator else True


class Path(msgspec.Struct, frozen=True):
    """Steps from the outside in; `children[i]` says that step i+1 is a child of step i, not any descendant."""

    steps: tuple[Step, ...]
    children: tuple[bool, ...] = ()

    def css(self) -> str:
        """The whole path in CSS."""
        text = self.steps[0].css()
        for is_child, step in zip(self.children, self.steps[1:], strict=True):
            text += f" > {step.css()}" if is_child else f" {step.css()}"
        return text

    def is_bare(self) -> bool:
        """Whether tags alone make the path, with nothing that anybody named."""
        return all(step.id is None and not step.classes and step.attribute is None for step in self.steps)

    def find(self, document: Document) -> list[Element]:
        """Every element of a page that the path leads to, in document order."""
        if len(self.steps) == 1:
            return self.steps[0].find(document)
        known = document.found.get(self)
        if known is None:
            outer = Path(self.steps[:-1], self.children[:-1]).find(document)
            known = document.found[self] = _beneath(outer, self.steps[-1].find(document), child=self.children[-1])
        return known

    def find_within(self, document: Document, item: Element) -> list[Element]:
        """Every element below an item that the path leads to without leaving it, in document order."""
        if self == SELF:
            return [item]
        found = _inside(self.steps[0].find(document), item)
        for child, step in zip(self.children, self.steps[1:], strict=True):
            found = _beneath(found, _inside(step.find(document), item), child=child)
        return found


def _beneath(outer: list[Element], inner: list[Element], *, child: bool) -> list[Element]:
    """Those of `inner` that are below, or children of, one of `outer`; all in document order."""
    if child:
        parents = {element.index for element in outer}
        return [element for element in inner if element.parent is not None and element.parent.index in parents]
    found = []
    position, reach = 0, -1
    for element in inner:
        while position < len(outer) and outer[position].index < element.index:
            reach = max(reach, outer[position].last)
            position += 1
        if element.index <= reach:
            found.append(element)
    return found


def _inside(elements: list[Element], item: Element) -> list[Element]:
    start = bisect_right(elements, item.index, key=_index)
    return elements[start : bisect_right(elements, item.last, key=_index)]


def _index(element: Element) -> int:
    return element.index


class AnyOf(msgspec.Struct, frozen=True):
    """Two ways to the same field, for templates that show it in one of two places."""

    paths: tuple[Path, Path]

    def css(self) -> str:
        """Both paths in CSS."""
        return ", ".join(path.css() for path in self.paths)

    def find(self, document: Document) -> list[Element]:
        """Every element that either path leads to, in document order."""
        return _merged([path.find(document) for path in self.paths])

    def find_within(self, document: Document, item: Element) -> list[Element]:
        """Every element below an item that either path leads to, in document order."""
        return _merged([path.find_within(document, item) for path in self.paths])


AnyPath = Path | AnyOf


def _merged(groups: list[list[Element]]) -> list[Element]:
    found = {element.index: element for group in groups for element in group}
    return [found[index] for index in sorted(found)]


SELF = Path((Step(tag=":scope"),))
"""The item itself, for fields that an item carries as its own attribute or text."""


def under(outer: Path | Step, inner: Path | Step, *, child: bool = False) -> Path:
    """One path below another."""
    above = outer if isinstance(outer, Path) else Path((outer,))
    below = inner if isinstance(inner, Path) else Path((inner,))
    return Path(above.steps + below.steps, (*above.children, child, *below.children))


@lru_cache(maxsize=4096)
def to_xpath(css: str, prefix: str = "//") -> str:
    """XPath 1.0 that selects what the CSS does; `.//` as prefix for a path within an item."""
    return "." if css == SELF.css() else _TRANSLATOR.css_to_xpath(css, prefix=prefix)
