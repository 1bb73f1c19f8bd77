"""What query parameters do: name the page, or merely sort, page, filter, translate or act on it.

Names are judged by what they are called, until the pages themselves say otherwise: their canonical links, and whether
two pages that differ in one parameter have the same content.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

from webintel.engine.urls import path_tokens, query_pairs, segment_shape, without_www

ParameterRole = Literal[
    "identity",
    "route",
    "page",
    "sort",
    "view",
    "page_size",
    "locale",
    "action",
    "noise",
    "calendar",
    "search",
    "facet",
    "unknown",
]

Content = tuple[int, ...]
"""A page's content in brief: a hash of title and heading, then the smallest hashes of its word triples."""

_ROLE_NAMES: Final[dict[ParameterRole, str]] = {
    "page": r"""
        page p pg paged pagenum page_?no pagenumber page_?num cpage pagina seite start offset skip startrow from
        pagen_\d+ pn""",
    "sort": r"""
        sort sort_?by sort_?order sorting order order_?by dir direction ordering sortdir orderway o
        product_list_(?:order|dir)""",
    "view": r"""
        view display view_?mode mode layout grid list style template theme print printable format tmpl device
        product_list_mode""",
    "page_size": r"""
        limit per_?page page_?size show items ipp ppp results rows num product_list_limit max_?results n count""",
    "locale": r"""
        currency cur curr language lang locale hl country region store ___(?:from_)?store (?:set|shop_)currency
        id_(?:currency|lang|country|shop)""",
    "search": r"q s query search keywords? search_?query search_?term term text searchstring k",
    "calendar": r"""
        date year month day week cal calendar ical outlook-ical tribe-bar-date eventdate time yr mon y m d""",
    "action": r"""
        action add[-_]to[-_]\w+ remove remove_item compare wishlist buy cart do_action replytocom share _wpnonce nonce
        delete notify vote like unlike submit\w*""",
    "noise": r"""
        return_?(?:url|to)? redirect(?:_to|_url)? back next_url referrer ref referer source src from_page variant pos
        position click campaign promo coupon affiliate aff tracking preview""",
    "facet": r"""
        filters?(?:[\[_.].*)? f(?:\[.*)? fq facets?(?:[\[_.].*)? refine refinement attribute_\w+ pa_\w+ filter\w*
        pf_\w+ price price_?(?:min|max|from|to|range) (?:min|max)_?price colou?rs? sizes? brands? material gender
        rating(?:_filter)? on_?sale in_?stock availability manufacturer vendor style_?id width weight age condition
        query_type_\w+ constraint tag""",
    "route": r"""
        route option main_page controller dispatch module act task fc pagename mod app section area node_?type
        ctrl func""",
}


def _names(words: str) -> re.Pattern[str]:
    return re.compile("|".join(words.split()), re.IGNORECASE)


_ROLE_PATTERNS: Final = tuple((role, _names(names)) for role, names in _ROLE_NAMES.items())
_ITEM: Final = _names(
    """products?_?id products? prod(?:_?id)? item_?(?:id|no)? article_?id articles? pid asin sku goods_?id info tid
    topic_?id thread(?:_?id)? post_?id pd_?id id_product virtuemart_product_id post"""
)
_CONTEXT: Final = _names(
    """cpath path categor(?:y|ies)(?:_?id)? cat(?:_?id)? cid c catid id_category manufacturers?_?id brand_?id itemid
    parent_?id list section_?id f"""
)
_IDENTITY: Final = _names(r"\w*_?ids? \w+id id\w* slug name title file t article topic a x u url")
_ACTIONS: Final = _names(
    r"""buy_?now add\w* remove\w* delete\w* update\w* notify\w* cust_order compare\w* wish\w* print reply quote report
    share edit vote like login logout"""
)
_DATE_VALUE: Final = re.compile(r"(?:19|20)\d\d(?:-?\d\d){0,2}|\d{1,2}")
_PAGE_SEGMENT: Final = re.compile(r"page[-_]?(\d+)|p(\d{1,2})|pg(\d+)|seite-?(\d+)", re.IGNORECASE)
_PAGE_TAIL: Final = re.compile(
    r"/(?:pages?|seite|pagina)/\d+/?$|/(?:(?:page|pg|seite)[-_]?\d+|p\d{1,2})(?:\.\w+)?/?$", re.IGNORECASE
)
# Shopify serves a product under each of its collections as well.
_WITHIN_COLLECTION: Final = re.compile(r"/collections/[^/]+(/products/[^/]+)$")
_INDEX_FILE: Final = re.compile(r"/(?:index|default|home)\.(?:html?|php\d?|aspx?|jsp|cfm)$", re.IGNORECASE)
_SCRIPT: Final = re.compile(r"[\w-]+\.(?:php\d?|aspx?|jsp|jsf|cfm|cgi|pl|do|dll|exe)", re.IGNORECASE)
_ATTRIBUTES: Final = re.compile(r"\{[^}]*\}.*")
_MAX_REMEMBERED: Final = 2_000
_DROPPED: Final[frozenset[ParameterRole]] = frozenset(
    {"sort", "view", "page_size", "locale", "action", "noise", "facet"}
)


