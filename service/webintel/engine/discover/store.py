"""The pages of one crawl, compressed and bounded: twenty crawls at once must fit into one worker."""

import zlib
from collections import Counter
from collections.abc import Iterator

import msgspec

from webintel.engine.model import PageKind
from webintel.engine.page import Headers, Page


class StoredPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page as kept."""

    url: str
    kind: PageKind
    template: str
    status: int
    headers: Headers
    packed: bytes


class PageStore:
    """Keeps some pages of every template, in the order they were fetched; iterating gives each as a fresh `Page`."""

    def __init__(self, per_template: int, max_bytes: int) -> None:
        self._per_template = per_template
        self._max_bytes = max_bytes
        self._stored: dict[str, StoredPage] = {}
        self._templates: Counter[str] = Counter()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._stored)

    def __contains__(self, url: object) -> bool:
        return url in self._stored

    def __iter__(self) -> Iterator[Page]:
        for stored in self._stored.values():
            yield _unpacked(stored)

    @property
    def bytes_kept(self) -> int:
        """The size of all pages, compressed."""
        return self._bytes

    def add(self, page: Page, kind: PageKind, template: str) -> bool:
        """Keep a page unless its template has enough; the biggest template makes room where bytes are short."""
        place = f"{kind} {template}"
        if page.url in self._stored or self._templates[place] >= self._per_template:
            return False
        packed = zlib.compress(page.html.encode("utf-8", "replace"), 4)
        while self._stored and self._bytes + len(packed) > self._max_bytes:
            most = max(self._templates.values())
            if self._templates[place] >= most:
                return False
            self._drop_last(next(name for name, count in self._templates.items() if count == most))
        if self._bytes + len(packed) > self._max_bytes:
            return False
        self._stored[page.url] = StoredPage(
            url=page.url, kind=kind, template=place, status=page.status, headers=page.headers, packed=packed
        )
        self._templates[place] += 1
        self._bytes += len(packed)
        return True

    def _drop_last(self, template: str) -> None:
        url = next(url for url in reversed(self._stored) if self._stored[url].template == template)
        self._bytes -= len(self._stored.pop(url).packed)
        self._templates[template] -= 1

    def get(self, url: str) -> Page | None:
        """The page of a URL, if it was kept."""
        stored = self._stored.get(url)
        return _unpacked(stored) if stored is not None else None

    def kinds(self) -> dict[str, PageKind]:
        """The URLs kept, in order, with the kind of each page."""
        return {url: stored.kind for url, stored in self._stored.items()}


def _unpacked(stored: StoredPage) -> Page:
    html = zlib.decompress(stored.packed).decode("utf-8")
    return Page(stored.url, html, status=stored.status, headers=stored.headers)
