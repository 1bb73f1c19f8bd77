"""Fields of a product as the page shows them, for what it does not say about itself for machines."""

import re
from typing import Final

from selectolax.lexbor import LexborNode

from webintel.engine.fields import values
from webintel.engine.fields.article_number import add_article_number
from webintel.engine.fields.availability import add_availability
from webintel.engine.fields.dom import ancestors, elements, names, text_of
from webintel.engine.fields.items import PRICE
from webintel.engine.fields.one_offer import ELSEWHERE, is_elsewhere
from webintel.engine.fields.record import Record
from webintel.engine.page import Page

_MAX_CANDIDATES: Final = 60
_MAX_PRICE_TEXT: Final = 60
_PRICE_NAME: Final = re.compile(r"price|prix|preis|precio|prezzo|prijs|amount|cost", re.IGNORECASE)
_OTHER_PRICE: Final = re.compile(
    r"old|was|regular|compare|strike|before|list-?price|rrp|msrp|cross|original|previous|saving|save|discount|shipping|install"
    r"|month|unit|per-|subscription|from|bulk|tier|total|cart|basket|barre",
    re.IGNORECASE,
)
_RATING_TEXT: Final = re.compile(r"\b([0-5](?:[.,]\d{1,2})?)\s*(?:out of|von|sur)\s*5\b", re.IGNORECASE)
_REVIEWS_TEXT: Final = re.compile(
    r"\b(\d[\d,.]{0,8})\s*(?:customer )?(?:reviews?|ratings?|bewertungen|avis|reseñas|recensioni)\b", re.IGNORECASE
)


def add_product_html(record: Record, page: Page, heading: LexborNode | None) -> None:
    """Fill in what is still unknown of a product."""
    if record.confidence("price") < 0.9:
        _add_price(record, page, heading)
    add_article_number(record, page)
    if "availability" not in record:
        add_availability(record, page)
    if "rating" not in record:
        _add_rating(record, page)
    if "brand" not in record:
        _add_brand(record, page)


def _add_price(record: Record, page: Page, heading: LexborNode | None) -> None:
    best: tuple[float, str, LexborNode] | None = None
    places = {node.mem_id: place for place, (node, _, _) in enumerate(page.remember(elements))}
    start = places.get(heading.mem_id) if heading is not None else None
    seen = 0
    for place, (node, tag, classes) in enumerate(page.remember(elements)):
        if seen >= _MAX_CANDIDATES or tag not in (
            "span",
            "div",
            "p",
            "ins",
            "strong",
            "b",
            "bdi",
            "li",
            "td",
            "dd",
            "h2",
            "h3",
            "h4",
        ):
            continue
        named = bool(_PRICE_NAME.search(classes))
        own = node.text(deep=named).strip()
        if not own or len(own) > _MAX_PRICE_TEXT or not PRICE.search(own):
            continue
        seen += 1
        number = values.amount(own)
        if number is None or float(number) <= 0:
            continue
        score = 1.0 + named
        chain = classes + " " + " ".join(names(outer) for outer in ancestors(node, 8))
        score -= 2.0 * bool(_OTHER_PRICE.search(classes)) + 1.5 * bool(ELSEWHERE.search(chain))
        score -= 2.0 * any(outer.tag in ("del", "s", "strike", "nav", "footer") for outer in ancestors(node, 4))
        if start is not None:
            score += 0.8 if 0 <= place - start < 150 else -0.3
        score -= place / 20_000
        if best is None or score > best[0]:
            best = (score, own, node)
    if best is not None and best[0] > 0.9:
        sure = min(0.8, 0.35 + 0.15 * best[0])
        record.add("price", values.amount(best[1]), "html", sure, best[2])
        record.add("currency", values.currency(best[1]), "html", sure, best[2])


def _add_rating(record: Record, page: Page) -> None:
    text = page.text[:30_000]
    match = _RATING_TEXT.search(text)
    if match:
        record.add("rating", match[1].replace(",", "."), "html", 0.55)
    match = _REVIEWS_TEXT.search(text)
    if match:
        record.add("review_count", re.sub(r"[,.]", "", match[1]), "html", 0.5)


def _add_brand(record: Record, page: Page) -> None:
    for node in page.tree.css(
        "[itemprop=brand], [class*=product-brand], [class*=productBrand], a[href*='/brand'], a[href*='/marque']"
    )[:20]:
        text = text_of(node, 60)
        if text and len(text) < 40 and page.region(node) == "main" and not is_elsewhere(node):
            record.add(
                "brand",
                re.sub(r"^(?:brand|by|marke|marque)\s*:?\s*", "", text, flags=re.IGNORECASE),
                "html",
                0.55,
                node,
            )
            return
