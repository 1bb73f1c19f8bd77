"""Whether a product can be bought, by what the page shows near it."""

import re
from typing import Final

from selectolax.lexbor import LexborNode

from webintel.engine.fields import values
from webintel.engine.fields.dom import ancestors, attribute, elements, names, text_of
from webintel.engine.fields.one_offer import buy_controls, is_elsewhere
from webintel.engine.fields.record import Record
from webintel.engine.page import Page

_STOCK_NAME: Final = re.compile(r"stock|availab|inventory|disponib|lager|delivery-?status", re.IGNORECASE)
# What is said of another size or colour, or shown only once a script wants it.
_OF_OTHERS: Final = re.compile(
    r"varia(?:tion|nt)|swatch|size|colou?r|option|twister|hidden|\bhide\b|d-none|template", re.IGNORECASE
)
_HIDDEN_STYLE: Final = re.compile(r"display:\s*none|visibility:\s*hidden", re.IGNORECASE)
_SOLD_OUT: Final = re.compile(
    r"^(?:sold out|out of stock|ausverkauft|épuisé|agotado|esaurito|notify me.*|currently unavailable.*)$",
    re.IGNORECASE,
)
_MAX_TEXT: Final = 60
_MAX_BUTTONS: Final = 200
_TAGS: Final = frozenset(("span", "div", "p", "li", "td", "dd"))


def add_availability(record: Record, page: Page) -> None:
    """What is said of the stock, else what the button says, else that a thing with a price is for sale."""
    stated = _stated(page)
    button = next((node for node in page.remember(buy_controls) if "disabled" not in node.attributes), None)
    if stated is not None:
        record.add("availability", stated[0], "html", 0.75, stated[1])
    if button is not None:
        record.add("availability", "InStock", "html", 0.6, button)
        return
    for node in page.tree.css("button, input[type=submit], a[class*=button], a[class*=btn]")[:_MAX_BUTTONS]:
        if _SOLD_OUT.match((attribute(node, "value") or text_of(node, 80)).strip()) and not is_elsewhere(node):
            record.add("availability", "OutOfStock", "html", 0.65, node)
            return
    if "price" in record:
        record.add("availability", "InStock", "html", 0.4)


def _stated(page: Page) -> tuple[str, LexborNode] | None:
    for node, tag, classes in page.remember(elements):
        if tag not in _TAGS or not (_STOCK_NAME.search(classes) or _STOCK_NAME.search(attribute(node, "id"))):
            continue
        text = text_of(node, _MAX_TEXT)
        state = values.availability(text) if len(text) < _MAX_TEXT - 10 else None
        if state is not None and not is_elsewhere(node) and not _is_of_others(node):
            return state, node
    return None


def _is_of_others(node: LexborNode) -> bool:
    chain = [node, *ancestors(node, 6)]
    return any(_OF_OTHERS.search(names(one)) or _HIDDEN_STYLE.search(attribute(one, "style")) for one in chain)
