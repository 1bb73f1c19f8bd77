"""Telling names that a person chose from names that a build tool made."""

import itertools
import re
import unicodedata
from functools import lru_cache

MAX_NAME = 60
_IDENTIFIER = re.compile(r"^-?[A-Za-z_][A-Za-z0-9_-]*$")
_MODULE = re.compile(r"^(?P<stem>[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*?_{1,2})(?P<hash>[A-Za-z0-9+-]{5,12})$")
_LOADER = re.compile(r"^(?P<stem>[A-Za-z][\w-]*?__)(?P<hash>[\w-]{5})$")
_TOOL_PREFIX = re.compile(
    r"^(?:css|sc|jsx|jss|emotion|mui|makestyles|svelte|astro|ng-tns|ng-star|_ngcontent|_nghost|data-v|tss|stitches|"
    r"c-[a-z]*|go|e|_)-?[0-9a-z]*\d[0-9a-z]*$|^(?:sc|css|jss|svelte|astro|emotion)-[A-Za-z0-9-]+$",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"\d{3,}")
_UTILITY = re.compile(
    r"^-?(?:[mp][trblxyse]?|w|h|z|size|gap(?:-[xy])?|space-[xy]|inset(?:-[xy])?|top|left|right|bottom|order|basis|"
    r"(?:min|max)-[wh]|col-(?:span|start|end)|row-(?:span|start|end)|grid-(?:cols|rows)|opacity|duration|delay|scale|"
    r"translate-[xy]|rotate|rounded(?:-[a-z]{1,2})?|border(?:-[trblxy])?|leading|tracking|line-clamp|col(?:-[a-z]{2})?|"
    r"(?:offset|order)-[a-z]{2}|[mp][trblxyse]?-[a-z]{2}|fs|fw|lh|g[xy]?)-(?:\d+(?:[./]\d+)?|auto|full|screen|px|none|min|max|fit|"
    r"[2-9]?(?:xs|sm|md|lg|xl)|tight|snug|normal|relaxed|loose|wide|wider|widest|\[.*)$"
    r"|^(?:text|bg|border|ring|fill|stroke|from|to|via|divide|font|shadow|rounded|items|justify|self|content|place-items|"
    r"object|align|float|cursor|whitespace|break|overflow(?:-[xy])?|select|pointer-events|list|table|flex|grid-flow|"
    r"transition|ease|decoration|outline|underline|fw|d|fst|position|visible)-(?:[a-z]+-)?"
    r"(?:\d{2,3}|\[.*|xs|sm|md|base|lg|[2-9]?xl|left|right|center|start|end|justify|between|around|evenly|stretch|baseline|"
    r"top|middle|bottom|none|auto|hidden|scroll|visible|bold|semibold|medium|light|normal|thin|italic|muted|white|black|"
    r"transparent|current|cover|contain|pointer|nowrap|wrap|all|words|row|col|column|reverse|1|initial|disc|decimal|"
    r"colors|opacity|transform|in|out|in-out|full|block|inline|flex|grid|sans|serif|mono|uppercase|primary|secondary|"
    r"dark|success|danger|warning|info|shrink-0|grow|gray|grey|red|blue|green)(?:-\d{2,3})?$"
    r"|^(?:block|inline|inline-block|flex|inline-flex|grid|hidden|contents|static|fixed|absolute|relative|sticky|visible|"
    r"invisible|truncate|uppercase|lowercase|capitalize|italic|underline|antialiased|sr-only|border|rounded|shadow|"
    r"transition|container|container-fluid|row|col|grow|shrink|shrink-0|isolate|clearfix|cf|group|peer|prose|btn|"
    r"img-fluid|img-responsive|pull-left|pull-right|wrapper|inner|outer|content|wrap|box|left|right|center|clear|"
    r"collapse|fade|small|large|medium|bold|red|green|blue|black|white|gray|grey|list-unstyled|list-inline)$"
)
_STATE = re.compile(
    r"^(?:is|has|js|no|not|ng|v|wp)-?(?:active|open|visible|hidden|loaded|loading|lazy|selected|current|disabled|sticky)|"
    r"^(?:active|open|opened|closed|visible|show|shown|selected|current|checked|disabled|enabled|loaded|loading|"
    r"lazy|lazyload|lazyloaded|lazyloading|entered|first|last|odd|even|first-child|last-child|animated|wow|aos-.*|"
    r"swiper-slide.*|slick-.*|hover|focus|expanded|collapsed|in|on|off|new|sale|onsale|instock|outofstock|in-stock|out-of-stock)$"
)


@lru_cache(maxsize=8192)
def css_module_stem(name: str) -> str | None:
    """The part of a hashed CSS module class that its author wrote (`Card_title__x7Y2q` -> `Card_title__`)."""
    match = _MODULE.match(name) or _LOADER.match(name)
    if match is None or not _is_hash(match["hash"]) or len(match["stem"].rstrip("_")) < 4:
        return None
    return match["stem"]


def _is_hash(part: str) -> bool:
    has_digit = any(character.isdigit() for character in part)
    mixed = part != part.lower() and part != part.upper() and not part.istitle()
    return (has_digit and not part.isdigit()) or (mixed and not re.match(r"^[A-Z]?[a-z]+(?:[A-Z][a-z]+)*$", part))


@lru_cache(maxsize=8192)
def is_generated(name: str) -> bool:
    """Whether a class or id looks made by a tool or for one single page."""
    if not name or len(name) > MAX_NAME or not _IDENTIFIER.match(name):
        return True
    if _TOOL_PREFIX.match(name) or css_module_stem(name) or _LONG_NUMBER.search(name):
        return True
    return any(_looks_random(part) for part in re.split(r"[-_]+", name) if len(part) >= 5)


def _looks_random(part: str) -> bool:
    changes = sum(1 for left, right in itertools.pairwise(part) if left.isdigit() != right.isdigit())
    if changes >= 2:
        return True
    if len(part) >= 6 and not re.search(r"[aeiouyAEIOUY]", part) and part.lower() == part:
        return True
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", part)
    return len(part) <= 10 and len(words) >= 4 and part != part.upper()


@lru_cache(maxsize=8192)
def is_weak(name: str) -> bool:
    """Whether a class says how something looks or which state it is in, not what it is."""
    return bool(_UTILITY.match(name) or _STATE.match(name)) or len(name) < 3


def slug(label: str) -> str:
    """A field name made from a label that people read: `Max. weight (kg)` -> `max_weight_kg`."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.casefold()).strip("_")
