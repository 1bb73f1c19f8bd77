"""What plainly stands on a page: one thing to buy, or one recipe."""

import re
from typing import Final

from webintel.engine.fields.one_offer import one_offer
from webintel.engine.model import PageKind
from webintel.engine.page import Page, collapse

_INGREDIENTS: Final = re.compile(
    r"(?:the )?ingredients?(?: list)?:?|zutaten:?|ingrédients:?|ingredientes:?|ingredienti:?|ingrediënten:?",
    re.IGNORECASE,
)
_METHOD: Final = re.compile(
    r"(?:method|instructions?|directions?|preparation|steps?|zubereitung|préparation|preparación|preparazione|bereiding):?",
    re.IGNORECASE,
)
_MAX_HEADINGS: Final = 300


def plain_kind(page: Page, guess: PageKind) -> PageKind | None:
    """The kind that a page plainly has although it was taken for another, by things that the other kind never shows."""
    if guess in ("collection", "listing", "service") and _is_recipe(page):
        return "article"
    if guess in ("collection", "listing", "service", "article", "home", "other"):
        offer = page.remember(one_offer)
        # Listings have a button on every card or on none; articles and services tell a price now and then.
        if offer.is_sure or (guess in ("collection", "listing") and offer.has_few_controls):
            return "product"
    return None


def _is_recipe(page: Page) -> bool:
    headings = [collapse(node.text()) for node in page.tree.css("h2, h3, h4, h5")[:_MAX_HEADINGS]]
    return any(map(_INGREDIENTS.fullmatch, headings)) and any(map(_METHOD.fullmatch, headings))
