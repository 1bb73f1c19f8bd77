"""Which page to fetch next, so that few fetches show the whole site and no trap swallows them."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from math import gcd
from typing import Final, cast

import msgspec

from webintel.engine.discover import words
from webintel.engine.discover.facts import LinkFact, PageFacts
from webintel.engine.discover.outlook import Bucket, Outlook, Role, is_minor, role_of
from webintel.engine.discover.params import (
    Content,
    ParameterModel,
    is_action,
    is_trap,
    path_page_number,
    query_page_number,
    similar,
    template_of,
)
from webintel.engine.discover.plan import CrawlPlan
from webintel.engine.discover.settle import Settler
from webintel.engine.urls import is_asset, same_site

# Shares of the fetches while there is work of every role.
_WEIGHTS: Final[dict[Role, float]] = {"category": 3.0, "paging": 2.0, "unknown": 1.5, "information": 0.4}
_BUCKET_RANK: Final[dict[str, int]] = {
    "nav": 0, "paging": 0, "crumb": 1, "item": 2, "aside": 2, "feature": 3, "map:category": 3, "map:product": 4,
}  # fmt: skip
_LAST_RANK: Final = 5
_RECONSIDER: Final = frozenset({4, 8, 12, 16, 24, 32})
_RECONSIDER_EVERY: Final = 20
_MAX_SKIPPED: Final = 300
_CONTENTS_PER_TEMPLATE: Final = 30


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A page worth fetching."""

    url: str
    key: str
    template: str
    bucket: Bucket
    parent: str
    role: Role = "unknown"


class _Group:
    """URLs of one template, found in one kind of place; of listings' items and pages, on one listing."""

    def __init__(self, template: str, bucket: Bucket, parent: str, order: int) -> None:
        self.template = template
        self.bucket = bucket
        self.parent = parent
        self.order = order
        self.urls: deque[tuple[str, str]] = deque()


class _TemplateRecord:
    """How fetching pages of one template went."""

    def __init__(self) -> None:
        self.fetched = 0
        self.failed = 0
        self.duplicates = 0
        self.by_role: Counter[str] = Counter()
        self.contents: list[Content] = []


