"""What the engine hands over: the blueprint and its parts, as the API names them.

Every struct is plain data that msgspec writes as JSON; scores and confidences are 0.0 to 1.0.
"""

from typing import Literal

import msgspec

PageKind = Literal[
    "home",
    "product",
    "collection",
    "listing",
    "article",
    "forum",
    "documentation",
    "service",
    "search",
    "login",
    "other",
]
"""What one page is. `collection` lists things for sale, `listing` lists anything else."""

EndpointKind = Literal["rest", "graphql", "json_ld", "feed", "sitemap"]
SelectorMethod = Literal["structured_data", "repeated_structure", "heuristic"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One observation that a detection rests on."""

    kind: str
    """Where it was seen: header, cookie, html, meta, script, stylesheet, link, url, robots, state, ..."""
    detail: str
    """What was seen, shortened to at most 200 characters."""
    url: str | None = None


class Technology(msgspec.Struct, frozen=True, kw_only=True):
    """A product or service that the site is seen to use."""

    name: str
    group: str
    """platform, cms, javascript_framework, cdn, analytics, payment, anti_bot, server, ... (one rule file each)."""
    version: str | None = None
    confidence: float
    evidence: list[Evidence]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One contribution to a score, in words."""

    factor: str
    weight: float
    detail: str


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a site, or a single page, runs on."""

    platform: str | None
    """The shop system, else the content management system, else none."""
    requires_js: bool
    requires_js_confidence: float
    requires_js_reasons: list[str]
    technologies: list[Technology]
    """Ordered by group, then confidence (highest first), then name."""
    complexity_score: float
    complexity_reasons: list[Reason]


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the site's category tree."""

    id: str
    """A UUID made from the category's URL: the same category keeps its id from version to version."""
    name: str
    slug: str
    url: str
    parent_id: str | None
    depth: int
    example_url: str | None
    """A page that the category leads to."""
    confidence: float


class PageType(msgspec.Struct, frozen=True, kw_only=True):
    """Pages of one template."""

    name: str
    """listing, detail, article, home, ... unique within a blueprint."""
    kind: PageKind
    url_pattern: str
    """A regular expression over the whole URL."""
    example_urls: list[str]
    page_count: int
    """How many known URLs, fetched or not, match the pattern."""
    confidence: float


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """How to read one field from the pages of one type; CSS and XPath select the same nodes."""

    field_name: str
    page_type: str
    css: str
    xpath: str
    attribute: str | None
    """The attribute that holds the value; none for the node's text."""
    sample_values: list[str]
    confidence: float
    test_pass_rate: float
    """Share of held-out pages, none of which it was made from, on which it gave the expected value."""
    method: SelectorMethod
    multiple: bool = False
    """Whether every match counts (a list of values) or the first one."""
    scope: str | None = None
    """For fields of repeated items: the CSS selector of one item, within which `css` and `xpath` apply."""
    pages_tested: int = 0


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A machine-readable source that the site offers."""

    url: str
    method: str
    kind: EndpointKind
    params: list[str]
    response_schema: dict[str, object] | None
    """A JSON Schema of what was seen; none where nothing was fetched."""
    confidence: float


class Pagination(msgspec.Struct, frozen=True, kw_only=True):
    """How listings go on."""

    kind: Literal["none", "query", "path", "next_link", "load_more", "infinite_scroll"]
    url_pattern: str | None
    """With `{page}` (or `{offset}`) where the number stands."""
    next_selector: str | None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A way that listings can be narrowed or sorted."""

    name: str
    param: str
    kind: Literal["facet", "sort", "search", "range", "page_size"]
    values: list[str]


class RenderHints(msgspec.Struct, frozen=True, kw_only=True):
    """What a scraper needs to see the content."""

    requires_js: bool
    wait_for_selector: str | None
    infinite_scroll: bool
    timeout_seconds: int


class Blueprint(msgspec.Struct, frozen=True, kw_only=True):
    """How to scrape a site; the service adds id, site, version and times."""

    domain: str
    start_url: str
    discovery_method: Literal["static", "browser", "api"]
    confidence_score: float
    fingerprint: Fingerprint
    categories: list[Category]
    page_types: list[PageType]
    selectors: list[Selector]
    endpoints: list[Endpoint]
    pagination: Pagination
    filters: list[Filter]
    render_hints: RenderHints


class FetchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one URL; every URL that was asked for, skipped or failed has one."""

    url: str
    outcome: Literal["ok", "not_modified", "redirected", "skipped", "failed"]
    status: int | None = None
    bytes_received: int = 0
    reason: str | None = None
    """For skipped and failed: an `ErrorCode` value or the budget that ran out."""
    detail: str | None = None


class ExtractedField(msgspec.Struct, frozen=True, kw_only=True):
    """A value found on a page, and where it stands."""

    name: str
    value: str | list[str]
    source: Literal["json_ld", "microdata", "rdfa", "open_graph", "state", "html"]
    confidence: float
    css: str | None = None


class PageAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """What a single page says about itself."""

    url: str
    title: str | None
    language: str | None
    page_type: PageKind
    page_type_confidence: float
    requires_js: bool
    fingerprint: Fingerprint
    structured_data: list[dict[str, object]]
    """Items of JSON-LD, microdata and RDFa in one shape (see `structured`), plus one of Open Graph."""
    fields: list[ExtractedField]
    next_page: str | None
