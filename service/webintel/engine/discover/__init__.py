"""Finding out how a site is laid out: its pages, their types, the category tree and the ways through them."""

from webintel.engine.discover.categories import build_categories
from webintel.engine.discover.controls import merge_filters
from webintel.engine.discover.crawl import Crawl, crawl
from webintel.engine.discover.endpoints import build_endpoints
from webintel.engine.discover.paging import build_pagination
from webintel.engine.discover.plan import CrawlPlan
from webintel.engine.discover.templates import cluster_pages
from webintel.engine.model import Category, Endpoint, Filter, PageType, Pagination

__all__ = [
    "Crawl",
    "CrawlPlan",
    "categories",
    "crawl",
    "endpoints",
    "filters",
    "infinite_scroll",
    "page_types",
    "pagination",
]


def page_types(crawled: Crawl) -> list[PageType]:
    """The site's page types."""
    return cluster_pages(crawled.facts, crawled.known_urls, crawled.model)


def categories(crawled: Crawl) -> list[Category]:
    """The site's category tree, parents before children."""
    return build_categories(crawled.facts, crawled.model, crawled.sitemaps.urls)


def pagination(crawled: Crawl) -> Pagination:
    """How the site's listings go on."""
    return build_pagination(crawled.facts, crawled.model)


def filters(crawled: Crawl) -> list[Filter]:
    """How the site's listings can be narrowed and sorted."""
    return merge_filters(page.controls for page in crawled.facts)


def endpoints(crawled: Crawl) -> list[Endpoint]:
    """The site's machine-readable sources."""
    return build_endpoints(crawled.facts, crawled.sitemaps, crawled.probes)


def infinite_scroll(crawled: Crawl) -> bool:
    """Whether listings grow on scrolling, without a link to a next page."""
    listings = [page for page in crawled.facts if page.kind in ("collection", "listing")]
    return any(page.grows == "infinite_scroll" for page in listings) and not any(page.next_page for page in listings)
