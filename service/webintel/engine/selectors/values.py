"""Whether two spellings give the same value: the judge of what a selector returned against what was expected."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import permutations
from urllib.parse import unquote, urlsplit

from price_parser import Price

from webintel.engine.selectors.document import plain_text, text_key

PASS = 0.9
"""Similarity from which a value counts as the expected one."""
MAX_REPEATED = 1.35
MAX_REMEMBERED = 200

PRICES = frozenset({"price", "item_price", "old_price", "sale_price", "price_low", "price_high"})
NUMBERS = frozenset({"rating", "review_count", "reply_count", "item_rating"})
DATES = frozenset({"published_at", "modified_at", "date", "item_date"})
URLS = frozenset({"image", "images", "item_url", "item_image", "url", "author_url"})
CODES = frozenset({"sku", "gtin", "mpn", "isbn"})
PEOPLE = frozenset({"author", "brand"})
LISTED = frozenset({"ingredients", "instructions"})
"""Lists whose items a page may show in another order of words than its data have them."""
LONG = frozenset({"body", "description", "replies"})

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,\s'\u00a0\u202f]\d{3})*(?:[.,]\d+)?")
_BYLINE = re.compile(
    r"^(?:(?:written|posted|published|reviewed|recipe|words|story|article)\s+)?(?:by|von|par|por|di|door|av|author|brand)\b\s*:?\s*",
    re.IGNORECASE,
)
_CODE_LABEL = re.compile(
    r"^(?:sku|item|model|art(?:ikel|icle)?|part|product|ref(?:erence)?|mpn|gtin|ean|upc|isbn|code|reference|référence|referenz)\b"
    r"[\s.:#\u00b0-]*(?:no|nr|num(?:ber|mer)?|n\u00b0|code|id)?\b[\s.:#\u00b0]*",
    re.IGNORECASE,
)
_IMAGE_SIZE = re.compile(
    r"(?:[-_@](?:\d{2,4}x\d{0,4}|\d{2,4}w|x\d{2,4}|\dx|scaled|large|medium|small|thumb(?:nail)?|grande|default))+$"
)

_MONTHS = (
    "jan ene gen", "feb fév fev", "mar mär mrt maa", "apr avr abr", "may mai mag mei maj", "jun juin giu",
    "jul juil lug", "aug aoû aou ago", "sep set", "oct okt ott out", "nov", "dec déc dez dic",
)  # fmt: skip
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})")
_DATE_PART = re.compile(r"\d+|[^\W\d_]{3,}")

_OUT = (
    r"out.?of.?stock|outofstock|sold.?out|unavailable|not available|discontinued|ausverkauft|épuisé|rupture|"
    r"indisponible|nicht (?:lieferbar|auf lager|verfügbar)|agotado|sin stock|esaurito|"
    r"non disponibile|uitverkocht|niet op voorraad"
)
_AHEAD = r"pre.?order|pre.?sale|back.?order|vorbestell|précommande|coming soon"
_IN = (
    r"in.?stock|instoreonly|onlineonly|limitedavailability|auf lager|lieferbar|verfügbar|en stock|disponib(?:le|ile)|"
    r"^available$|available (?:now|online|to ship|immediately)|op voorraad|på lager|i lager|na stanie|"
    r"\d+ left"
)
_STOCK_STATES = tuple(
    (state, re.compile(pattern, re.IGNORECASE)) for state, pattern in (("out", _OUT), ("pre", _AHEAD), ("in", _IN))
)


def similarity(field: str, got: str, expected: str) -> float:
    """How far `got` is the value of a field that should be `expected`, 0.0 to 1.0."""
    if got == expected:
        return 1.0
    for names, same in _TYPED:
        if field in names:
            return same(field, got, expected)
    plain = _CODE_LABEL.sub("", got) if field in CODES else _BYLINE.sub("", got) if field in PEOPLE else got
    # "By Ann" names Ann, but a node that says "Ann" alone is better.
    return max(_same_text(got, expected), 0.95 * _same_text(plain, expected) if plain != got else 0.0)


def list_similarity(field: str, got: Sequence[str], expected: Sequence[str]) -> float:
    """F1 of the items; or of all words, for the same content may be cut into items differently."""
    if not got or not expected:
        return 0.0
    hits, others, left = _same_items(got, expected)
    for value in others:
        match = next((other for other in left if similarity(field, value, other) >= PASS), None)
        if match is not None:
            left.remove(match)
            hits += 1
    by_item = 2 * hits / (len(got) + len(expected))
    if field in URLS or by_item >= PASS:
        return by_item
    if len(got) == 1 and len(expected) > 1:
        return by_item
    return max(by_item, 0.97 * _list_overlap(" ".join(got), " ".join(expected)))


def _same_items(got: Sequence[str], expected: Sequence[str]) -> tuple[int, list[str], list[str]]:
    """How many items are letter for letter in both, and what is left of each; so that few pairs must be compared."""
    common = Counter(got) & Counter(expected)
    return common.total(), list((Counter(got) - common).elements()), list((Counter(expected) - common).elements())


def _list_overlap(got: str, expected: str) -> float:
    """Overlap of words; a word said twice counts once unless whole items are there twice."""
    left, right = _words(got), _words(expected)
    by_count = _overlap(left, right)
    if left.total() > MAX_REPEATED * right.total():
        return by_count
    return max(by_count, _overlap(Counter(set(left)), Counter(set(right))))


def is_typed(field: str) -> bool:
    """Whether a field's values are compared by what they mean, such as days, and not by their letters."""
    return any(field in names for names, _ in _TYPED)


