"""Which pages to learn from, and which to test on."""

from collections.abc import Sequence

from webintel.engine.page import Page

MAX_TRAINING = 12
MAX_OTHERS = 12


def split_pages(pages: Sequence[Page]) -> tuple[list[Page], list[Page]]:
    """Pages to learn from and further ones to test on, each spread evenly over the ordered URLs."""
    ordered = [page for _, page in sorted({page.url: page for page in pages}.items())]
    training = spread(ordered, MAX_TRAINING)
    taken = {page.url for page in training}
    return training, spread([page for page in ordered if page.url not in taken], MAX_OTHERS)


def spread(pages: list[Page], limit: int) -> list[Page]:
    """At most so many pages, evenly over all."""
    if len(pages) <= limit:
        return pages
    return [pages[round(position * (len(pages) - 1) / (limit - 1))] for position in range(limit)]


def fresh(page: Page) -> Page:
    """The same page with nothing parsed yet, so that its trees can be dropped when they are no longer needed."""
    return Page(page.url, page.html, status=page.status, headers=page.headers)
