"""From a domain to its blueprint: the visit as a whole."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Final, TypeVar

import msgspec

from webintel.engine import discover
from webintel.engine.assemble import Findings, assemble, domain_of
from webintel.engine.classify import classify_page
from webintel.engine.connect import connect
from webintel.engine.discover import Crawl, crawl
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch import Fetcher, FetchOptions, Response
from webintel.engine.fingerprint import default_fingerprinter
from webintel.engine.model import Blueprint, FetchRecord, Fingerprint, PageKind, PageType, Selector
from webintel.engine.page import Page
from webintel.engine.progress import OnProgress, Reporter
from webintel.engine.selectors import induce_selectors, is_broken, verify_selectors
from webintel.engine.selectors.patterns import matches_pattern
from webintel.engine.urls import is_asset, same_site

# The rest of the time is for the analysis of what was fetched.
_SHARE_OF_TIME_FOR_FETCHING: Final = 0.85
_PAGES_PER_TYPE: Final = 24
_PAGES_FOR_FINGERPRINT: Final = 12
_PAGES_TO_VERIFY: Final = 24
_FEW_WORDS: Final = 6
"""A page whose text is shorter shows nothing."""

# Parsed pages are large: however many sites are visited at once, two are analysed.
_analysis = ThreadPoolExecutor(max_workers=2, thread_name_prefix="analysis")
T = TypeVar("T")


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """A blueprint, and what became of every URL on the way to it."""

    blueprint: Blueprint
    fetches: list[FetchRecord]


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a blueprint fares on today's pages."""

    blueprint: Blueprint
    """With fresh pass rates."""
    pages_tested: int
    broken: list[Selector]
    """Selectors that do clearly worse than they claim."""
    fetches: list[FetchRecord]


async def scan(domain: str, options: FetchOptions | None = None, on_progress: OnProgress | None = None) -> ScanResult:
    """Visit a site politely and make its blueprint.

    Args:
        domain: as a person gives it: `example.com`.
        options: the limits of the visit; `max_seconds` covers the analysis as well.
        on_progress: called in the event loop whenever there is something to tell.

    Raises:
        EngineError: where no usable blueprint can be had.
    """
    options = options or FetchOptions()
    reporter = Reporter(on_progress)
    deadline = asyncio.get_running_loop().time() + options.max_seconds
    fetching = msgspec.structs.replace(options, max_seconds=options.max_seconds * _SHARE_OF_TIME_FOR_FETCHING)
    async with Fetcher(fetching) as fetcher:
        start = await _connect(fetcher, domain, reporter)
        start_kind = await _first_impression(start, reporter)
        crawled = await _crawl(fetcher, start, reporter)
        robots_txt = (await fetcher.robots(start.url)).text
        fetches = list(fetcher.ledger)
    fingerprint = await _in_thread(_fingerprint, crawled, robots_txt)
    _require_content(crawled, start_kind, fingerprint)
    page_types = await _in_thread(discover.page_types, crawled)
    selectors = await _induce(crawled, page_types, deadline, reporter)
    reporter.report("assembling", "Putting the blueprint together")
    findings = await _in_thread(_findings, crawled, fingerprint, page_types, selectors)
    blueprint = assemble(domain_of(start.url), findings)
    reporter.report("done", f"The blueprint of {blueprint.domain} is ready")
    return ScanResult(blueprint=blueprint, fetches=fetches)


async def fingerprint_domain(
    domain: str, options: FetchOptions | None = None, on_progress: OnProgress | None = None
) -> tuple[Fingerprint, list[FetchRecord]]:
    """Say what a site runs on, from its first page and two that it links to.

    Raises:
        EngineError: where the site cannot be visited.
    """
    reporter = Reporter(on_progress)
    async with Fetcher(options or FetchOptions()) as fetcher:
        start = await _connect(fetcher, domain, reporter)
        pages = [await _in_thread(Page.from_response, start)]
        for url in await _in_thread(_neighbours, pages[0]):
            try:
                response = await fetcher.get(url)
            except EngineError:
                continue
            pages.append(await _in_thread(Page.from_response, response))
        reporter.report("fingerprinting", f"Looking at what {domain} runs on")
        robots_txt = (await fetcher.robots(start.url)).text
        found = await _in_thread(default_fingerprinter().site, pages, robots_txt)
        fetches = list(fetcher.ledger)
    reporter.report("done", f"{domain} runs on {found.platform or 'nothing we know by name'}")
    return found, fetches


