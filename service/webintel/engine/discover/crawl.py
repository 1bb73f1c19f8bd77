"""One polite visit to a site: sitemaps first, then page after page as the frontier decides."""

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import urljoin

import msgspec

from webintel.engine.classify import classify_page, next_page_url
from webintel.engine.discover.facts import PageFacts, page_facts
from webintel.engine.discover.frontier import Candidate, Frontier
from webintel.engine.discover.params import ParameterModel, template_of
from webintel.engine.discover.plan import CrawlPlan
from webintel.engine.discover.probes import Probe, probe
from webintel.engine.discover.sitemaps import SitemapLimits, SitemapSurvey, survey_sitemaps
from webintel.engine.discover.store import PageStore
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch import Fetcher, Response
from webintel.engine.model import PageKind
from webintel.engine.page import Page
from webintel.engine.urls import normalize_url, same_site

OnPage = Callable[[Page, PageKind], None]
OnProgress = Callable[[int, int], None]

_HTML_TYPES: Final = frozenset({"", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"})
# After so many in a row the site as a whole no longer answers us.
_MAX_REFUSALS: Final = 8
_REFUSALS: Final = frozenset(
    {
        ErrorCode.RATE_LIMITED,
        ErrorCode.ACCESS_DENIED,
        ErrorCode.UNREACHABLE,
        ErrorCode.TIMED_OUT,
        ErrorCode.DOMAIN_NOT_FOUND,
        ErrorCode.TLS_FAILED,
    }
)
_MAX_SITEMAP_BYTES: Final = 52_428_800
_FALLBACK_SITEMAPS: Final = ("/sitemap.xml", "/sitemap_index.xml")


class Crawl(msgspec.Struct, kw_only=True):
    """All that a visit brought to light."""

    start_url: str
    facts: list[PageFacts]
    """Every page fetched, in order, the start page first."""
    pages: PageStore
    known_urls: list[str]
    """Every page known by link or sitemap, one URL each."""
    sitemaps: SitemapSurvey
    probes: list[Probe]
    failures: dict[str, str]
    """URLs that could not be had, with the error's code."""
    model: ParameterModel

    @property
    def sitemap_urls(self) -> list[str]:
        """The pages that sitemaps list."""
        return list(self.sitemaps.urls)


class _Visit:
    """The state of one crawl while it runs."""

    def __init__(self, fetcher: Fetcher, start: Response, plan: CrawlPlan) -> None:
        self.fetcher = fetcher
        self.plan = plan
        self.start_url = start.url
        self.frontier = Frontier(start.url, plan)
        self.store = PageStore(plan.stored_pages_per_template, plan.stored_bytes)
        self.facts: list[PageFacts] = []
        self.failures: dict[str, str] = {}
        self.refusals = 0
        self._fetched: set[str] = set()

    async def take(self, candidate: Candidate, response: Response) -> tuple[Page, PageKind] | None:
        """Read a response; none where it is no new page of the site."""
        key = self.frontier.model.key(response.url)
        if (
            response.media_type not in _HTML_TYPES
            or not same_site(response.url, self.start_url)
            or key in self._fetched
        ):
            self.frontier.fail(candidate)
            return None
        page, facts = await asyncio.to_thread(_read, response, self.plan.links_per_page)
        self._fetched |= {key, candidate.key}
        self.facts.append(facts)
        await asyncio.to_thread(self._note, candidate, page, facts)
        return page, facts.kind

    def _note(self, candidate: Candidate, page: Page, facts: PageFacts) -> None:
        self.frontier.record(candidate, facts)
        self.store.add(page, facts.kind, candidate.template)

    async def fetch(self, candidate: Candidate) -> Response | None:
        """Fetch a page; none where it cannot be had, which is written down."""
        try:
            response = await self.fetcher.get(candidate.url)
        except EngineError as error:
            if error.code == ErrorCode.BUDGET_EXHAUSTED:
                raise
            self.failures[candidate.url] = error.code.value
            self.frontier.fail(candidate)
            self.refusals = self.refusals + 1 if error.code in _REFUSALS else 0
            return None
        self.refusals = 0
        return response

    def next(self) -> Candidate | None:
        """The next page, as long as there is budget and the site answers."""
        if self.fetcher.pages_left <= 0 or self.fetcher.seconds_left <= 0 or self.refusals >= _MAX_REFUSALS:
            return None
        return self.frontier.next()


async def crawl(
    fetcher: Fetcher,
    start: Response,
    *,
    plan: CrawlPlan | None = None,
    on_page: OnPage | None = None,
    on_progress: OnProgress | None = None,
) -> Crawl:
    """Visit a site, one page after another; a page that fails is written down and ends nothing.

    Args:
        fetcher: how to fetch, with the budgets of the whole visit.
        start: the site's front page, already fetched.
        plan: how much to look at; by default what the fetcher's budget suggests.
        on_page: told of every page read.
        on_progress: told of pages fetched and pages allowed.
    """
    plan = plan or CrawlPlan.for_budget(fetcher.options.max_pages)
    visit = _Visit(fetcher, start, plan)
    survey = await _sitemaps(fetcher, start.url, plan)
    candidate: Candidate | None = _first(start, visit.frontier)
    response: Response | None = start
    try:
        while candidate is not None:
            taken = await visit.take(candidate, response) if response is not None else None
            if len(visit.facts) == 1 and taken is not None:
                await asyncio.to_thread(visit.frontier.add_sitemap, survey.urls)
            if taken is not None and on_page is not None:
                on_page(*taken)
            if on_progress is not None:
                on_progress(fetcher.pages_fetched, fetcher.options.max_pages)
            candidate = await asyncio.to_thread(visit.next)
            response = await visit.fetch(candidate) if candidate is not None else None
    except EngineError as error:
        if error.code != ErrorCode.BUDGET_EXHAUSTED:
            raise
    for url, reason in visit.frontier.skipped:
        fetcher.skip(url, reason)
    return Crawl(
        start_url=start.url,
        facts=await asyncio.to_thread(visit.frontier.settler.settle, visit.facts),
        pages=visit.store,
        known_urls=list(visit.frontier.known.values()),
        sitemaps=survey,
        probes=await probe(fetcher, visit.facts),
        failures=visit.failures,
        model=visit.frontier.model,
    )


def _first(start: Response, frontier: Frontier) -> Candidate:
    model = frontier.model
    return Candidate(start.url, model.key(start.url), template_of(start.url, model), "nav", "", "information")


def _read(response: Response, max_links: int) -> tuple[Page, PageFacts]:
    page = Page.from_response(response)
    verdict = classify_page(page)
    facts = page_facts(page, verdict, next_page_url(page), requested_url=response.requested_url, max_links=max_links)
    return page, facts


async def _sitemaps(fetcher: Fetcher, start_url: str, plan: CrawlPlan) -> SitemapSurvey:
    """The sitemaps that robots.txt names, or those in the usual places."""

    async def fetch(url: str) -> bytes:
        return (await fetcher.get(url, purpose="sitemap", max_bytes=_MAX_SITEMAP_BYTES)).body

    limits = SitemapLimits(files=plan.sitemap_files, urls_in_total=plan.sitemap_urls)
    robots = await fetcher.robots(start_url)
    named = [url for raw in robots.sitemaps if (url := normalize_url(start_url, raw)) and same_site(url, start_url)]
    survey = await survey_sitemaps(fetch, named[:20], limits) if named else SitemapSurvey(files=[], urls={})
    for path in _FALLBACK_SITEMAPS:
        if survey.urls:
            break
        url = urljoin(start_url, path)
        if url not in named:
            found = await survey_sitemaps(fetch, [url], limits)
            survey = SitemapSurvey(files=[*survey.files, *found.files], urls=found.urls)
    listed = {url: hint for url, hint in survey.urls.items() if same_site(url, start_url)}
    return SitemapSurvey(files=survey.files, urls=listed)