class Frontier:
    """The queue of a crawl. Everything in it is decided by what was added and recorded, in that order."""

    def __init__(self, home: str, plan: CrawlPlan) -> None:
        self.model = ParameterModel()
        self.settler = Settler(self.model)
        self.known: dict[str, str] = {}
        self.skipped: list[tuple[str, str]] = []
        self._plan = plan
        self._home = home
        self._outlook = Outlook(self.model)
        self._done: set[str] = set()
        self._ranks: dict[str, int] = {}
        self._groups: dict[tuple[str, str, str], _Group] = {}
        self._templates: dict[str, _TemplateRecord] = {}
        self._used: Counter[str] = Counter()
        self._parents: Counter[tuple[str, str]] = Counter()
        self._barren: Counter[str] = Counter()
        self._skips: set[str] = set()
        self._handled: set[tuple[str, str]] = set()
        self._seen: list[tuple[Bucket, PageFacts]] = []

    def add_sitemap(self, urls: Mapping[str, str]) -> None:
        """Add the URLs of sitemaps, each with the hint of its file; templates are sampled evenly over the files."""
        by_hint: dict[str, list[str]] = {}
        for url, hint in urls.items():
            by_hint.setdefault(hint, []).append(url)
        for hint, group in by_hint.items():
            for url in spread(group):
                self._place(url, "", cast("Bucket", f"map:{hint}"), "")

    def record(self, candidate: Candidate, facts: PageFacts) -> int:
        """Learn from a fetched page and add its links.

        Returns:
            How many pages became known by it.
        """
        self.model.observe_page(facts.url, facts.canonical, facts.content)
        own_keys = {candidate.key, self.model.key(facts.url)}
        self._done |= own_keys
        for key in sorted(own_keys):
            self.known.setdefault(key, facts.url)
        record = self._templates.setdefault(candidate.template, _TemplateRecord())
        record.fetched += 1
        if any(similar(content, facts.content) for content in record.contents):
            record.duplicates += 1
        elif len(record.contents) < _CONTENTS_PER_TEMPLATE:
            record.contents.append(facts.content)
        self._seen.append((candidate.bucket, facts))
        if len(self._seen) in _RECONSIDER or len(self._seen) % _RECONSIDER_EVERY == 0:
            self._reconsider()
        else:
            self._outlook.learn(facts.url, candidate.bucket, facts.kind)
        before = len(self.known)
        self.add_links(facts)
        gained = len(self.known) - before
        if candidate.bucket == "paging":
            self._barren[candidate.parent] = 0 if gained else self._barren[candidate.parent] + 1
        return gained

    def _reconsider(self) -> None:
        """Look at all pages again in the light of each other."""
        self._outlook.forget()
        settled = self.settler.settle([facts for _, facts in self._seen])
        for (bucket, _), facts in zip(self._seen, settled, strict=True):
            self._outlook.learn(facts.url, bucket, facts.kind)

    def fail(self, candidate: Candidate) -> None:
        """Take note of a page that could not be had."""
        record = self._templates.setdefault(candidate.template, _TemplateRecord())
        record.failed += 1

    def add_links(self, facts: PageFacts) -> None:
        """Add the links of a page by the part of the page they stand in."""
        listing = role_of(facts.kind) == "category"
        own = self.listing_key(facts.url)
        parent = own if listing else ""
        for link in facts.links:
            if listing:
                self.model.observe_link(facts.url, link.url)
        for link in facts.links:
            if _pages(link.url):
                paged = self.listing_key(link.url)
                if listing or paged == own:
                    self._add(link.url, "", "paging", paged)
                    continue
            bucket = _bucket(link, facts, listing=listing)
            self._add(link.url, link.text, bucket, parent if bucket == "item" else "")
        for crumb in facts.crumbs:
            if crumb.url:
                self._add(crumb.url, crumb.name, "crumb", "")
        if facts.next_page:
            self._add(facts.next_page, "", "paging", self.listing_key(facts.url))

    def listing_key(self, url: str) -> str:
        """The key of the listing that a page of it belongs to."""
        return self.model.listing_key(url)

    def _add(self, url: str, text: str, bucket: Bucket, parent: str) -> None:
        if (url, bucket) in self._handled:
            return
        if len(self._handled) < self._plan.known_urls:
            self._handled.add((url, bucket))
        self._place(url, text, bucket, parent)

    def _place(self, url: str, text: str, bucket: Bucket, parent: str) -> None:
        if is_asset(url) or not same_site(url, self._home):
            return
        if reason := _refusal(url, text):
            self._skip(url, reason)
            return
        url = self.model.stripped(url)
        key = self.model.key(url)
        if key in self._done or (key not in self.known and len(self.known) >= self._plan.known_urls):
            return
        self.known.setdefault(key, url)
        if bucket not in ("paging", "map:minor") and is_minor(url, text, self.model):
            bucket = "minor"
        rank = _BUCKET_RANK.get(bucket, _LAST_RANK)
        if rank >= self._ranks.get(key, _LAST_RANK + 1):
            return
        template = template_of(url, self.model)
        if bucket not in ("item", "paging"):
            parent = ""
        group = self._groups.get((template, bucket, parent))
        if group is None:
            group = self._groups[template, bucket, parent] = _Group(template, bucket, parent, len(self._groups))
        if bucket.startswith("map:") and len(group.urls) >= self._plan.waiting_per_template:
            return
        self._ranks[key] = rank
        group.urls.append((key, url))

    def _skip(self, url: str, reason: str) -> None:
        if url not in self._skips and len(self.skipped) < _MAX_SKIPPED:
            self._skips.add(url)
            self.skipped.append((url, reason))

    def next(self) -> Candidate | None:
        """The next page to fetch, or none when nothing is left that the plan wants."""
        choices: dict[Role, tuple[tuple[float, ...], _Group]] = {}
        roles: dict[tuple[str, Bucket], Role] = {}
        for place in list(self._groups):
            group = self._groups[place]
            self._drop_done(group)
            if not group.urls:
                del self._groups[place]
                continue
            cell = (group.template, group.bucket)
            if cell not in roles:
                roles[cell] = self._outlook.role(group.urls[0][1], group.template, group.bucket)
            role = roles[cell]
            if self._is_spent(role, group):
                continue
            score = self._score(role, group)
            if role not in choices or score < choices[role][0]:
                choices[role] = (score, group)
        if not choices:
            return None
        weights = {**_WEIGHTS, "detail": self._plan.detail_weight}
        role = min(choices, key=lambda name: ((self._used[name] + 1) / weights[name], name))
        return self._take(role, choices[role][1])

    def _take(self, role: Role, group: _Group) -> Candidate:
        key, url = group.urls.popleft()
        self._done.add(key)
        self._used[role] += 1
        self._templates.setdefault(group.template, _TemplateRecord()).by_role[role] += 1
        self._parents[group.parent, role] += 1
        return Candidate(url, key, group.template, group.bucket, group.parent, role)

    def _drop_done(self, group: _Group) -> None:
        while group.urls and group.urls[0][0] in self._done:
            group.urls.popleft()

    def _is_spent(self, role: Role, group: _Group) -> bool:
        plan = self._plan
        record = self._templates.get(group.template) or _TemplateRecord()
        if _is_hopeless(record, plan):
            return True
        of_template, read = record.by_role[role], self._parents[group.parent, role]
        in_all, here = {
            "category": (plan.listings, False),
            "detail": (plan.details, of_template >= plan.details_per_template),
            "paging": (plan.paging, read >= plan.paging_per_listing or self._barren[group.parent] >= 2),
            "unknown": (plan.unknown, record.fetched >= plan.unknown_per_template),
            "information": (plan.information, of_template >= plan.unknown_per_template),
        }[role]
        return here or self._used[role] >= in_all

    def _score(self, role: Role, group: _Group) -> tuple[float, ...]:
        """Lowest first: what is least known of."""
        record = self._templates.get(group.template) or _TemplateRecord()
        rank = _BUCKET_RANK.get(group.bucket, _LAST_RANK)
        if role == "category":
            return (rank, group.order)
        if role == "detail":
            # Every template first, then every listing; beyond a sample only the listings matter.
            sampled = min(record.by_role[role], self._plan.unknown_per_template)
            return (sampled, self._parents[group.parent, role], rank, group.order)
        if role == "paging":
            return (self._parents[group.parent, role], group.order)
        return (record.fetched, -len(group.urls) if role == "unknown" else 0, rank, group.order)


