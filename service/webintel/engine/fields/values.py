"""Values of fields in one spelling, and whether two spellings mean the same."""

import re
from datetime import date
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import dateparser
from price_parser import Price

_MAX_PRICE_TEXT: Final = 80
_MAX_DATE_TEXT: Final = 60
_ISO_DAY: Final = re.compile(r"\b((?:19|20)\d\d)-(\d\d?)-(\d\d?)")
_ISO_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|[+-]\d\d:?\d\d)?)?")
_CURRENCIES: Final = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₪": "ILS",
    "฿": "THB", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "lei": "RON", "R$": "BRL", "A$": "AUD", "C$": "CAD",
    "CA$": "CAD", "AU$": "AUD", "US$": "USD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "Rs": "INR", "Rs.": "INR",
    "Fr.": "CHF", "kr": "SEK",
}  # fmt: skip
_AVAILABILITIES: Final = (
    (
        "Discontinued",
        re.compile(r"discontinued|no longer available|nicht mehr (?:lieferbar|erhältlich)", re.IGNORECASE),
    ),
    (
        "OutOfStock",
        re.compile(
            r"out.?of.?stock|sold.?out|unavailable|not available|ausverkauft|épuisé|rupture|indisponible|agotado"
            r"|sin stock|nicht (?:lieferbar|auf lager|verfügbar)|esaurito|non disponibile|uitverkocht|niet op voorraad",
            re.IGNORECASE,
        ),
    ),
    ("PreOrder", re.compile(r"pre.?order|pre.?sale|vorbestell|précommande|coming soon", re.IGNORECASE)),
    ("BackOrder", re.compile(r"back.?order", re.IGNORECASE)),
    ("LimitedAvailability", re.compile(r"limited.?availability", re.IGNORECASE)),
    ("InStoreOnly", re.compile(r"in.?store.?only", re.IGNORECASE)),
    (
        "InStock",
        re.compile(
            r"in.?stock|online.?only|auf lager|lieferbar|verfügbar|en stock|disponib(?:le|ile)|op voorraad"
            r"|på lager|i lager|na stanie|\bavailable\b|\bsofort\b|ready to ship|ships (?:in|today|within)|\d+ left",
            re.IGNORECASE,
        ),
    ),
)
_PRICES: Final = frozenset(("price", "item_price"))
_DATES: Final = frozenset(("published_at", "modified_at"))
_URLS: Final = frozenset(("image", "item_url", "item_image"))


@lru_cache(maxsize=4096)
def amount(text: str) -> str | None:
    """The price in a short text as a plain decimal number."""
    text = text.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", text):
        return text
    if not text or len(text) > _MAX_PRICE_TEXT or not any(map(str.isdigit, text)):
        return None
    value = Price.fromstring(text).amount
    return format(value, "f") if value is not None and value >= 0 else None


@lru_cache(maxsize=4096)
def currency(text: str) -> str | None:
    """The ISO code of the currency that a price text names."""
    text = text.strip()
    if re.fullmatch(r"[A-Z]{3}", text):
        return text
    symbol = Price.fromstring(text[:_MAX_PRICE_TEXT]).currency if text else None
    if symbol is None:
        return None
    return _CURRENCIES.get(symbol, symbol if re.fullmatch(r"[A-Z]{3}", symbol) else None)


def availability(text: str) -> str | None:
    """The schema.org name of an availability, given that name, its URL or words."""
    text = text.strip().rpartition("schema.org/")[2].replace("_", " ")[:80]
    return next((name for name, pattern in _AVAILABILITIES if pattern.search(text)), None)


@lru_cache(maxsize=1024)
def moment(text: str) -> str | None:
    """A date, with its time if it has one, in ISO 8601."""
    text = " ".join(text.split())
    match = _ISO_MOMENT.match(text)
    if match:
        return match[0].replace(" ", "T", 1) if " " in match[0] else match[0]
    if not text or len(text) > _MAX_DATE_TEXT or not any(map(str.isdigit, text)):
        return None
    found = dateparser.parse(text, settings={"REQUIRE_PARTS": ["day", "month", "year"]})
    return found.date().isoformat() if found is not None else None


def day(text: str) -> date | None:
    """The day of a date in any spelling."""
    value = moment(text)
    match = _ISO_DAY.search(value) if value else None
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def same_value(field: str, one: str, other: str) -> bool:
    """Whether two texts give the same value of a field: prices by amount, dates by day."""
    if field in _PRICES:
        left, right = amount(one), amount(other)
        return left is not None and right is not None and abs(float(left) - float(right)) < 0.005
    if field in _DATES:
        return day(one) is not None and day(one) == day(other)
    if field == "availability":
        return availability(one) is not None and availability(one) == availability(other)
    if field in _URLS:
        return _place(one) == _place(other)
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _place(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "", url
    return parts.netloc.lower(), parts.path.rstrip("/")
