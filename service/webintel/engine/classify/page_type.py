"""Tells the type of one page from its signals.

The weights are those of a multinomial logistic regression with an L2 penalty over the signals of publicly licensed web
pages of known type, validated on domains left out; they are data, to be read and refitted, not code.
"""

import math
import re
from functools import lru_cache
from importlib.resources import files
from typing import Final, cast
from urllib.parse import parse_qsl, urlsplit

import msgspec

from webintel.engine.classify.plain import plain_kind
from webintel.engine.classify.signals import signals
from webintel.engine.model import PageKind
from webintel.engine.page import Page

_LOGIN: Final = re.compile(
    r"/(?:log-?in|sign-?in|signin|anmelden|connexion|auth|users/sign_in|wp-login\.php|account/login|sso|sign-?up|register|my-account)"
    r"(?:/|\.|$)",
    re.IGNORECASE,
)
_LOGIN_TITLE: Final = re.compile(
    r"\b(?:log|sign)[ -]?(?:in|on|up)\b|\baccount\b|anmeld|einloggen|connexion|iniciar sesi|accedi|inloggen",
    re.IGNORECASE,
)
_SEARCH: Final = re.compile(r"/(?:search|site-?search|recherche|suche|buscar|catalogsearch)(?:/|\.|$)", re.IGNORECASE)
_SEARCH_PARAMETERS: Final = frozenset(
    ("q", "s", "query", "search", "keyword", "keywords", "search_query", "searchterm")
)
_MIN_TEXT: Final = 150
_SURE: Final = 0.45
_DOUBTFUL: Final = 0.85
"""Below this, what plainly stands on the page counts for more than the sum of its signals."""


class _Model(msgspec.Struct, frozen=True):
    bias: dict[str, float]
    weights: dict[str, dict[str, float]]
    """Signal to kind to weight."""


@lru_cache(maxsize=1)
def _model() -> _Model:
    return msgspec.json.decode(files(__package__).joinpath("weights.json").read_bytes(), type=_Model)


def classify_page(page: Page) -> tuple[PageKind, float]:
    """The type of a page by its content, with a confidence.

    A front page gets the type of what it shows; whether it is `home` is for those to say who know the site.
    """
    return page.remember(_classify)


def _classify(page: Page) -> tuple[PageKind, float]:
    kind, confidence = _by_content(page)
    parts = urlsplit(page.url)
    if _is_login(page, parts.path):
        return "login", 0.9
    if _is_search(parts.path, parts.query) and confidence < 0.9:
        return "search", 0.85
    if confidence < _DOUBTFUL and (shown := plain_kind(page, kind)) is not None:
        return shown, _DOUBTFUL
    if confidence < _SURE and len(page.text) < _MIN_TEXT and not page.structured.items:
        return "other", round(1 - confidence, 3)
    return kind, round(confidence, 3)


def _by_content(page: Page) -> tuple[PageKind, float]:
    model = _model()
    scores = dict(model.bias)
    for name, value in signals(page).items():
        for kind, weight in model.weights.get(name, {}).items():
            scores[kind] += weight * value
    highest = max(scores.values())
    total = sum(math.exp(score - highest) for score in scores.values())
    kind = max(sorted(scores), key=lambda name: scores[name])
    return cast("PageKind", kind), 1 / total


def _is_login(page: Page, path: str) -> bool:
    if page.tree.css_first("input[type=password]") is None:
        return False
    return bool(_LOGIN.search(path)) or (len(page.text) < 4 * _MIN_TEXT and bool(_LOGIN_TITLE.search(page.title or "")))


def _is_search(path: str, query: str) -> bool:
    if _SEARCH.search(path):
        return True
    return any(name.lower() in _SEARCH_PARAMETERS and value for name, value in parse_qsl(query, max_num_fields=50))
