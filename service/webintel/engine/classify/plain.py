"""What plainly stands on a page: one thing to buy, or one recipe."""

import re
from typing import Final

from webintel.engine.model import PageKind
from webintel.engine.page import Page, collapse

_BUY: Final = re.compile(
    r"(?:add|put) (?:to|in) (?:my |your |the )?(?:shopping )?(?:cart|bag|basket|trolley)"
    r"|buy (?:it )?now|pre-?order(?: now)?"
    r"|in den (?:waren|einkaufs)korb|(?:ajouter|mettre) au panier|(?:añadir|agregar) al carrito|aggiungi al carrello"
    r"|in winkel(?:wagen|mandje)|adicionar ao carrinho|dodaj do koszyka|lägg i (?:varukorg|kundvagn)",
    re.IGNORECASE,
)
_INGREDIENTS: Final = re.compile(
    r"(?:the )?ingredients?(?: list)?:?|zutaten:?|ingrédients:?|ingredientes:?|ingredienti:?|ingrediënten:?",
    re.IGNORECASE,
)
_METHOD: Final = re.compile(
    r"(?:method|instructions?|directions?|preparation|steps?|zubereitung|préparation|preparación|preparazione|bereiding):?",
    re.IGNORECASE,
)
_MAX_BUTTONS: Final = 1_000
_MAX_HEADINGS: Final = 300
_MAX_LABEL: Final = 40


def plain_kind(page: Page, guess: PageKind) -> PageKind | None:
    """The kind that a page plainly has although it was taken for another, by things that the other kind never shows."""
    if guess in ("collection", "listing", "service"):
        if _is_recipe(page):
            return "article"
        # Listings have such a button on every card, or on none.
        if guess == "collection" and 1 <= _buy_buttons(page) <= 2:
            return "product"
    return None


def _buy_buttons(page: Page) -> int:
    count = 0
    for node in page.tree.css("button, input[type=submit], [role=button], a[class*=cart], a[class*=buy]")[
        :_MAX_BUTTONS
    ]:
        attributes = node.attributes
        label = collapse(node.text()) or attributes.get("value") or attributes.get("aria-label") or ""
        count += len(label) < _MAX_LABEL and _BUY.fullmatch(label.strip(" +!")) is not None
    return count


def _is_recipe(page: Page) -> bool:
    headings = [collapse(node.text()) for node in page.tree.css("h2, h3, h4, h5")[:_MAX_HEADINGS]]
    return any(map(_INGREDIENTS.fullmatch, headings)) and any(map(_METHOD.fullmatch, headings))
