"""Blueprints, as the API gives them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many items of one kind differ from the version before."""

    added: int
    removed: int
    changed: int

    @property
    def any(self) -> bool:
        """Whether one does."""
        return bool(self.added or self.removed or self.changed)


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What changed since the version before."""

    categories: Count
    endpoints: Count
    selectors: Count


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A blueprint, as the list of versions shows it."""

    id: UUID
    site_id: UUID
    version: int
    confidence_score: float
    created_at: datetime
    restored_version: int | None
    reason: str | None
    changes: Changes


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the category tree."""

    id: str
    name: str
    url: str
    parent_id: str | None
    example_url: str | None
    confidence: float


class PageType(msgspec.Struct, frozen=True, kw_only=True):
    """Pages of one template."""

    name: str
    kind: str
    url_pattern: str
    example_urls: list[str]
    page_count: int
    confidence: float


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """How to read one field."""

    field_name: str
    page_type: str
    css: str
    xpath: str
    attribute: str | None
    sample_values: list[str]
    test_pass_rate: float
    method: str
    multiple: bool = False
    scope: str | None = None
    pages_tested: int = 0

    @property
    def tried(self) -> bool:
        """Whether its pass rate says anything; old versions do not tell on how many pages."""
        return bool(self.pages_tested or self.test_pass_rate)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A machine-readable source that the site offers."""

    url: str
    method: str
    kind: str
    params: list[str]
    response_schema: dict[str, Any] | None
    confidence: float


class Pagination(msgspec.Struct, frozen=True, kw_only=True):
    """How listings go on."""

    kind: str
    url_pattern: str | None
    next_selector: str | None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A way that listings can be narrowed or sorted."""

    name: str
    param: str
    kind: str
    values: list[str]


class RenderHints(msgspec.Struct, frozen=True, kw_only=True):
    """What a scraper needs to see the content."""

    requires_js: bool
    wait_for_selector: str | None
    infinite_scroll: bool
    timeout_seconds: int


class Blueprint(Version, frozen=True, kw_only=True):
    """A version, whole."""

    start_url: str
    discovery_method: str
    categories: list[Category]
    page_types: list[PageType]
    selectors: list[Selector]
    endpoints: list[Endpoint]
    pagination: Pagination
    filters: list[Filter]
    render_hints: RenderHints


class Categories(msgspec.Struct, frozen=True, kw_only=True):
    """The categories of a version, and nothing else of it."""

    id: UUID
    site_id: UUID
    categories: list[Category]


class _Item(msgspec.Struct, frozen=True):
    """Something that is only counted."""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """How much a version holds."""

    version: int
    confidence_score: float
    created_at: datetime
    categories: list[_Item]
    page_types: list[_Item]
    selectors: list[_Item]
    endpoints: list[_Item]


Item = dict[str, Any]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An item that both versions have, in different forms."""

    old: Item
    new: Item

    @property
    def fields(self) -> list[tuple[str, object, object]]:
        """What differs: the name, and the value in the old and in the new version."""
        names = dict.fromkeys([*self.old, *self.new])
        pairs = ((name, self.old.get(name), self.new.get(name)) for name in names)
        return [(name, old, new) for name, old, new in pairs if old != new]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How two lists of one kind differ."""

    added: list[Item]
    removed: list[Item]
    changed: list[Changed]

    @property
    def any(self) -> bool:
        """Whether anything does."""
        return bool(self.added or self.removed or self.changed)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison."""

    id: UUID
    site_id: UUID
    version: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How one version differs from another."""

    old: Side
    new: Side
    categories: Difference
    endpoints: Difference
    selectors: Difference