_ROUTERS: Final = re.compile(r"view|page|p|section|mode|show|list|m|item", re.IGNORECASE)
_VIEWS: Final = re.compile(r"grid|list|all|table|gallery|compact", re.IGNORECASE)
_DOERS: Final = re.compile(r"action|act|do|task|cmd", re.IGNORECASE)


@lru_cache(maxsize=8_192)
def parameter_role(name: str, value: str = "") -> ParameterRole:
    """What a parameter does, by its name and value alone."""
    bare = name.removesuffix("[]")
    if _DOERS.fullmatch(bare):
        return "action" if _ACTIONS.fullmatch(value) else "route"
    if _ROUTERS.fullmatch(bare) and value and not value.isdigit() and not _VIEWS.fullmatch(value):
        # Content systems route by these names: `view=article`, `page=shop.details`.
        return "route"
    if _ITEM.fullmatch(bare):
        return "identity"
    role = next((role for role, pattern in _ROLE_PATTERNS if pattern.fullmatch(bare)), None)
    if role == "calendar" and not _DATE_VALUE.match(value):
        role = "unknown"
    if role is None and (_CONTEXT.fullmatch(bare) or _IDENTITY.fullmatch(bare)):
        role = "identity"
    return role or "unknown"


def is_action(url: str) -> bool:
    """Whether following the link would do something: fill a cart, cast a vote."""
    return any(parameter_role(name, value) == "action" for name, value in query_pairs(url))


def path_page_number(url: str) -> int | None:
    """The number in a path that pages: `/shoes/page/3/` gives 3."""
    tokens = path_tokens(url)
    if not tokens:
        return None
    last = tokens[-1].rsplit(".", 1)[0]
    if len(tokens) > 1 and last.isdigit() and tokens[-2].lower() in ("page", "pages", "seite", "pagina"):
        return int(last[:9])
    match = _PAGE_SEGMENT.fullmatch(last)
    if match is None or (len(tokens) == 1 and not match[1]):
        return None
    return int(next(group for group in match.groups() if group)[:9])


def query_page_number(url: str) -> int | None:
    """The number in a parameter that pages: `?page=3` gives 3; offsets count as they stand."""
    for name, value in query_pairs(url):
        if value.isdigit() and parameter_role(name, value) == "page":
            return int(value[:9])
    return None


