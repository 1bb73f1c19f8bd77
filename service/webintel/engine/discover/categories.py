"""The category tree: what menus, trails, listings and URLs agree on."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec

from webintel.engine.discover import words
from webintel.engine.discover.facts import PageFacts
from webintel.engine.discover.outlook import role_of
from webintel.engine.discover.params import (
    ParameterModel,
    is_calendar,
    is_context,
    is_trap,
    path_page_number,
    similar,
    template_of,
    without_index,
)
from webintel.engine.model import Category
from webintel.engine.page import collapse
from webintel.engine.urls import is_asset, path_tokens, query_pairs, same_site

_MAX_CATEGORIES: Final = 2_000
_EMPTY_NAMES: Final = re.compile(
    r"(?:view|shop|see|browse|show|explore|read|learn|discover)(?: (?:all|now|more|here|the range|collection))?"
    r"|all(?: products)?|more|here|home|next|previous|prev|[\d\s<>\u00ab\u00bb\u2039\u203a.\u2026]*",
    re.IGNORECASE,
)
_NAME_EDGES: Final = re.compile(
    r"^[\s\-\u2013\u2014>\u00bb\u203a\u00b7\u2022|:]+|[\s\-\u2013\u2014>\u00bb\u203a\u00b7\u2022|:+]+$"
)
_COUNT: Final = re.compile(r"\s*[(\[]\s*\d+(?: \w+)?\s*[)\]]$")
_LEADING_VERB: Final = re.compile(r"^(?:shop|browse|view|see) (?:all )?(?=\S)", re.IGNORECASE)
_WHOLE_RANGE: Final = re.compile(
    r"all(?:-products)?|everything|(?:\d+-)?home|shop-all|frontpage|index|shop|store|catalog(?:ue)?", re.IGNORECASE
)


class _Evidence:
    """What speaks for one URL being a category."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.menu_name = ""
        self.crumb_name = ""
        self.link_name = ""
        self.menu_parent: str | None = None
        self.menu_children = 0
        self.crumb_parents: Counter[str] = Counter()
        self.listed_under: Counter[str] = Counter()
        self.in_menu = False
        self.in_main = False
        self.mapped = False
        self.page: PageFacts | None = None
        self.details: Counter[str] = Counter()
        self.confidence = 0.0


class _Site(msgspec.Struct, frozen=True):
    start_url: str
    home_key: str
    sells: bool
    documents: bool
    tags: bool
    """Whether its tags are all the categories it has."""


def build_categories(
    facts: Sequence[PageFacts], model: ParameterModel, sitemap_hints: Mapping[str, str] | None = None
) -> list[Category]:
    """Make the category tree, parents before children.

    Args:
        facts: the pages fetched, the start page first.
        model: which parameters identify a page.
        sitemap_hints: the URLs of sitemaps with what their files are called.
    """
    if not facts:
        return []
    kinds = Counter(page.kind for page in facts)
    sells = kinds["product"] > 0 or kinds["collection"] > 2
    documents = not sells and kinds["documentation"] > 0.4 * len(facts)
    tags = not sells and not any(words.names_any(words.CATEGORY, page.url) for page in facts)
    site = _Site(facts[0].url, model.key(facts[0].url), sells, documents, tags)
    evidence = _Gathering(facts, model, site).gather(sitemap_hints or {})
    accepted = _accepted(evidence, model, site)
    return _tree(accepted, _parents(accepted, model))


