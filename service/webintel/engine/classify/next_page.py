"""Finds the page on which a listing, a thread or a long article goes on.

A link that calls itself "next" is not enough: manuals and blogs link the next chapter or post in the same way. What
counts is that its address is that of this page with another page number.
"""

import re
from functools import lru_cache
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

import msgspec

from webintel.engine.page import Link, Page
from webintel.engine.urls import normalize_url

_PATH_NUMBERS: Final = (
    re.compile(r"(?:/|-)(?:page|pg|seite|pagina|sida|side|strona|stranka)[-_/]?(\d{1,5})(?=/|$|\.|-)"),
    re.compile(r"/p[-_]?(\d{1,4})(?=/?$)"),
    re.compile(r"-o[ar]?(\d{1,5})(?=-|$)"),
    re.compile(r"(?:/|[-_])(\d{1,2})(?=/?$|\.\w{2,5}$)"),
)
_OFFSET_PATH: Final = 2
_COMMENTS: Final = re.compile(r"comment-page|#comments|cpage=|replytocom|[?&]month=|[?&]date=", re.IGNORECASE)

_ARROWS: Final = frozenset((">", ">>", "\u203a", "\u00bb", "\u2192", "\u203a\u203a", "\u276f", "\u25b6", "\u2794"))
_EDGES: Final = re.compile(r"^[^\w]+|[^\w]+$")
_NEXT_CLASS: Final = re.compile(r"(?:^|[\s_-])(?:page|pagination|pager)?next(?:$|[\s_-])|pageNext", re.IGNORECASE)


class _Words(msgspec.Struct, frozen=True):
    """What pagers say in many languages, and the parameters they set."""

    next: frozenset[str]
    more: frozenset[str]
    page_parameters: frozenset[str]
    offset_parameters: frozenset[str]


@lru_cache(maxsize=1)
def _words() -> _Words:
    return msgspec.json.decode(files(__package__).joinpath("pager_words.json").read_bytes(), type=_Words)


class _Address(msgspec.Struct, frozen=True):
    """An address taken apart into what stays from page to page, and the number of the page."""

    host: str
    path: str
    query: frozenset[tuple[str, str]]
    number: int | None
    is_offset: bool


def next_page_url(page: Page) -> str | None:
    """The absolute address of the page that follows this one; none where it is the last or stands alone."""
    return page.remember(_find)


def _find(page: Page) -> str | None:
    here = _address(page.url)
    if here is None:
        return None
    best: tuple[int, str] | None = None
    for rank, href in _candidates(page, here):
        if best is None or rank > best[0]:
            best = (rank, href)
    return urldefrag(urljoin(page.base_url, best[1].strip())).url if best is not None else None


def _candidates(page: Page, here: _Address) -> list[tuple[int, str]]:
    """Links that lead to the page after this one, with how plainly they say so."""
    found: list[tuple[int, str]] = []
    for node in page.tree.css("head link[rel], link[rel=next]")[:300]:
        attributes = node.attributes
        href = attributes.get("href") or ""
        if "next" in (attributes.get("rel") or "").lower().split() and _is_next(
            page, here, page.absolute(href), weak=True
        ):
            found.append((6, href))
    for link in page.links:
        rank = _label_rank(link)
        if rank and not _COMMENTS.search(link.href) and _is_next(page, here, link.url, weak=rank >= 4, text=link.text):
            found.append((rank, link.href))
    return found


def _label_rank(link: Link) -> int:
    """How plainly a link says that it leads to the next page; 0 where it does not."""
    if "next" in link.rel.split():
        return 5
    text = link.text
    if len(text) > 40:
        return 0
    if text.isdigit():
        return 2
    words = _EDGES.sub("", text).lower()
    if words in _words().next or (not words and text in _ARROWS):
        return 4
    if words in _words().more:
        return 1
    # An icon, or a label in a language that is not known here.
    return 3 if _NEXT_CLASS.search(link.classes) else 0


def _is_next(page: Page, here: _Address, url: str | None, *, weak: bool, text: str = "") -> bool:
    there = _address(url) if url is not None else None
    if there is None or url == page.url or there.host != here.host or there.path != here.path:
        return False
    if there.number is None:
        # Cursors and other opaque positions: the same path with another query, and a link that says "next".
        return weak and there.query != here.query and bool(there.query)
    return here.query <= there.query and _follows(here, there, text)


def _follows(here: _Address, there: _Address, text: str) -> bool:
    """Whether the number of an address is the one after this page's, and agrees with the number the link shows."""
    number = there.number or 0
    if there.is_offset:
        return number > (here.number or 0) and (text in ("", "2") or not text.isdigit() or here.number is not None)
    if text.isdigit() and int(text) - number not in (0, 1):
        return False
    if here.number is not None:
        return number == here.number + 1
    # Some count from 0: the first page has no number, and the second has 1.
    return text == "2" if text.isdigit() else number in (1, 2)


def _address(url: str) -> _Address | None:
    normal = normalize_url(url, url)
    if normal is None:
        return None
    parts = urlsplit(normal)
    number: int | None = None
    is_offset = False
    pages, offsets = _words().page_parameters, _words().offset_parameters
    rest: set[tuple[str, str]] = set()
    for name, value in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100):
        lowered = name.lower()
        known = lowered in pages or lowered in offsets
        if number is None and known and value.isdigit() and len(value) <= 15:
            number = int(value)
            is_offset = lowered in offsets
        elif lowered != "ref":
            rest.add((lowered, value))
    path = parts.path
    if number is None:
        path, number, is_offset = _path_number(path)
    host = parts.netloc.removeprefix("www.")
    return _Address(host, path.rstrip("/").removesuffix("/index"), frozenset(rest), number, is_offset)


def _path_number(path: str) -> tuple[str, int | None, bool]:
    for place, pattern in enumerate(_PATH_NUMBERS):
        matches = list(pattern.finditer(path))
        if matches:
            last = matches[-1]
            return path[: last.start()] + path[last.end() :], int(last[1]), place == _OFFSET_PATH
    return path, None, False