class ParameterModel:
    """Which parameters of a site identify content; starts from names and learns from pages."""

    def __init__(self) -> None:
        self._same: dict[tuple[str, str], int] = {}
        self._different: dict[tuple[str, str], int] = {}
        self._contents: dict[str, tuple[str, Content]] = {}
        self._modifiers: dict[tuple[str, str], list[int]] = {}

    def role(self, url: str, name: str, value: str) -> ParameterRole:
        """What a parameter of this URL does, all evidence considered."""
        place = (_place(url), name)
        same, different = self._same.get(place, 0), self._different.get(place, 0)
        lexical = parameter_role(name, value)
        if lexical == "page" and name == "p" and not place[0]:
            # WordPress names a post `/?p=12`.
            return "identity"
        if same >= 2 and same > 2 * different and lexical in ("unknown", "calendar", "search"):
            return "facet"
        if different >= 2 and different > 2 * same and lexical in ("facet", "unknown", "calendar"):
            return "identity"
        if lexical in ("unknown", "search") or (lexical == "identity" and _narrows(url, name)):
            counts = (self._modifiers.get(place, (0, 0)), self._modifiers.get(("*", name), (0, 0)))
            if any(inside >= 3 and inside > 4 * outside for inside, outside in counts):
                return "facet"
        return lexical

    def identity(self, url: str) -> list[tuple[str, str]]:
        """The parameters that name the page, sorted; page numbers count from the second page on."""
        pairs = [(name, value, self.role(url, name, value)) for name, value in query_pairs(url)]
        has_item = any(role == "identity" and is_item(name) for name, _, role in pairs)
        kept = []
        for name, value, role in pairs:
            if role in _DROPPED or not value:
                continue
            if role == "page" and value in ("0", "1"):
                continue
            if has_item and (role == "page" or (_CONTEXT.fullmatch(name) and not _ITEM.fullmatch(name))):
                # Where an item is named, the category merely says how the visitor came.
                continue
            kept.append((name, _ATTRIBUTES.sub("", value)))
        return sorted(dict.fromkeys(kept))

    def key(self, url: str) -> str:
        """What all spellings of one page have in common."""
        parts = urlsplit(url)
        host = without_www(parts.netloc)
        path = _WITHIN_COLLECTION.sub(r"\1", _INDEX_FILE.sub("/", parts.path)).rstrip("/")
        if path_page_number(url) == 1:
            path = _PAGE_TAIL.sub("", path)
        if not parts.query:
            return host + path
        query = urlencode(self.identity(url))
        return f"{host}{path}?{query}" if query else host + path

    def listing_url(self, url: str) -> str:
        """The first page of the listing that this URL is some page of."""
        parts = urlsplit(url)
        if path_page_number(url) is not None:
            parts = parts._replace(path=_PAGE_TAIL.sub("", parts.path) or "/")
        pairs = query_pairs(url)
        kept = [(name, value) for name, value in pairs if self.role(url, name, value) != "page"]
        return (
            url
            if len(kept) == len(pairs) and parts.path == urlsplit(url).path
            else parts._replace(query=urlencode(kept)).geturl()
        )

    def listing_key(self, url: str) -> str:
        """The key of the listing that this URL is some page of."""
        return self.key(self.listing_url(url))

    def stripped(self, url: str) -> str:
        """The URL without the parameters that only change how the page looks, in the site's own order."""
        parts = urlsplit(url)
        if not parts.query:
            return url
        kept = [(n, v) for n, v in query_pairs(url) if v and self.role(url, n, v) not in _DROPPED]
        base = f"{parts.scheme}://{parts.netloc}{parts.path}"
        if len(kept) == len(parts.query.split("&")):
            return url
        return f"{base}?{urlencode(kept)}" if kept else base

    def observe_page(self, url: str, canonical: str | None, content: Content) -> None:
        """Learn from a fetched page: its canonical link, and its content against that of its variants."""
        pairs = query_pairs(url)[:12]
        if not pairs:
            self._remember(url, ("", content))
            return
        if canonical and urlsplit(canonical).path == urlsplit(url).path:
            named = {name for name, _ in query_pairs(canonical)}
            for name, _ in pairs:
                self._count(name in named, _place(url), name)
        for name, value in pairs:
            rest = urlencode([pair for pair in pairs if pair[0] != name])
            base = urlsplit(url)._replace(query=rest).geturl()
            other = self._contents.get(base) or self._contents.get(base + "#" + name)
            if other and other[1] and content and other[0] != value:
                self._count(not similar(other[1], content), _place(url), name)
            self._remember(base + "#" + name, (value, content))
        self._remember(url, ("", content))

    def _remember(self, place: str, content: tuple[str, Content]) -> None:
        if len(self._contents) < _MAX_REMEMBERED:
            self._contents.setdefault(place, content)

    def _count(self, identifies: bool, place: str, name: str) -> None:
        counts = self._different if identifies else self._same
        counts[place, name] = counts.get((place, name), 0) + 1

    def observe_link(self, page_url: str, link_url: str) -> None:
        """Learn from a link whether a parameter is added to the page it stands on (a filter) or leads elsewhere."""
        query = urlsplit(link_url).query
        if not query:
            return
        place = _place(link_url)
        same_path = urlsplit(page_url).path == urlsplit(link_url).path not in ("", "/")
        present = {name for name, _ in query_pairs(page_url)}
        for name, _ in query_pairs(link_url):
            for where in (place, "*"):
                counts = self._modifiers.setdefault((where, name), [0, 0])
                counts[0 if same_path and name not in present else 1] += 1


