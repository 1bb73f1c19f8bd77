"""Small helpers over the page's tree that several extractors share."""

import re
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from webintel.engine.page import Page

MAX_PARENTS: Final = 200
_MAX_STEPS: Final = 6
_PLAIN_NAME: Final = re.compile(r"-?[A-Za-z_][A-Za-z0-9_-]{0,60}")
# Names that a build tool or a database made: they do not survive the next release, or name one page only.
_GENERATED: Final = re.compile(
    r"\d{3,}|^(?:css|sc|jsx|jss|svelte|emotion|chakra|mui)-|__[A-Za-z0-9]{5,}$|--[A-Za-z0-9]{5,}$|^[a-z]{1,2}$"
    r"|^(?=[a-zA-Z]*\d)(?=\d*[a-zA-Z])[a-zA-Z0-9]{5,8}$|^(?:is|has|js)-|active|current|selected|open$|visible|hidden|loaded"
)


# What content is made of; drawings, scripts and heads are of no interest.
_ELEMENTS: Final = (
    "a, article, blockquote, button, code, dd, div, dl, dt, form, h1, h2, h3, h4, h5, h6, iframe, img, input, li, ol,"
    " p, pre, section, select, span, table, textarea, time, tr, ul, video, ins, strong, b, bdi"
)
_MAX_ELEMENTS: Final = 20_000

Element = tuple[LexborNode, str, str]
"""A node with its tag and class attribute."""


def elements(page: Page) -> list[Element]:
    """The content elements of a page in document order; ask through `page.remember`."""
    names: dict[int, str] = {}
    found: list[Element] = []
    for node in page.tree.css(_ELEMENTS)[:_MAX_ELEMENTS]:
        identity = node.tag_id
        tag = names.get(identity)
        if tag is None:
            tag = names[identity] = node.tag or ""
        found.append((node, tag, node.attrs.sget("class") or ""))
    return found


def attribute(node: LexborNode, name: str) -> str:
    """An attribute's value; empty where it is not there."""
    return node.attrs.sget(name) or ""


def names(node: LexborNode) -> str:
    """An element's classes and id in lower case."""
    attributes = node.attrs
    return f"{attributes.sget('class') or ''} {attributes.sget('id') or ''}".lower()


def text_of(node: LexborNode, limit: int = 5_000) -> str:
    """The node's text on one line."""
    return " ".join(node.text(separator=" ")[: 2 * limit].split())[:limit]


def ancestors(node: LexborNode, limit: int = MAX_PARENTS) -> Iterator[LexborNode]:
    """The elements around a node, innermost first."""
    parent = node.parent
    while parent is not None and limit > 0 and parent.is_element_node:
        yield parent
        parent = parent.parent
        limit -= 1


def css_path(tree: LexborHTMLParser, node: LexborNode) -> str:
    """A short selector that finds this node first on this page."""
    steps: list[str] = []
    current: LexborNode | None = node
    while current is not None and current.is_element_node and len(steps) < _MAX_STEPS:
        step = _step(current)
        steps.insert(0, step)
        path = " > ".join(steps)
        if "#" in step or current.tag in ("html", "body"):
            break
        if _finds(tree, path, node):
            return path
        current = current.parent
    path = " > ".join(steps)
    return path if _finds(tree, path, node) else _exact_path(node)


def _step(node: LexborNode) -> str:
    tag = node.tag or "*"
    identifier = attribute(node, "id")
    if _is_stable(identifier):
        return f"{tag}#{identifier}"
    for name in ("itemprop", "data-testid", "data-test"):
        value = attribute(node, name)
        if value and _PLAIN_NAME.fullmatch(value):
            return f'{tag}[{name}="{value}"]'
    classes = [name for name in attribute(node, "class").split() if _is_stable(name)]
    return tag + "".join(f".{name}" for name in classes[:2])


def _is_stable(name: str) -> bool:
    return bool(_PLAIN_NAME.fullmatch(name)) and not _GENERATED.search(name)


def _finds(tree: LexborHTMLParser, path: str, node: LexborNode) -> bool:
    found = tree.css_first(path)
    return found is not None and found.mem_id == node.mem_id


def _exact_path(node: LexborNode) -> str:
    steps: list[str] = []
    current: LexborNode | None = node
    while current is not None and current.is_element_node and len(steps) < MAX_PARENTS:
        tag = current.tag or "*"
        place = 1
        sibling = current.prev
        while sibling is not None:
            place += sibling.is_element_node and sibling.tag == tag
            sibling = sibling.prev
        steps.insert(0, tag if tag in ("html", "body") else f"{tag}:nth-of-type({place})")
        current = current.parent
    return " > ".join(steps)