async def verify(
    blueprint: Blueprint, options: FetchOptions | None = None, on_progress: OnProgress | None = None
) -> VerifyResult:
    """Fetch a blueprint's example pages again and measure its selectors on them.

    Raises:
        EngineError: where none of the pages can be had any more.
    """
    reporter = Reporter(on_progress)
    urls = _example_urls(blueprint)
    failure = EngineError(ErrorCode.UNUSABLE_BLUEPRINT, f"The blueprint of {blueprint.domain} names no example pages.")
    pages: list[Page] = []
    async with Fetcher(options or FetchOptions()) as fetcher:
        for at, url in enumerate(urls):
            reporter.report("verifying", f"{at} of {len(urls)} pages", at / len(urls))
            try:
                response = await fetcher.get(url)
            except EngineError as error:
                failure = error
                continue
            pages.append(await _in_thread(Page.from_response, response))
        fetches = list(fetcher.ledger)
    if not pages:
        raise failure
    selectors = await _in_thread(verify_selectors, blueprint, pages)
    reporter.report("done", f"{len(selectors)} selectors measured on {len(pages)} pages")
    return VerifyResult(
        blueprint=msgspec.structs.replace(blueprint, selectors=selectors),
        pages_tested=len(pages),
        broken=[now for old, now in zip(blueprint.selectors, selectors, strict=True) if is_broken(old, now)],
        fetches=fetches,
    )