def _narrows(url: str, name: str) -> bool:
    """Whether a parameter that names listings may merely narrow the one that the path names already."""
    tokens = path_tokens(url)
    return _CONTEXT.fullmatch(name) is not None and bool(tokens) and not _SCRIPT.fullmatch(tokens[-1])


def similar(one: Content, other: Content) -> bool:
    """Whether two pages carry the same heading and nearly the same text."""
    if not one or not other or one[0] != other[0]:
        return False
    first, second = set(one[1:]), set(other[1:])
    return len(first & second) >= 0.9 * max(len(first), len(second))


@lru_cache(maxsize=4_096)
def _place(url: str) -> str:
    return "/".join(segment_shape(token) for token in path_tokens(url))


def without_index(url: str) -> str:
    """The URL up to its query, without the name of a directory's index file."""
    return _INDEX_FILE.sub("/", url.partition("?")[0])


def template_of(url: str, model: ParameterModel) -> str:
    """The route a URL seems to be made by: a generalised path and identifying parameters, routing ones with values."""
    tokens = path_tokens(_WITHIN_COLLECTION.sub(r"\1", without_index(url)))
    shapes = []
    for position, token in enumerate(tokens):
        shape = segment_shape(token)
        if _SCRIPT.fullmatch(token):
            shape = token
        elif shape.startswith(("{slug}", "{id}")):
            shape = "{s}" + shape.partition("}")[2]
        elif shape == token and position == len(tokens) - 1:
            stem, dot, extension = token.rpartition(".")
            shape = "{s}." + extension if dot and stem else "{s}"
        shapes.append(shape)
    query = []
    if urlsplit(url).query:
        for name, value in model.identity(url):
            query.append(f"{name}={value}" if parameter_role(name, value) == "route" else name)
    return "/" + "/".join(shapes) + ("?" + "&".join(query) if query else "")


def is_item(name: str) -> bool:
    """Whether a parameter of this name usually identifies a thing."""
    return _ITEM.fullmatch(name) is not None


def is_context(name: str) -> bool:
    """Whether a parameter of this name usually identifies a listing."""
    return _CONTEXT.fullmatch(name) is not None


def is_trap(url: str) -> bool:
    """Whether the URL has the form of an endless space: too deep, repeating itself, or with too many parameters."""
    tokens = path_tokens(url)
    if len(tokens) > 12 or len(url) > 600:
        return True
    if len(tokens) > 3:
        counts = [tokens.count(token) for token in tokens]
        if max(counts) >= 3:
            return True
        pairs = list(pairwise(tokens))
        if len(set(pairs)) < len(pairs):
            return True
    names = [name for name, _ in query_pairs(url)]
    return len(names) > 8 or any(names.count(name) > 3 for name in names)


_DATE_TAIL: Final = re.compile(r"(?:^|/)(?:19|20)\d\d(?:[/-]\d{1,2}){0,2}$")


def is_calendar(url: str) -> bool:
    """Whether the URL names a span of time and not a thing: `/2026/05/`, `?month=2026-05`."""
    if _DATE_TAIL.search("/".join(path_tokens(url))):
        return True
    return any(parameter_role(name, value) == "calendar" for name, value in query_pairs(url))