def _key(text: str) -> str:
    return _short_key(text) if len(text) <= MAX_REMEMBERED else text_key(text)


@lru_cache(maxsize=16_384)
def _short_key(text: str) -> str:
    return text_key(text)


def _same_text(got: str, expected: str) -> float:
    left, right = _key(got), _key(expected)
    if left == right:
        # Symbols alone have no key; then only equal texts are the same.
        return 1.0 if left else 0.0
    if not left or not right:
        return 0.0
    if right in left or left in right:
        return min(len(left), len(right)) / max(len(left), len(right))
    if min(len(left), len(right)) < 30:
        return 0.0
    return 0.98 * _word_overlap(got, expected)


def _word_overlap(got: str, expected: str) -> float:
    return _overlap(_words(got), _words(expected))


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(plain_text(text)))


def _overlap(left: Counter[str], right: Counter[str]) -> float:
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


@lru_cache(maxsize=8192)
def price_amount(text: str) -> float | None:
    """The one price in a short text; none when there is no price or more than one."""
    numbers = _NUMBER.findall(text)
    if len(text) > 60 or not numbers:
        return None
    if len({number.strip() for number in numbers}) > 1:
        with_cents = {number for number in numbers if re.search(r"[.,]\d{2}$", number)}
        if len(with_cents) != 1:
            return None
        text = with_cents.pop()
    amount = Price.fromstring(text).amount_float
    return float(amount) if amount is not None else None


def _same_price(_field: str, got: str, expected: str) -> float:
    left, right = price_amount(got), price_amount(expected)
    return 1.0 if left is not None and right is not None and abs(left - right) < 0.005 else 0.0


def _same_number(_field: str, got: str, expected: str) -> float:
    left, right = _NUMBER.search(got), _NUMBER.search(expected)
    if left is None or right is None or len(got) > 60:
        return 0.0
    one, two = (_decimal(match.group()) for match in (left, right))
    if abs(one - two) > 0.051 if "." in expected else one != two:
        return 0.0
    return 1.0 if left.group() == got.strip() else 0.95


def _decimal(text: str) -> float:
    plain = re.sub(r"[\s'\u00a0\u202f]", "", text)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain):
        return float(re.sub(r"[.,]", "", plain))
    head, _, tail = plain.replace(",", ".").rpartition(".")
    return float(f"{head.replace('.', '')}.{tail}") if head else float(tail)


@lru_cache(maxsize=8192)
def possible_dates(text: str) -> frozenset[date]:
    """The days a short text may mean; day and month in either order."""
    match = _ISO_DATE.search(text)
    if match is not None:
        found = _day(int(match[1]), int(match[2]), int(match[3]))
        return frozenset({found} if found else ())
    if len(text) > 80:
        return frozenset()
    parts = _DATE_PART.findall(text.casefold())
    numbers = [int(part) for part in parts if part.isdigit() and len(part) <= 4][:6]
    years = [number for number in numbers if 1900 <= number <= 2100]
    if not years:
        return frozenset()
    small = [number for number in numbers if 1 <= number <= 31][:2]
    month = next((_MONTH_OF[part[:size]] for part in parts for size in (4, 3) if part[:size] in _MONTH_OF), None)
    if month is not None:
        days = [_day(years[0], month, number) for number in small[:1]]
    else:
        days = [_day(years[0], first, second) for first, second in permutations(small, 2)]
    return frozenset(day for day in days if day is not None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _same_date(_field: str, got: str, expected: str) -> float:
    left, right = possible_dates(got), possible_dates(expected)
    if left & right:
        return 1.0
    # A page may show the day of another time zone than its metadata.
    return 0.92 if any(abs((one - two).days) == 1 for one in left for two in right) else 0.0


@lru_cache(maxsize=8192)
def stock_state(text: str) -> str | None:
    """In stock, out of it or to be ordered ahead, from a short text or a schema.org URL."""
    if len(text) > 80:
        return None
    return next((state for state, pattern in _STOCK_STATES if pattern.search(text.replace("_", " "))), None)


def _same_stock(_field: str, got: str, expected: str) -> float:
    state = stock_state(got)
    if state is None or state != stock_state(expected):
        return 0.0
    # "En stock" is a value; a button or a sentence that has the words in it is not.
    return 1.0 if "schema.org" in got or len(got) <= 24 else PASS if len(got) <= 40 else 0.5


def _same_url(field: str, got: str, expected: str) -> float:
    left, right = _url_key(got), _url_key(expected)
    if "image" not in field:
        return 1.0 if left == right else 0.0
    # Images come in sizes: of one picture, the path tells, and a suffix or query says how large.
    if left[:2] == right[:2]:
        return 1.0
    one, two = (_IMAGE_SIZE.sub("", key[1].rpartition("/")[2].rpartition(".")[0]) for key in (left, right))
    return 0.95 if one == two and len(one) > 5 else 0.0


@lru_cache(maxsize=8192)
def _url_key(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "", url, ""
    return parts.netloc.casefold().removeprefix("www."), unquote(parts.path).rstrip("/") or "/", parts.query


_TYPED = (
    (PRICES, _same_price),
    (NUMBERS, _same_number),
    (DATES, _same_date),
    (URLS, _same_url),
    (frozenset({"availability"}), _same_stock),
)
