"""Machine-readable sources that pages give away: feeds, JSON and GraphQL addresses in links, scripts and attributes."""

import re
from collections.abc import Iterable
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from webintel.engine.page import Page
from webintel.engine.urls import normalize_url, query_pairs, same_site, segment_shape

_FEED_TYPES: Final = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json"}
)
_JSON_TYPES: Final = frozenset({"application/json", "application/activity+json", "application/ld+json"})
_MAX_SCRIPT: Final = 200_000
_MAX_SOURCES: Final = 40
_CALL: Final = re.compile(
    r"""(?:fetch|axios(?:\.(?:get|post))?|\$\.(?:getJSON|get|post|ajax)|\.open)\(\s*(?:["'](GET|POST)["']\s*,\s*)?"""
    r"""["'`]([^"'`\s]{2,300})["'`]"""
)
_LITERAL: Final = re.compile(
    r"""["'`]((?:https?://[\w.:-]+)?/(?:[\w.~-]+/)*(?:api|wp-json|graphql|rest|ajax|_next/data)(?:/[\w.~{}$-]*)*(?:\?[^"'`\s<>]*)?"""
    r"""|(?:https?://[\w.:-]+)?/[\w./~-]+\.json(?:\?[^"'`\s<>]*)?)["'`]"""
)
_DATA_ATTRIBUTES: Final = (
    "data-url",
    "data-api",
    "data-endpoint",
    "data-src-url",
    "data-api-url",
    "data-json",
    "data-source",
    "data-next-url",
)
_NOT_DATA: Final = re.compile(
    r"\.(?:js|css|png|jpe?g|gif|svg|webp|woff2?|html?|php)$|manifest\.json$|/(?:cart|checkout|login|account|track|collect|log|csrf|session)"
    r"(?:[/.?]|$)|oembed|xmlrpc",
    re.IGNORECASE,
)


class Source(msgspec.Struct, frozen=True, gc=False):
    """An address that answers with data."""

    url: str
    method: str
    kind: Literal["rest", "graphql", "feed"]
    confidence: float


def page_sources(page: Page) -> tuple[Source, ...]:
    """The sources that one page mentions, of its own site only."""
    found: dict[tuple[str, str], Source] = {}
    for source in (*_linked(page), *_scripted(page), *_attributed(page)):
        if len(found) >= _MAX_SOURCES:
            break
        found.setdefault((source.url, source.method), source)
    return tuple(found.values())


def _linked(page: Page) -> Iterable[Source]:
    for node in page.tree.css("link[href]")[:500]:
        attributes = node.attributes
        media = (attributes.get("type") or "").lower()
        relation = (attributes.get("rel") or "").lower().split()
        url = page.absolute(attributes.get("href"))
        if url is None or not same_site(url, page.url) or _NOT_DATA.search(url):
            continue
        if "alternate" in relation and media in _FEED_TYPES:
            yield Source(url, "GET", "feed", 0.95)
        elif ("alternate" in relation and media in _JSON_TYPES) or "https://api.w.org/" in relation:
            yield Source(url, "GET", "rest", 0.9)


def _scripted(page: Page) -> Iterable[Source]:
    for node in page.tree.css("script:not([src])")[:150]:
        script = node.text()[:_MAX_SCRIPT].replace("\\/", "/")
        if "/" not in script:
            continue
        for method, address in _CALL.findall(script):
            yield from _source(page, address, method or "GET", 0.8)
        for address in _LITERAL.findall(script):
            yield from _source(page, address, "GET", 0.6)


def _attributed(page: Page) -> Iterable[Source]:
    for name in _DATA_ATTRIBUTES:
        for node in page.tree.css(f"[{name}]")[:50]:
            address = node.attributes.get(name) or ""
            if re.search(r"api|json|graphql|ajax", address, re.IGNORECASE):
                yield from _source(page, address, "GET", 0.7)


def _source(page: Page, address: str, method: str, confidence: float) -> Iterable[Source]:
    address = re.split(r"\$\{|\{\{", address)[0]
    if not address.startswith(("/", "http://", "https://")) or _NOT_DATA.search(address.partition("?")[0]):
        return
    url = normalize_url(page.url, address)
    if url is None or not same_site(url, page.url) or urlsplit(url).path in ("", "/"):
        return
    if "graphql" in urlsplit(url).path.lower():
        yield Source(url, "POST", "graphql", max(confidence, 0.8))
    elif re.search(r"/(?:api|wp-json|rest|ajax|_next/data)(?:/|$)|\.json$", urlsplit(url).path):
        yield Source(url, method, "rest", confidence)


def source_shape(url: str) -> tuple[str, tuple[str, ...]]:
    """The address with identifiers generalised, and its parameter names: one entry per endpoint, not per record."""
    parts = urlsplit(url)
    path = "/".join("{id}" if segment_shape(segment) == "{n}" else segment for segment in parts.path.split("/"))
    return f"{parts.scheme}://{parts.netloc}{path}", tuple(sorted({name for name, _ in query_pairs(url)}))