def _refusal(url: str, text: str) -> str | None:
    if words.is_personal(url, text):
        return "personal"
    if is_action(url):
        return "action"
    return "trap" if is_trap(url) else None


def _is_hopeless(record: _TemplateRecord, plan: CrawlPlan) -> bool:
    if record.failed >= plan.failures_per_template and record.failed > record.fetched:
        return True
    return record.duplicates >= plan.duplicates_per_template and 2 * record.duplicates > record.fetched


def _pages(url: str) -> bool:
    return (path_page_number(url) or query_page_number(url) or 0) > 1


def _bucket(link: LinkFact, facts: PageFacts, *, listing: bool) -> Bucket:
    if link.region in ("nav", "header"):
        return "nav"
    if link.region == "breadcrumb":
        return "crumb"
    if link.region in ("aside", "footer"):
        return "aside" if link.region == "aside" else "foot"
    if listing:
        return "item"
    return "feature" if facts.kind == "home" else "related"


def spread(items: Iterable[str]) -> list[str]:
    """All items in an order of which every beginning is a sample of the whole."""
    listed = list(items)
    count = len(listed)
    if count < 3:
        return listed
    stride = max(1, round(count * 0.618))
    while gcd(stride, count) != 1:
        stride += 1
    return [listed[position * stride % count] for position in range(count)]