async def _in_thread(function: Callable[..., T], *arguments: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(_analysis, function, *arguments)


async def _connect(fetcher: Fetcher, domain: str, reporter: Reporter) -> Response:
    reporter.report("connecting", f"Looking for {domain}")
    start = await connect(fetcher, domain)
    reporter.report("connecting", f"{start.url} answers", 1.0)
    return start


async def _first_impression(start: Response, reporter: Reporter) -> PageKind:
    """Tell early what the site seems to run on, and give the kind of its first page by itself.

    The real fingerprint is taken from many pages.
    """
    page = await _in_thread(Page.from_response, start)
    seen = await _in_thread(default_fingerprinter().page, page)
    reporter.report("fingerprinting", f"It looks like {seen.platform or 'a site of its own making'}", 1.0)
    kind, _confidence = await _in_thread(classify_page, page)
    return kind


async def _crawl(fetcher: Fetcher, start: Response, reporter: Reporter) -> Crawl:
    def on_progress(fetched: int, allowed: int) -> None:
        reporter.report("discovering", f"{fetched} of at most {allowed} pages", fetched / allowed)

    return await crawl(fetcher, start, on_progress=on_progress)


def _fingerprint(crawled: Crawl, robots_txt: str) -> Fingerprint:
    """Take the fingerprint from pages spread over the visit, so that every template has its say."""
    urls = _spread(list(crawled.pages.kinds()), _PAGES_FOR_FINGERPRINT)
    return default_fingerprinter().site(_stored(crawled, urls), robots_txt=robots_txt)


def _require_content(crawled: Crawl, start_kind: PageKind, fingerprint: Fingerprint) -> None:
    """Refuse a site that shows nothing, with the reason that comes nearest."""
    pages = crawled.facts[1:] if start_kind == "login" else crawled.facts
    if any(page.kind != "login" and (len(page.content) > _FEW_WORDS or len(page.links) > 1) for page in pages):
        return
    if start_kind == "login" or any(page.kind == "login" for page in pages):
        raise EngineError(ErrorCode.LOGIN_REQUIRED, f"{crawled.start_url} shows nothing but a login.")
    if fingerprint.requires_js:
        raise EngineError(
            ErrorCode.EMPTY_SITE,
            f"The pages of {crawled.start_url} are empty until a browser runs their scripts.",
            "Look for the data endpoints that its scripts call, or for an API of its owner.",
        )
    raise EngineError(ErrorCode.EMPTY_SITE, f"{crawled.start_url} answers, with nothing on its pages.")


async def _induce(
    crawled: Crawl, page_types: Sequence[PageType], deadline: float, reporter: Reporter
) -> list[Selector]:
    """Make the selectors of one page type after the other, for as long as there is time."""
    urls_of = await _in_thread(_urls_by_type, crawled, page_types)
    now = asyncio.get_running_loop().time
    selectors: list[Selector] = []
    for at, page_type in enumerate(page_types):
        if now() > deadline:
            break
        done = f"{at} of {len(page_types)} page types"
        reporter.report("inducing selectors", f"{done}, now {page_type.name}", at / len(page_types))
        selectors += await _in_thread(_induce_type, crawled, page_type, urls_of[page_type.name])
    return selectors


def _urls_by_type(crawled: Crawl, page_types: Sequence[PageType]) -> dict[str, list[str]]:
    """Give each stored page to the type that it was counted for."""
    found: dict[str, list[str]] = {page_type.name: [] for page_type in page_types}
    kinds = {page.url: page.kind for page in crawled.facts if page.url in crawled.pages}
    for url, kind in kinds.items():
        fitting = [page_type for page_type in page_types if matches_pattern(page_type.url_pattern, url)]
        if fitting:
            best = next((page_type for page_type in fitting if page_type.kind == kind), fitting[0])
            found[best.name].append(url)
    return found


def _induce_type(crawled: Crawl, page_type: PageType, urls: Sequence[str]) -> list[Selector]:
    pages = _stored(crawled, _spread(sorted(urls), _PAGES_PER_TYPE))
    return induce_selectors({page_type.name: pages}, {page_type.name: page_type.kind})


def _findings(
    crawled: Crawl, fingerprint: Fingerprint, page_types: list[PageType], selectors: list[Selector]
) -> Findings:
    return Findings(
        start_url=crawled.start_url,
        fingerprint=fingerprint,
        pages_fetched=len(crawled.facts),
        urls_known=len(crawled.known_urls),
        categories=discover.categories(crawled),
        page_types=page_types,
        selectors=selectors,
        endpoints=discover.endpoints(crawled),
        pagination=discover.pagination(crawled),
        filters=discover.filters(crawled),
        infinite_scroll=discover.infinite_scroll(crawled),
    )


def _stored(crawled: Crawl, urls: Sequence[str]) -> list[Page]:
    return [page for url in urls if (page := crawled.pages.get(url)) is not None]


def _spread(urls: Sequence[str], limit: int) -> list[str]:
    """At most `limit` of the URLs, evenly spread, the first one among them."""
    if len(urls) <= limit:
        return list(urls)
    return [urls[position * len(urls) // limit] for position in range(limit)]


def _neighbours(page: Page) -> list[str]:
    """Two pages that are likely to be of other templates: the deepest of the content, and the first of the menu."""
    inner = [link for link in page.links if same_site(link.url, page.url) and not is_asset(link.url)]
    content = [link.url for link in inner if link.region == "main" and link.url != page.url]
    deepest = max(content, key=lambda url: (url.count("/"), len(url)), default=None)
    menu = next((link.url for link in inner if link.region in ("nav", "header") and link.url != page.url), None)
    return list(dict.fromkeys(filter(None, (deepest, menu))))


def _example_urls(blueprint: Blueprint) -> list[str]:
    """Examples of every page type in turn, so that a bound leaves out no type."""
    columns = zip_longest(*(page_type.example_urls for page_type in blueprint.page_types))
    urls = dict.fromkeys(url for column in columns for url in column if url)
    return list(urls)[:_PAGES_TO_VERIFY]
