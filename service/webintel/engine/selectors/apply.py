"""Using selectors: the values they give on a page, and which page type a page is of."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cssselect import SelectorError
from lxml import etree
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.model import Blueprint, Selector
from webintel.engine.page import Page
from webintel.engine.selectors.document import read_node
from webintel.engine.selectors.path import SELF, to_xpath
from webintel.engine.selectors.patterns import matches_pattern

MAX_CSS = 400
MAX_XPATH = 4_000
MAX_SELECTORS = 500
MAX_VALUES = 1_000
MAX_COMBINATORS = 10

Item = dict[str, str]
Values = dict[str, str | list[str] | list[Item]]

_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_NAMESPACED = re.compile(r"(?<!:):(?!:)")
_COMPLEX = re.compile(r":has\(|:is\(|:where\(|:not\(")


def apply_selectors(selectors: Sequence[Selector], page: Page) -> Values:
    """The values that the selectors of one page type give on a page.

    Returns:
        Values by field name; a list for fields with several. Fields of repeated items come together under `items`, one
        dictionary an item. Fields that give nothing are left out.
    """
    check_selectors(selectors)
    values: Values = {}
    for selector in selectors:
        if selector.scope is None and selector.field_name not in values:
            found = read_selector(page.tree, selector, page.base_url)
            if found:
                values[selector.field_name] = found if selector.multiple else found[0]
    items = _items([selector for selector in selectors if selector.scope is not None], page)
    if items:
        values["items"] = items
    return values


def check_selectors(selectors: Sequence[Selector]) -> None:
    """Refuse selectors that are not valid CSS and XPath, or that could take without end.

    Raises:
        EngineError: `UNUSABLE_BLUEPRINT`, naming the selector.
    """
    if len(selectors) > MAX_SELECTORS:
        raise _unusable(f"The blueprint has {len(selectors)} selectors; at most {MAX_SELECTORS} are allowed.")
    for selector in selectors:
        where = f"The selector of {selector.page_type[:80]!r} for {selector.field_name[:80]!r}"
        for css in (selector.css,) if selector.scope is None else (selector.css, selector.scope):
            problem = _css_problem(css)
            if problem is not None:
                raise _unusable(f"{where} has CSS that {problem}: {css[:120]!r}.")
        if not _is_xpath(selector.xpath):
            raise _unusable(f"{where} has an XPath that is not valid XPath 1.0: {selector.xpath[:120]!r}.")


def _unusable(message: str) -> EngineError:
    return EngineError(ErrorCode.UNUSABLE_BLUEPRINT, message)


@lru_cache(maxsize=2048)
def _css_problem(css: str) -> str | None:
    if css == SELF.css():
        return None
    if len(css) > MAX_CSS:
        return f"is longer than {MAX_CSS} characters"
    if len(_COMPLEX.findall(css)) > 3 or len(re.findall(r"\s*[\s>+~]\s*", css.strip())) > MAX_COMBINATORS:
        return "is too complex"
    try:
        LexborHTMLParser("<p></p>").css(css)
        to_xpath(css)
    except (SelectolaxError, SelectorError, ValueError):
        return "is not valid"
    return None


@lru_cache(maxsize=2048)
def _is_xpath(xpath: str) -> bool:
    # Compiling says nothing of functions in namespaces, and nobody declares any.
    if len(xpath) > MAX_XPATH or _NAMESPACED.search(_STRING.sub("", xpath)):
        return False
    try:
        etree.XPath(xpath)
    except (etree.XPathError, ValueError):
        return False
    return True


def read_selector(root: Any, selector: Selector, base_url: str) -> list[str]:
    """Every value that a selector gives in a tree or within a node."""
    if selector.css == SELF.css():
        nodes: list[LexborNode] = [root]
    else:
        nodes = root.css(selector.css)
    values = (read_node(node, selector.attribute, base_url) for node in nodes[:MAX_VALUES])
    return [value for value in values if value is not None]


def _items(selectors: Sequence[Selector], page: Page) -> list[Item]:
    # Selectors of the same item type share a scope; the first scope is the main one.
    scopes = list(dict.fromkeys(selector.scope for selector in selectors if selector.scope))
    items: list[Item] = []
    for scope in scopes:
        for node in page.tree.css(scope)[:MAX_VALUES]:
            item: Item = {}
            for selector in selectors:
                found = read_selector(node, selector, page.base_url) if selector.scope == scope else []
                if found:
                    item[selector.field_name] = found[0]
            if item:
                items.append(item)
    return items


def match_page_type(blueprint: Blueprint, url: str, page: Page) -> str | None:
    """The name of the page type that a page is of: by its URL, and where that does not decide by its selectors.

    Raises:
        EngineError: `UNUSABLE_BLUEPRINT` for selectors or patterns that cannot be used.
    """
    check_selectors(blueprint.selectors)
    by_url = [kind.name for kind in blueprint.page_types if matches_pattern(kind.url_pattern, url)]
    if len(by_url) == 1:
        return by_url[0]
    names = by_url or [kind.name for kind in blueprint.page_types]
    rated = [(_fit(blueprint, name, page), -position, name) for position, name in enumerate(names)]
    if not rated:
        return None
    fit, _, name = max(rated)
    # Without help from the URL, half of what a type promises must be there.
    return name if by_url or fit >= 0.5 else None


def _fit(blueprint: Blueprint, name: str, page: Page) -> float:
    selectors = [selector for selector in blueprint.selectors if selector.page_type == name]
    promised = sum(selector.test_pass_rate or 0.1 for selector in selectors)
    if not promised:
        return 0.0
    values = apply_selectors(selectors, page)
    items = values.get("items", [])
    shown = {key for item in items if isinstance(item, dict) for key in item} | set(values)
    kept = sum(selector.test_pass_rate or 0.1 for selector in selectors if selector.field_name in shown)
    return kept / promised
