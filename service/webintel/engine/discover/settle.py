"""What kind each page is, judged by the whole site: one page may deceive, its look-alikes and its links rarely do."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from webintel.engine.discover import words
from webintel.engine.discover.facts import PageFacts
from webintel.engine.discover.outlook import named_role, role_of
from webintel.engine.discover.params import ParameterModel, is_action, is_context, is_item, template_of
from webintel.engine.model import PageKind
from webintel.engine.urls import query_pairs

_ALIKE: Final = 0.6
_TWINS: Final = 0.7
_ENOUGH_ITEMS: Final = 4
_DETAIL_KINDS: Final[tuple[PageKind, ...]] = ("product", "article", "documentation", "forum", "service")
_DECLARED: Final[dict[str, PageKind]] = {
    "Product": "product",
    "ProductGroup": "product",
    "Article": "article",
    "BlogPosting": "article",
    "NewsArticle": "article",
    "Recipe": "article",
    "DiscussionForumPosting": "forum",
    "QAPage": "forum",
    "TechArticle": "documentation",
    "APIReference": "documentation",
    "CollectionPage": "collection",
}


class _Group:
    """Pages that look alike under addresses that look alike."""

    def __init__(self, shape: str, pages: list[int], signature: frozenset[int]) -> None:
        self.shape = shape
        self.pages = pages
        self.signature = signature
        self.lists: Counter[str] = Counter()


class Settler:
    """Settles kinds again and again as a crawl goes on; remembers the templates of links."""

    def __init__(self, model: ParameterModel) -> None:
        self._model = model
        self._templates: dict[str, str] = {}
        self._fetched: set[str] = set()
        self._keys: dict[str, str] = {}

    def settle(self, facts: Sequence[PageFacts]) -> list[PageFacts]:
        """The same pages with the kinds that the site as a whole suggests; the first one is the home page."""
        if not facts:
            return []
        self._fetched = {self._template(page.url) for page in facts}
        groups = self._groups(facts)
        sizes = self._sizes(facts)
        listed = [self._lists(page, sizes) for page in facts]
        is_listed = {template for template in listed if template}
        kinds: list[PageKind] = [page.kind for page in facts]
        roles: dict[int, str] = {}
        for group in groups:
            group.lists = Counter(template for at in group.pages if (template := listed[at]))
            role = self._role(group, facts, is_listed)
            for at in group.pages:
                roles[at] = role
                kinds[at] = self._detail_kind(group, facts) if role == "detail" else facts[at].kind
                if role == "information" and role_of(kinds[at]) == "category":
                    kinds[at] = "other"
        sold = {self._template(facts[at].url) for at in roles if kinds[at] == "product" and roles[at] == "detail"}
        for group in groups:
            if roles[group.pages[0]] == "category":
                kind = self._listing_kind(group, facts, sold)
                for at in group.pages:
                    kinds[at] = kind
        kinds[0] = "home"
        return [msgspec.structs.replace(page, kind=kind) for page, kind in zip(facts, kinds, strict=True)]

    def _template(self, url: str) -> str:
        known = self._templates.get(url)
        if known is None:
            known = self._templates[url] = template_of(self._model.listing_url(url), self._model)
        return known

    def _groups(self, facts: Sequence[PageFacts]) -> list[_Group]:
        routes: dict[str, list[_Group]] = {}
        for at, page in enumerate(facts[1:], 1):
            shape = self._template(page.url)
            groups = routes.setdefault(shape, [])
            best = max(groups, key=lambda group: overlap(group.signature, page.signature), default=None)
            if best is not None and overlap(best.signature, page.signature) >= _ALIKE:
                best.pages.append(at)
            else:
                groups.append(_Group(shape, [at], page.signature))
        merged: list[_Group] = []
        for group in (group for groups in routes.values() for group in groups):
            twin = next((other for other in merged if self._are_twins(other, group, facts)), None)
            if twin is None:
                merged.append(group)
            else:
                twin.pages += group.pages
        return merged

    def _are_twins(self, one: _Group, other: _Group, facts: Sequence[PageFacts]) -> bool:
        """Whether two routes differ in words only, in words that do not contradict, and their pages look alike."""
        if _loose(one.shape) != _loose(other.shape) or overlap(one.signature, other.signature) < _TWINS:
            return False
        named = {named_role(facts[group.pages[0]].url, self._model) for group in (one, other)} - {None}
        return len(named) < 2

    def _sizes(self, facts: Sequence[PageFacts]) -> Counter[str]:
        """How many pages of each template are known from the pages fetched."""
        urls = {link.url for page in facts for link in page.links} | {page.url for page in facts}
        keys: dict[str, str] = {}
        for url in sorted(urls):
            keys.setdefault(self._key(url), url)
        return Counter(self._template(url) for url in keys.values())

    def _key(self, url: str) -> str:
        known = self._keys.get(url)
        if known is None:
            known = self._keys[url] = self._model.listing_key(url)
        return known

    def _lists(self, page: PageFacts, sizes: Counter[str]) -> str | None:
        """The template that a page lists items of, if it does: several, of a template larger than its own."""
        own = self._template(page.url)
        links = [link.url for link in page.links if link.region == "main" and _may_be_item(link.url)]
        counts = Counter(self._template(url) for url in {self._key(url): url for url in links}.values())
        del counts[own]
        most = max(counts.values(), default=0)
        near = [template for template in counts if counts[template] >= 0.8 * most]
        # Buttons beside every item lead nowhere that was worth a fetch.
        best = min(near, key=lambda name: (name not in self._fetched, -counts[name], name), default=None)
        if best is None or counts[best] < _ENOUGH_ITEMS or sizes[best] < sizes[own]:
            return None
        return best

    def _role(self, group: _Group, facts: Sequence[PageFacts], is_listed: set[str]) -> str:
        """Category, detail or neither, by the sum of what speaks for each."""
        pages = [facts[at] for at in group.pages]
        count = len(pages)
        scores = {"category": 0.0, "detail": 0.0, "information": 0.0}
        for page in pages:
            scores[role_of(page.kind)] += page.confidence / count
            scores[self._address_role(page.url)] += self._address_weight(page.url) / count
            scores["information"] += words.is_information(page.url) / count
            for name in page.declares:
                if name in _DECLARED:
                    scores[role_of(_DECLARED[name])] += 0.8 / count
            if page.next_page and self._model.listing_key(page.next_page) == self._model.listing_key(page.url):
                scores["category"] += 1.2 / count
        scores["category"] += 0.8 * group.lists.total() / count
        own = {self._template(page.url) for page in pages}
        if own & is_listed and 2 * group.lists.total() < count:
            scores["detail"] += 0.7
        return max(scores, key=lambda role: scores[role])

    def _address_role(self, url: str) -> str:
        named = named_role(url, self._model)
        return named if named in ("category", "detail") else "information"

    def _address_weight(self, url: str) -> float:
        if named_role(url, self._model) is None:
            return 0.0
        names = [name for name, _ in query_pairs(url)]
        return 1.0 if any(is_item(name) or is_context(name) for name in names) else 0.3

    def _detail_kind(self, group: _Group, facts: Sequence[PageFacts]) -> PageKind:
        weights: dict[PageKind, float] = dict.fromkeys(_DETAIL_KINDS, 0.0)
        sells = False
        for at in group.pages:
            page = facts[at]
            if role_of(page.kind) == "detail":
                weights[page.kind] += page.confidence
            sells = (
                sells
                or page.kind == "collection"
                or any("product" in name.lower() for name, _ in query_pairs(page.url))
            )
            for name in page.declares:
                if name in _DECLARED and role_of(_DECLARED[name]) == "detail":
                    # Nearly everything may call itself an article.
                    weights[_DECLARED[name]] += 0.2 if name == "Article" else 1.0
        if not any(weights.values()):
            return "product" if sells else "article"
        return min(weights, key=lambda kind: (-weights[kind], kind))

    def _listing_kind(self, group: _Group, facts: Sequence[PageFacts], sold: set[str]) -> PageKind:
        if group.lists:
            target = min(group.lists, key=lambda template: (-group.lists[template], template))
            return "collection" if target in sold else "listing"
        weights: dict[PageKind, float] = {"collection": 0.0, "listing": 0.0}
        for at in group.pages:
            if role_of(facts[at].kind) == "category":
                weights[facts[at].kind] += facts[at].confidence
        named = sold and weights["listing"] <= weights["collection"]
        return "collection" if named or weights["collection"] > weights["listing"] else "listing"


def _may_be_item(url: str) -> bool:
    return not (is_action(url) or words.is_personal(url) or words.names_any(words.MINOR, url))


def _loose(shape: str) -> str:
    path, _, query = shape.partition("?")
    return "/".join(part if "{" in part or "." in part or not part else "{s}" for part in path.split("/")) + "?" + query


def overlap(one: frozenset[int], other: frozenset[int]) -> float:
    """How much two signatures share, 0 to 1."""
    return len(one & other) / max(len(one | other), 1)