class _Gathering:
    """Walks over all that is known of a site and collects evidence by listing."""

    def __init__(self, facts: Sequence[PageFacts], model: ParameterModel, site: _Site) -> None:
        self._facts = facts
        self._model = model
        self._site = site
        self._keys: dict[str, str] = {}
        self._details: dict[str, bool] = {}
        self._detail_templates = {template_of(page.url, model) for page in facts if role_of(page.kind) == "detail"}
        self._excluded: set[str] = set()
        self._found: dict[str, _Evidence] = {}

    def gather(self, hints: Mapping[str, str]) -> dict[str, _Evidence]:
        self._exclude()
        for page in self._facts:
            self._own_page(page)
        for position, page in enumerate(self._facts):
            self._menu(page)
            self._trail(page)
            self._links(page, home=position == 0)
        for url, hint in hints.items():
            if hint == "category" and (one := self._about(url)) is not None:
                one.mapped = True
        self._drop_side_menus()
        return self._found

    def _exclude(self) -> None:
        """Leave out what repeats the home page, and in a shop what any link calls a page about the shop."""
        for page in self._facts[1:]:
            if similar(page.content, self._facts[0].content):
                self._excluded.add(self._key(page.url))
        for page in self._facts if self._site.sells else ():
            for link in page.links:
                if words.says(words.INFORMATION, link.text) or words.says(words.MINOR, link.text):
                    self._excluded.add(self._key(link.url))

    def _drop_side_menus(self) -> None:
        """What most listings link to hangs in a menu, whatever the page calls it, and not under any of them."""
        listings = sum(role_of(page.kind) == "category" for page in self._facts)
        for one in self._found.values():
            if len(one.listed_under) > max(2, listings // 2):
                one.listed_under.clear()

    def _key(self, url: str) -> str:
        key = self._keys.get(url)
        if key is None:
            key = self._keys[url] = self._model.listing_key(url)
        return key

    def _about(self, url: str) -> _Evidence | None:
        key = self._key(url)
        one = self._found.get(key)
        if one is not None or key in self._excluded:
            return one
        site = self._site
        if key == site.home_key or not same_site(url, site.start_url) or _is_excluded(url, self._model, site):
            self._excluded.add(key)
            return None
        one = self._found[key] = _Evidence(self._model.stripped(url))
        return one

    def _own_page(self, page: PageFacts) -> None:
        one = self._about(page.url)
        if one is None:
            return
        is_first_page = self._model.key(page.url) == self._key(page.url)
        if one.page is None or is_first_page:
            one.page = page
            if is_first_page:
                one.url = self._model.stripped(page.url)

    def _menu(self, page: PageFacts) -> None:
        for link in page.menu:
            name = _clean(link.text)
            one = self._about(link.url)
            if one is None or words.is_personal(link.url, link.text) or _is_switch(name):
                continue
            one.in_menu = True
            one.menu_name = one.menu_name or name
            if one.menu_parent is None and link.parent is not None:
                above = self._about(link.parent)
                if above is not None:
                    above.menu_children += 1
                    one.menu_parent = self._key(link.parent)

    def _trail(self, page: PageFacts) -> None:
        above: str | None = None
        for name, url in [(crumb.name, crumb.url or page.url) for crumb in page.crumbs]:
            key = self._key(url)
            if role_of(page.kind) != "category" and key == self._key(page.url):
                break
            one = self._about(url)
            if one is None:
                continue
            one.crumb_name = one.crumb_name or _clean(name)
            if above is not None and above != key:
                one.crumb_parents[above] += 1
            above = key
            if role_of(page.kind) == "detail":
                one.details[page.url] += 2

    def _links(self, page: PageFacts, *, home: bool) -> None:
        listing = role_of(page.kind) == "category"
        own_key = self._key(page.url)
        own = self._about(page.url) if listing else None
        for link in page.links:
            key = self._key(link.url)
            if key == own_key:
                continue
            if own is not None and link.region == "main" and len(own.details) < 200 and self._is_detail(link.url):
                own.details[link.url] += 1
            one = self._about(link.url)
            name = _clean(link.text)
            if one is None or words.is_personal(link.url, link.text) or _is_switch(name):
                continue
            if link.region in ("nav", "header", "aside"):
                one.in_menu = one.in_menu or home or listing
                one.menu_name = one.menu_name or name
            elif link.region == "main" and (listing or home):
                one.in_main = True
                one.link_name = one.link_name or name
                one.listed_under[own_key] += listing

    def _is_detail(self, url: str) -> bool:
        known = self._details.get(url)
        if known is None:
            known = self._details[url] = template_of(url, self._model) in self._detail_templates
        return known


def _is_excluded(url: str, model: ParameterModel, site: _Site) -> bool:
    if is_asset(url) or is_trap(url) or is_calendar(url) or words.is_personal(url) or words.is_information(url):
        return True
    tokens = path_tokens(without_index(url))
    names = [name.lower() for name, _ in model.identity(url)] if "?" in url else []
    if site.sells and (words.names_any(words.BLOG, url) or words.names_any(words.BRAND, url)):
        return True
    minor = words.names_any(words.MINOR, url) and not words.names_any(words.SALE, url)
    if minor and site.tags and words.names_any(words.TAG, url):
        return False
    if minor or any(words.BRAND.fullmatch(name) for name in names) or not (tokens or names):
        return True
    if len(tokens) == 1 and words.LANGUAGE.fullmatch(tokens[0]) and site.sells and not names:
        return len(tokens[0]) == 2 or "-" in tokens[0] or "_" in tokens[0]
    last = tokens[-1].rsplit(".", 1)[0] if tokens else ""
    is_index = words.CATEGORY.fullmatch(last) or words.DETAIL.fullmatch(last) or _WHOLE_RANGE.fullmatch(last)
    return bool(is_index) and not names


def _is_switch(name: str) -> bool:
    return words.LANGUAGE_NAME.fullmatch(name) is not None


def _accepted(evidence: dict[str, _Evidence], model: ParameterModel, site: _Site) -> dict[str, _Evidence]:
    """The URLs that are categories: confirmed by their page, or made like those that are."""
    templates = {key: template_of(one.url, model) for key, one in evidence.items()}
    seen: Counter[str] = Counter()
    good: Counter[str] = Counter()
    for key, one in evidence.items():
        if one.page is not None:
            seen[templates[key]] += 1
            good[templates[key]] += _is_listing(one, site)
    accepted: dict[str, _Evidence] = {}
    for key, one in evidence.items():
        if path_page_number(one.url) is not None:
            # A later page of a listing whose first page was never seen.
            continue
        count = seen[templates[key]]
        one.confidence = _confidence(one, good[templates[key]] / count if count else 0.0, count, site)
        if one.confidence >= 0.5 and len(accepted) < _MAX_CATEGORIES:
            accepted[key] = one
    return _with_hubs(evidence, accepted, model)


def _with_hubs(
    evidence: dict[str, _Evidence], accepted: dict[str, _Evidence], model: ParameterModel
) -> dict[str, _Evidence]:
    """Add what stands above several categories: it often shows nothing but them, and so looks like no listing."""
    children: Counter[str] = Counter()
    for one in accepted.values():
        children.update(dict.fromkeys(_parent_candidates(one, model), 1))
    hubs = set()
    for key, one in evidence.items():
        plain = one.page is None or "Product" not in one.page.declares
        placed = one.menu_children >= 2 or one.crumb_name or _is_plain(one)
        if key not in accepted and plain and placed and children[key] >= 2:
            one.confidence = 0.6 + 0.1 * one.in_menu + 0.1 * bool(one.crumb_name)
            hubs.add(key)
    return {key: one for key, one in evidence.items() if key in accepted or key in hubs}


def _is_plain(one: _Evidence) -> bool:
    return one.in_menu and (one.page is None or one.page.kind in ("other", "collection", "listing"))


def _is_listing(one: _Evidence, site: _Site) -> bool:
    if one.page is None:
        return False
    if site.documents and one.page.kind == "documentation":
        return one.menu_children > 0
    return role_of(one.page.kind) == "category"


def _confidence(one: _Evidence, share: float, seen: int, site: _Site) -> float:
    """How likely this is a category; `share` of the `seen` pages made like it are."""
    linked = 0.1 * one.in_menu + 0.1 * bool(one.crumb_name) + 0.05 * one.in_main + 0.1 * one.mapped
    if one.page is None:
        alike = share >= 0.7 and seen >= 2 and linked > 0
        # The trail of a thing leads through its categories, whatever their addresses look like.
        trailed = bool(one.crumb_name) and (share >= 0.5 or not seen)
        return min(0.45 + linked, 0.75) if alike or trailed else 0.0
    if _is_listing(one, site):
        # In a shop, what lists other things than goods must at least look like the categories that do not.
        odd = site.sells and one.page.kind == "listing" and share < 0.5
        return min((0.45 if odd else 0.7) + linked, 0.98)
    # An empty category looks like nothing; its address and the trails of its former goods still tell.
    return min(0.4 + linked, 0.7) if share >= 0.7 and seen >= 3 and one.crumb_name else 0.0


def _parents(accepted: dict[str, _Evidence], model: ParameterModel) -> dict[str, str]:
    """Each category's parent, by the most telling evidence that names an accepted category."""
    parents: dict[str, str] = {}
    for key, one in accepted.items():
        for parent in _parent_candidates(one, model):
            if parent in accepted and parent != key and not _would_loop(key, parent, parents):
                parents[key] = parent
                break
    return parents


def _parent_candidates(one: _Evidence, model: ParameterModel) -> Iterable[str]:
    yield from (parent for parent, _ in sorted(one.crumb_parents.items(), key=lambda item: (-item[1], item[0])))
    if one.menu_parent is not None:
        yield one.menu_parent
    yield from _nesting(one.url, model)
    if not one.in_menu and not one.crumb_parents:
        yield from (parent for parent, _ in sorted(one.listed_under.items(), key=lambda item: (-item[1], item[0])))


def _nesting(url: str, model: ParameterModel) -> Iterable[str]:
    """What the URL itself says stands above it: `/a/` above `/a/b/`, `cPath=1` above `cPath=1_2`."""
    parts = urlsplit(url)
    for name, value in query_pairs(url):
        above, _, _ = value.rpartition("_")
        if is_context(name) and above:
            yield model.listing_key(url.replace(f"{name}={value}", f"{name}={above}"))
    segments = parts.path.strip("/").split("/")
    extension = re.search(r"\.\w{2,5}$", segments[-1])
    for length in range(len(segments) - 1, 0, -1):
        path = "/" + "/".join(segments[:length])
        yield model.listing_key(parts._replace(path=path, query="").geturl())
        if extension:
            yield model.listing_key(parts._replace(path=path + extension[0], query="").geturl())


def _would_loop(key: str, parent: str, parents: dict[str, str]) -> bool:
    step: str | None = parent
    while step is not None:
        if step == key:
            return True
        step = parents.get(step)
    return False


def _tree(accepted: dict[str, _Evidence], parents: dict[str, str]) -> list[Category]:
    depths: dict[str, int] = {}
    for key in accepted:
        depth, step = 0, key
        while step in parents:
            step = parents[step]
            depth += 1
        depths[key] = depth
    children: dict[str | None, list[str]] = {}
    for key in accepted:
        children.setdefault(parents.get(key), []).append(key)
    ordered: list[str] = []
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        key = waiting.pop()
        ordered.append(key)
        waiting += reversed(children.get(key, []))
    return [_category(key, accepted, parents, depths[key]) for key in ordered]


def _category(key: str, accepted: dict[str, _Evidence], parents: dict[str, str], depth: int) -> Category:
    one = accepted[key]
    parent = parents.get(key)
    slug = _slug(one.url)
    page = one.page
    heading = _clean(page.heading) if page is not None else ""
    names = (one.menu_name, one.crumb_name, heading, one.link_name)
    name = next((name for name in names if name and not _EMPTY_NAMES.fullmatch(name)), "")
    return Category(
        id=_id(one.url),
        name=name or collapse(re.sub(r"[-_+]+", " ", slug)).title() or one.url,
        slug=slug,
        url=one.url,
        parent_id=_id(accepted[parent].url) if parent is not None else None,
        depth=depth,
        example_url=_example(one, accepted),
        confidence=round(one.confidence, 3),
    )


def _id(url: str) -> str:
    return str(uuid5(NAMESPACE_URL, url))


def _slug(url: str) -> str:
    tokens = path_tokens(without_index(url))
    if "?" in url:
        values = [value for name, value in query_pairs(url) if is_context(name) and value]
        if values:
            return re.sub(r"[^\w-]+", "-", values[0]).strip("-")
    last = tokens[-1] if tokens else ""
    return re.sub(r"\.\w{2,5}$", "", last).lower()


def _example(one: _Evidence, accepted: dict[str, _Evidence]) -> str | None:
    known = {other.url for other in accepted.values()}
    best = sorted(one.details.items(), key=lambda item: -item[1])
    return next((url for url, _ in best if url not in known and not path_page_number(url)), None)


def _clean(text: str) -> str:
    text = _COUNT.sub("", collapse(text))
    text = _NAME_EDGES.sub("", _COUNT.sub("", _NAME_EDGES.sub("", text)))
    return _LEADING_VERB.sub("", text)[:80]
