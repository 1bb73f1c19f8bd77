"""What a URL will turn out to be: guessed from its words and its place, then learned from pages of its template."""

from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import urlsplit

from webintel.engine.discover import words
from webintel.engine.discover.params import ParameterModel, is_calendar, is_context, is_item, template_of
from webintel.engine.model import PageKind
from webintel.engine.urls import path_tokens

Role = Literal["category", "detail", "paging", "unknown", "information"]
PageBucket = Literal["nav", "crumb", "item", "feature", "related", "aside", "foot", "paging", "minor"]
SitemapBucket = Literal[
    "map:category",
    "map:product",
    "map:article",
    "map:documentation",
    "map:forum",
    "map:page",
    "map:other",
    "map:minor",
]
Bucket = PageBucket | SitemapBucket
"""Where a URL was found: a menu, a trail, among a listing's items, on the home page, in a sitemap of products, ..."""

_ROLE_OF_KIND: Final[dict[PageKind, Role]] = {
    "collection": "category",
    "listing": "category",
    "product": "detail",
    "article": "detail",
    "forum": "detail",
    "documentation": "detail",
    "service": "detail",
}
_PRIORS: Final[dict[Bucket, Role]] = {
    "nav": "category",
    "crumb": "category",
    "item": "detail",
    "paging": "paging",
    "minor": "information",
    "map:category": "category",
    "map:product": "detail",
    "map:article": "detail",
    "map:documentation": "detail",
    "map:forum": "detail",
    "map:minor": "information",
}
_PATIENCE: Final = 5
_ROLES: Final[tuple[Role, ...]] = ("category", "detail", "paging", "unknown", "information")


def role_of(kind: PageKind) -> Role:
    """What a page of this kind is to a crawl."""
    return _ROLE_OF_KIND.get(kind, "information")


def is_minor(url: str, text: str, model: ParameterModel) -> bool:
    """Whether a few pages like this one are enough: about the site, or cutting across its tree."""
    if words.is_information(url, text) or is_calendar(url) or words.names_any(words.MINOR, url):
        return True
    names = [name for name, _ in model.identity(url)] if urlsplit(url).query else []
    return bool(names) and all(words.MINOR.fullmatch(name) for name in names)


class Outlook:
    """Predicts roles of URLs by template and place, from the kinds of pages fetched so far."""

    def __init__(self, model: ParameterModel) -> None:
        self._model = model
        self._counts: dict[tuple[str, str], dict[Role, int]] = {}

    def learn(self, url: str, bucket: str, kind: PageKind) -> None:
        """Take note of what a URL turned out to be."""
        template = template_of(url, self._model)
        role = role_of(kind)
        if kind == "other" and named_role(url, self._model) == "category":
            # A category of categories has no goods of its own to be known by.
            role = "category"
        for place in ((template, bucket), (template, ""), (_loose(template), "loose")):
            counts = self._counts.setdefault(place, {})
            counts[role] = counts.get(role, 0) + 1

    def forget(self) -> None:
        """Start anew, to learn the same pages again with better kinds."""
        self._counts.clear()

    def role(self, url: str, template: str, bucket: Bucket) -> Role:
        """What a URL found in this place is likely to be."""
        if bucket in ("paging", "minor", "map:minor"):
            return _PRIORS[bucket]
        prior = self._prior(url, bucket)
        here = self._counts.get((template, bucket), {})
        if sum(here.values()) == 1 and prior not in here:
            # One page against the first guess: look at another before deciding.
            return "unknown"
        for counts, least, share in self._evidence(template, here):
            total = sum(counts.values())
            best = max(_ROLES, key=lambda role: counts.get(role, 0))
            if total < least or counts[best] < share * total:
                continue
            if best == "information" and prior == "category" and total < _PATIENCE:
                # Landing pages come first in menus; the categories behind them look different.
                return prior
            return best
        return prior

    def _evidence(self, template: str, here: dict[Role, int]) -> Iterator[tuple[dict[Role, int], int, float]]:
        yield here, 1, 0.6
        yield self._counts.get((template, ""), {}), 2, 0.75
        yield self._counts.get((_loose(template), "loose"), {}), 3, 0.85

    def _prior(self, url: str, bucket: Bucket) -> Role:
        named = named_role(url, self._model)
        return named or _PRIORS.get(bucket, "unknown")


def named_role(url: str, model: ParameterModel) -> Role | None:
    """What the words of a URL call it, if anything."""
    if words.names_any(words.MINOR, url):
        return None
    if urlsplit(url).query:
        names = [name for name, _ in model.identity(url)]
        if any(is_item(name) for name in names):
            return "detail"
        if any(is_context(name) for name in names):
            return "category"
    tokens = [token.rsplit(".", 1)[0] for token in path_tokens(url)]
    for position in range(len(tokens) - 1, -1, -1):
        last = position == len(tokens) - 1
        if words.DETAIL.fullmatch(tokens[position]):
            # `/products` itself lists products.
            return "category" if last else "detail"
        if words.CATEGORY.fullmatch(tokens[position]):
            return "category"
    return None


def _loose(template: str) -> str:
    """The template with every plain word generalised too."""
    path, _, query = template.partition("?")
    shapes = [part if "{" in part or "." in part or not part else "{s}" for part in path.split("/")]
    return "/".join(shapes) + ("?" + query if query else "")
