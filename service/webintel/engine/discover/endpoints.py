"""The site's machine-readable sources in one list: APIs, feeds, sitemaps, structured data."""

from collections.abc import Iterable, Sequence
from typing import Final

from webintel.engine.discover.facts import PageFacts
from webintel.engine.discover.probes import Probe
from webintel.engine.discover.sitemaps import SitemapSurvey
from webintel.engine.discover.sources import source_shape
from webintel.engine.model import Endpoint, EndpointKind
from webintel.engine.urls import query_pairs

_KIND_ORDER: Final[tuple[EndpointKind, ...]] = ("rest", "graphql", "json_ld", "feed", "sitemap")
_MAX_OF_KIND: Final = 25


def build_endpoints(facts: Sequence[PageFacts], survey: SitemapSurvey, probes: Sequence[Probe]) -> list[Endpoint]:
    """Put together what pages mention, what was asked, and the sitemaps that were read."""
    found: dict[tuple[object, str], Endpoint] = {}
    for endpoint in (*_probed(probes), *_mentioned(facts, probes), *_structured(facts), *_listed(survey)):
        place = (source_shape(endpoint.url), endpoint.method)
        found.setdefault(place, endpoint)
    ordered = sorted(found.values(), key=lambda one: (_KIND_ORDER.index(one.kind), -one.confidence, one.url))
    kept: list[Endpoint] = []
    for kind in _KIND_ORDER:
        kept += [endpoint for endpoint in ordered if endpoint.kind == kind][:_MAX_OF_KIND]
    return kept


def _probed(probes: Sequence[Probe]) -> Iterable[Endpoint]:
    for probe in probes:
        if probe.answered:
            yield _endpoint(probe.url, "GET", "rest", 0.98, probe.response_schema)


def _mentioned(facts: Sequence[PageFacts], probes: Sequence[Probe]) -> Iterable[Endpoint]:
    refused = {probe.url for probe in probes if not probe.answered}
    for page in facts:
        for source in page.sources:
            if source.url not in refused:
                yield _endpoint(source.url, source.method, source.kind, source.confidence)


def _structured(facts: Sequence[PageFacts]) -> Iterable[Endpoint]:
    kinds: dict[str, PageFacts] = {}
    for page in facts:
        if page.json_ld:
            kinds.setdefault(page.kind, page)
    for page in kinds.values():
        yield _endpoint(page.url, "GET", "json_ld", 0.9)


def _listed(survey: SitemapSurvey) -> Iterable[Endpoint]:
    for file in survey.files:
        if file.error is None and file.kind != "none":
            yield _endpoint(file.url, "GET", "feed" if file.kind == "feed" else "sitemap", 0.98)


def _endpoint(
    url: str, method: str, kind: EndpointKind, confidence: float, schema: dict[str, object] | None = None
) -> Endpoint:
    params = sorted({name for name, _ in query_pairs(url)})
    return Endpoint(
        url=url, method=method, kind=kind, params=params, response_schema=schema, confidence=round(confidence, 3)
    )
