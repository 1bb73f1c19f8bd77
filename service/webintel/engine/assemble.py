"""Putting the parts of a blueprint together, and saying how far it may be trusted."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.model import (
    Blueprint,
    Category,
    Endpoint,
    Filter,
    Fingerprint,
    PageKind,
    PageType,
    Pagination,
    RenderHints,
    Selector,
)

# Kinds of page that a scraper comes for; their first selector tells when a page is ready.
CONTENT_KINDS: Final[tuple[PageKind, ...]] = (
    "product",
    "article",
    "documentation",
    "forum",
    "collection",
    "listing",
    "service",
)
# Sampling more pages than this makes no blueprint more certain.
_ENOUGH_PAGES: Final = 30
_TRUST_WITHOUT_BROWSER: Final = 0.5


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a visit has found out, in parts."""

    start_url: str
    fingerprint: Fingerprint
    pages_fetched: int
    urls_known: int
    categories: list[Category]
    page_types: list[PageType]
    selectors: list[Selector]
    endpoints: list[Endpoint]
    pagination: Pagination
    filters: list[Filter]
    infinite_scroll: bool


def assemble(domain: str, findings: Findings) -> Blueprint:
    """Make the blueprint.

    Raises:
        EngineError: `EMPTY_SITE` where there is nothing in it that a scraper could use.
    """
    if not findings.page_types:
        raise EngineError(ErrorCode.EMPTY_SITE, f"{domain} shows no pages that could be told apart.")
    return Blueprint(
        domain=domain,
        start_url=findings.start_url,
        discovery_method=_method(findings),
        confidence_score=confidence_score(findings),
        fingerprint=findings.fingerprint,
        categories=findings.categories,
        page_types=findings.page_types,
        selectors=findings.selectors,
        endpoints=findings.endpoints,
        pagination=findings.pagination,
        filters=findings.filters,
        render_hints=_render_hints(findings),
    )


def confidence_score(findings: Findings) -> float:
    """Say how far the blueprint may be trusted.

    The score is 0.4 x selectors + 0.35 x coverage + 0.25 x classification, halved where the site needs a browser that
    this visit did not have:

    - selectors: the mean pass rate of the selectors that could be tried on further pages; 0 without any.
    - coverage: the share of known URLs that belong to a page type, times the share of the pages fetched that a good
      sample needs (30, or all there are).
    - classification: the mean confidence of the page types, weighted by their numbers of pages.
    """
    types = findings.page_types
    typed = sum(page_type.page_count for page_type in types)
    known = max(findings.urls_known, typed, 1)
    sample = min(1.0, findings.pages_fetched / min(known, _ENOUGH_PAGES))
    coverage = typed / known * sample
    weights = [max(page_type.page_count, 1) for page_type in types]
    classification = _mean([page_type.confidence for page_type in types], weights)
    passing = _mean([selector.test_pass_rate for selector in findings.selectors if selector.pages_tested])
    score = 0.4 * passing + 0.35 * coverage + 0.25 * classification
    if findings.fingerprint.requires_js:
        score *= _TRUST_WITHOUT_BROWSER
    return round(min(score, 1.0), 4)


def _mean(values: Sequence[float], weights: Sequence[int] | None = None) -> float:
    weights = weights or [1] * len(values)
    total = sum(weights)
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total if total else 0.0


def _method(findings: Findings) -> Literal["static", "api"]:
    """Say which way through the site is the better one; a site of scripts with a data endpoint is best read there."""
    data = any(endpoint.kind in ("rest", "graphql") for endpoint in findings.endpoints)
    return "api" if findings.fingerprint.requires_js and data else "static"


def _render_hints(findings: Findings) -> RenderHints:
    requires_js = findings.fingerprint.requires_js
    return RenderHints(
        requires_js=requires_js,
        wait_for_selector=_wait_for(findings.page_types, findings.selectors),
        infinite_scroll=findings.infinite_scroll,
        timeout_seconds=30 if requires_js or findings.infinite_scroll else 10,
    )


def _wait_for(page_types: Sequence[PageType], selectors: Sequence[Selector]) -> str | None:
    """The selector whose match means that the pages that matter most are there."""
    kinds: Mapping[str, PageKind] = {page_type.name: page_type.kind for page_type in page_types}
    for kind in CONTENT_KINDS:
        fitting = [
            selector
            for selector in selectors
            if kinds.get(selector.page_type) == kind and selector.attribute is None and selector.test_pass_rate > 0.5
        ]
        if fitting:
            best = max(
                fitting, key=lambda selector: (selector.test_pass_rate, selector.confidence, selector.field_name)
            )
            return f"{best.scope} {best.css}" if best.scope else best.css
    return None


def domain_of(start_url: str) -> str:
    """The name under which a site is known: its host, without `www.`, with the port where it is an odd one."""
    netloc = urlsplit(start_url).netloc
    return netloc.removeprefix("www.") if netloc.count(".") > 1 else netloc
