"""Page types: pages that share a URL route, a DOM template and a kind."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from webintel.engine.discover.facts import PageFacts
from webintel.engine.discover.params import ParameterModel, template_of
from webintel.engine.discover.patterns import (
    host_pattern,
    literal_pattern,
    paging_suffix,
    path_pattern,
    query_pattern,
)
from webintel.engine.model import PageKind, PageType
from webintel.engine.urls import same_site

_NAMES: Final[dict[PageKind, str]] = {"collection": "listing", "product": "detail"}
_KIND_ORDER: Final[tuple[PageKind, ...]] = (
    "home",
    "product",
    "collection",
    "listing",
    "article",
    "documentation",
    "forum",
    "service",
    "search",
    "login",
    "other",
)
_SAME_TEMPLATE: Final = 0.5
_MAX_TYPES_PER_KIND: Final = 3
_MAX_EXAMPLES: Final = 5
_MAX_URLS_PER_ROUTE: Final = 400


class _Cell:
    """Pages of one route and kind."""

    def __init__(self, kind: PageKind, template: str, pages: list[PageFacts]) -> None:
        self.kind = kind
        self.template = template
        self.pages = pages
        self.urls: list[str] = []
        self.paging = ""
        self.query = ""
        self.core = ""
        self.literal = False


class _Type(msgspec.Struct):
    kind: PageKind
    cells: list[_Cell]
    signature: frozenset[int]


def cluster_pages(facts: Sequence[PageFacts], known_urls: Sequence[str], model: ParameterModel) -> list[PageType]:
    """Sort pages into types.

    Args:
        facts: the pages fetched, the start page first.
        known_urls: all pages known, fetched or not; each type counts its own among them.
        model: which parameters identify a page.
    """
    if not facts:
        return []
    cells = _cells(facts, model)
    _give_cores(cells, known_urls, model, facts[0].url)
    types = _types(cells)
    for kind_type in types:
        kind_type.cells = _merged(kind_type.cells, cells)
    merged = [cell for kind_type in types for cell in kind_type.cells]
    built = [_page_type(kind_type, merged, known_urls) for kind_type in types]
    built.sort(key=lambda page_type: (_KIND_ORDER.index(page_type.kind), -page_type.page_count, page_type.url_pattern))
    counts: Counter[str] = Counter()
    named = []
    for page_type in built:
        name = _NAMES.get(page_type.kind, page_type.kind)
        counts[name] += 1
        unique = name if counts[name] == 1 else f"{name}_{counts[name]}"
        named.append(msgspec.structs.replace(page_type, name=unique))
    return named


def _cells(facts: Sequence[PageFacts], model: ParameterModel) -> list[_Cell]:
    routes: dict[str, list[PageFacts]] = {}
    for page in facts:
        routes.setdefault(template_of(_route_url(page.url, facts[0].url, model), model), []).append(page)
    cells = []
    for template, pages in routes.items():
        kinds: dict[PageKind, list[PageFacts]] = {}
        for page, kind in zip(pages, _smoothed(pages), strict=True):
            kinds.setdefault("home" if page is facts[0] else kind, []).append(page)
        cells += [_Cell(kind, template, of_kind) for kind, of_kind in kinds.items()]
    return cells


def _route_url(url: str, home: str, model: ParameterModel) -> str:
    """The first page of a listing stands for the others, except the home page, which is a type of its own."""
    first = model.listing_url(url)
    return url if model.key(first) == model.key(home) else first


def _smoothed(pages: Sequence[PageFacts]) -> list[PageKind]:
    """Kinds of the pages of one route; a stray among look-alikes is one of them."""
    weights: Counter[PageKind] = Counter()
    for page in pages:
        weights[page.kind] += 1
    kind, most = min(weights.items(), key=lambda item: (-item[1], _KIND_ORDER.index(item[0])))
    if len(pages) < 4 or most < 0.6 * len(pages):
        return [page.kind for page in pages]
    typical = _typical([page for page in pages if page.kind == kind])
    return [kind if _overlap(page.signature, typical) >= _SAME_TEMPLATE else page.kind for page in pages]


def _typical(pages: Sequence[PageFacts]) -> frozenset[int]:
    counts = Counter(part for page in pages for part in page.signature)
    return frozenset(part for part, count in counts.items() if 2 * count >= len(pages))


def _overlap(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _types(cells: list[_Cell]) -> list[_Type]:
    types: list[_Type] = []
    for cell in sorted(cells, key=lambda cell: (_KIND_ORDER.index(cell.kind), -len(cell.pages), cell.template)):
        signature = _typical(cell.pages)
        same_kind = [one for one in types if one.kind == cell.kind]
        best = max(same_kind, key=lambda one: _overlap(one.signature, signature), default=None)
        alike = best is not None and _overlap(best.signature, signature) >= _SAME_TEMPLATE
        if best is not None and (
            alike or len(same_kind) >= _MAX_TYPES_PER_KIND or cell.kind in ("other", "search", "login")
        ):
            best.cells.append(cell)
        else:
            types.append(_Type(kind=cell.kind, cells=[cell], signature=signature))
    return types


def _give_cores(cells: list[_Cell], known_urls: Sequence[str], model: ParameterModel, home: str) -> None:
    """Give each cell the expression of its path and query, without what sets it apart from others."""
    of_route: dict[str, list[str]] = {}
    routes = {cell.template for cell in cells}
    for url in known_urls:
        first = _route_url(url, home, model)
        template = template_of(first, model)
        if template in routes and len(of_route.setdefault(template, [])) < _MAX_URLS_PER_ROUTE:
            of_route[template].append(first)
    for route in sorted(routes):
        sharing = sorted(
            (cell for cell in cells if cell.template == route),
            key=lambda cell: (cell.kind == "home", -len(cell.pages), _KIND_ORDER.index(cell.kind)),
        )
        for position, cell in enumerate(sharing):
            cell.urls = [_route_url(page.url, home, model) for page in cell.pages]
            # A thing seen under one of its categories has an address of its own as well.
            canonical = [page.canonical for page in cell.pages if page.canonical and same_site(page.canonical, home)]
            cell.urls += [url for url in canonical if template_of(url, model) == route]
            cell.literal = position > 0 or cell.kind == "home" or route == "/"
            cell.paging = paging_suffix(page.next_page or page.url for page in cell.pages)
            if cell.literal:
                cell.core = literal_pattern(cell.urls)
            else:
                cell.urls += of_route.get(route, [])
                cell.query = query_pattern(cell.urls, model)
                cell.core = path_pattern(cell.urls) + cell.paging + cell.query


def _merged(own: list[_Cell], cells: list[_Cell]) -> list[_Cell]:
    """Join routes of one type and length, unless the joint expression catches pages of other types."""
    groups: dict[tuple[object, ...], list[_Cell]] = {}
    for cell in own:
        place = ("", cell.core) if cell.literal else (cell.template.count("/"), cell.query, cell.paging)
        groups.setdefault(place, []).append(cell)
    merged = []
    for group in groups.values():
        joint = _Cell(group[0].kind, group[0].template, [page for cell in group for page in cell.pages])
        joint.urls = [url for cell in group for url in cell.urls]
        joint.query, joint.paging = group[0].query, group[0].paging
        joint.core = group[0].core if len(group) == 1 else path_pattern(joint.urls) + joint.paging + joint.query
        joint.literal = group[0].literal
        others = [cell for cell in cells if cell.kind != joint.kind and not cell.literal]
        merged += group if len(group) > 1 and _catches(joint, others) else [joint]
    return merged


def _catches(cell: _Cell, others: list[_Cell]) -> bool:
    expression = re.compile(f"^{host_pattern(cell.urls)}{cell.core}$")
    return any(expression.match(page.url) for other in others for page in other.pages)


def _page_type(kind_type: _Type, cells: list[_Cell], known_urls: Sequence[str]) -> PageType:
    pages = [page for cell in kind_type.cells for page in cell.pages]
    host = host_pattern([page.url for page in pages])
    alternatives = [_guarded(cell, cells, host) for cell in kind_type.cells]
    body = alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"
    pattern = f"^{host}{body}(?:#.*)?$"
    compiled = re.compile(pattern)
    matched = sum(1 for url in known_urls if compiled.match(url))
    agreeing = sum(1 for page in pages if page.kind == kind_type.kind)
    confidence = sum(page.confidence for page in pages) / len(pages) * (0.5 + 0.5 * agreeing / len(pages))
    return PageType(
        name="",
        kind=kind_type.kind,
        url_pattern=pattern,
        example_urls=[page.url for page in pages[:_MAX_EXAMPLES]],
        page_count=max(matched, len(pages)),
        confidence=round(min(confidence, 1.0), 3),
    )


def _guarded(cell: _Cell, cells: list[_Cell], host: str) -> str:
    """The cell's expression, with what belongs to more exact cells of other kinds ruled out."""
    own = re.compile(f"^{host}{cell.core}$")
    excluded = []
    for other in cells:
        if other.kind == cell.kind or other is cell or _exactness(other) <= _exactness(cell):
            continue
        if any(own.match(page.url) for page in other.pages):
            excluded.append(other.core)
    guards = "".join(f"(?!{core}$)" for core in sorted(set(excluded)))
    return guards + cell.core


def _exactness(cell: _Cell) -> tuple[bool, int, int]:
    plain = cell.core if cell.literal else cell.core.removesuffix(cell.paging + cell.query)
    return (cell.literal, cell.core.count("(?="), len(re.sub(r"\[[^\]]*\]\+|\\d\+", "", plain)))
