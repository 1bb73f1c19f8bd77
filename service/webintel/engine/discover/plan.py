"""How much of a site a crawl looks at before it is content."""

from typing import Self

import msgspec

DEFAULT_PAGES = 150


class CrawlPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets of one crawl; pages beyond a budget are known but not fetched."""

    details: int = 24
    """Pages of things (products, articles, ...) in all, and ..."""
    details_per_template: int = 16
    """... by one URL template, so that selectors can be tried on pages that they were not made from."""
    detail_weight: float = 3.0
    """Their share while there is other work; categories weigh 3."""
    listings: int = 90
    """Categories and other listings, first pages only."""
    paging: int = 6
    """Further pages of listings in all, and ..."""
    paging_per_listing: int = 2
    unknown: int = 24
    """Pages whose use is not known before they are fetched, and ..."""
    unknown_per_template: int = 3
    information: int = 4
    """Pages about the site itself, and cross-cutting listings such as tags, brands and archives."""
    duplicates_per_template: int = 3
    """After so many pages that repeat another page's content a template is given up."""
    failures_per_template: int = 6
    links_per_page: int = 600
    known_urls: int = 60_000
    waiting_per_template: int = 600
    """Of what sitemaps list; whatever is beyond is known, and waits for a link."""
    sitemap_files: int = 15
    sitemap_urls: int = 50_000
    stored_pages_per_template: int = 24
    stored_bytes: int = 16_000_000
    """Compressed."""

    @classmethod
    def for_budget(cls, max_pages: int) -> Self:
        """The default plan, or for whoever allows more pages than by default, one that goes on while there are any."""
        if max_pages <= DEFAULT_PAGES:
            return cls()
        return cls(
            details=max_pages,
            details_per_template=max_pages,
            detail_weight=5.0,
            listings=max_pages,
            paging=max_pages,
            paging_per_listing=max_pages,
            information=10,
            unknown=40,
            sitemap_files=50,
        )
