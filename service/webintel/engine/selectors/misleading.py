"""Places that hold a right value for a wrong reason: the best rating there is, a comment's author, a share button."""

import re
from itertools import islice

from webintel.engine.selectors.document import Element

MAX_CLIMB = 5

_NAMES = ("itemprop", "property", "name", "class", "id", "rel", "data-testid")
_ACTION = r"\b(?:share|sharing|social|facebook|pinterest|pinit|pin-it|twitter|whatsapp|linkedin|telegram)"
_OWN = {
    "rating": r"best-?rating|worst-?rating|rating-?count|review-?count|rating:?max|rating:?scale",
    "review_count": r"best-?rating|worst-?rating|rating-?value|rating:?scale",
    "brand": r"site_name|twitter:|application-name|apple-mobile",
    "author": r"site_name|twitter:site|application-name|apple-mobile|copyright",
    "price": r"shipping|delivery|min-?price|max-?price|threshold",
    "currency": r"switch|selector",
    "image": _ACTION,
    "title": r"site_name|page_title|_wp_|newsletter|subscribe",
}
_ABOVE = {
    "author": r"\bcomments?\b|comment-?(?:list|author|meta|body|item)|commentlist|bypostauthor|\brepl(?:y|ies)\b",
    "published_at": r"\bcomments?\b|comment-?(?:list|meta|body|item)|commentlist|\breview-?(?:list|item|date)",
    "rating": r"\breview-?(?:list|item)|\bcomments?\b|commentlist",
    "image": _ACTION,
    "title": _ACTION,
}
_OWN_NAMES = {field: re.compile(pattern, re.IGNORECASE) for field, pattern in _OWN.items()}
_ABOVE_NAMES = {field: re.compile(pattern, re.IGNORECASE) for field, pattern in _ABOVE.items()}


def is_misleading(field: str, element: Element, attribute: str | None) -> bool:
    """Whether what an element is called says that it is about something else than the field."""
    if attribute == "value" and field == "title":
        return True  # What a form sends along is for its receiver.
    own = _OWN_NAMES.get(field)
    if own is not None and own.search(_names(element)):
        return True
    above = _ABOVE_NAMES.get(field)
    if above is None:
        return False
    chain = (element, *islice(element.ancestors(), MAX_CLIMB))
    return any(above.search(_names(link)) for link in chain if link.tag not in ("html", "body"))


def _names(element: Element) -> str:
    return " ".join(element.attributes.get(name) or "" for name in _NAMES if name in element.attributes)
