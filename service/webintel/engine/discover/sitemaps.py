"""Sitemaps of every form: indexes, URL sets, plain text, RSS and Atom, gzipped or not.

Read by a scanner and not by an XML parser: real sitemaps are often not well formed, there is nothing in them worth
a tree, and without a parser there are no entities, no external documents and no deep nesting to guard against.
"""

import asyncio
import codecs
import html
import re
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, Literal, TypeVar

import msgspec

from webintel.engine.errors import EngineError
from webintel.engine.urls import normalize_url

SitemapKind = Literal["index", "urlset", "feed", "text", "none"]

Item = TypeVar("Item")

_CHUNK: Final = 1 << 18
_MAX_CARRY: Final = 1 << 14
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ENTRY: Final = re.compile(
    r"<(?:(?!image:|video:|news:)[A-Za-z][\w.-]*:)?(loc|lastmod)\b[^<>]*>([^<]*(?:<!\[CDATA\[[^<]*)?)</", re.IGNORECASE
)
_FEED_ENTRY: Final = re.compile(r"<(item|entry)\b[^<>]*>(.*?)</\1\s*>", re.DOTALL)
_RSS_LINK: Final = re.compile(r"<link>([^<]*(?:<!\[CDATA\[[^<]*)?)</link>")
_ATOM_LINK: Final = re.compile(r"<link\b([^<>]*?)/?>")
_ATOM_HREF: Final = re.compile(r"""\bhref\s*=\s*["']([^"']+)["']""")
_ATOM_OTHER_REL: Final = re.compile(r"""\brel\s*=\s*["'](?!alternate["'])""")
_FEED_DATE: Final = re.compile(r"<(?:pubDate|updated|dc:date)>([^<]*)<")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


class SitemapLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a site's sitemaps is read at most."""

    files: int = 50
    depth: int = 4
    urls_per_file: int = 50_000
    urls_in_total: int = 100_000
    inflated_bytes_per_file: int = 52_428_800
    """What the sitemap protocol allows one file to hold."""


class SitemapEntry(msgspec.Struct, frozen=True, gc=False):
    """A URL that a sitemap lists."""

    url: str
    last_modified: str | None = None


class Sitemap(msgspec.Struct, frozen=True, kw_only=True):
    """What one file says; `entries` are further sitemaps where the kind is `index`."""

    kind: SitemapKind
    entries: list[SitemapEntry]
    complete: bool
    """False where a limit cut it short."""


class _TextChunks:
    """The decoded text in pieces, so that a gzip bomb costs one piece of memory and no more than `limit` of time."""

    def __init__(self, body: bytes, limit: int) -> None:
        self.truncated = False
        self._left = limit
        pieces = self._inflated(body) if body.startswith(_GZIP_MAGIC) else self._sliced(body)
        self._text = self._decoded(pieces)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._text)

    def _decoded(self, pieces: Iterator[bytes]) -> Iterator[str]:
        decoder: codecs.IncrementalDecoder | None = None
        for piece in pieces:
            if decoder is None:
                wide = piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
                decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8")(errors="replace")
            yield decoder.decode(piece)

    def _sliced(self, body: bytes) -> Iterator[bytes]:
        self.truncated = len(body) > self._left
        for start in range(0, min(len(body), self._left), _CHUNK):
            yield body[start : min(start + _CHUNK, self._left)]

    def _inflated(self, body: bytes) -> Iterator[bytes]:
        inflater = zlib.decompressobj(wbits=31)
        data = body
        while self._left > 0 and not inflater.eof:
            try:
                piece = inflater.decompress(data, min(_CHUNK, self._left))
            except zlib.error:
                piece = b""
            if not piece:
                break
            self._left -= len(piece)
            data = inflater.unconsumed_tail
            yield piece
        self.truncated = not inflater.eof


def parse_sitemap(body: bytes, url: str, limits: SitemapLimits | None = None) -> Sitemap:
    """Read one sitemap file of any form, never more of it than the limits allow.

    Args:
        body: the file as received, gzipped or not.
        url: where it was found, to resolve relative entries.
        limits: the most to read.
    """
    limits = limits or SitemapLimits()
    chunks = _TextChunks(body, limits.inflated_bytes_per_file)
    first = next(chunks, "")
    start = first.lstrip("\ufeff \t\r\n")[:2048]
    if not start:
        return Sitemap(kind="none", entries=[], complete=True)
    if not start.startswith("<"):
        return _bounded("text", _text_lines(first, chunks), url, limits.urls_per_file, chunks)
    if _HTML.search(start):
        return Sitemap(kind="none", entries=[], complete=True)
    if "<rss" in start or "<feed" in start or "<rdf:RDF" in start:
        return _bounded("feed", _feed_entries(first, chunks), url, limits.urls_per_file, chunks)
    kind: SitemapKind = "index" if "sitemapindex" in start else "urlset"
    return _bounded(kind, _xml_entries(first, chunks), url, limits.urls_per_file, chunks)


def _bounded(
    kind: SitemapKind, found: Iterator[tuple[str, str | None]], base: str, limit: int, chunks: _TextChunks
) -> Sitemap:
    entries: list[SitemapEntry] = []
    for raw, last_modified in found:
        if len(entries) >= limit:
            return Sitemap(kind=kind, entries=entries, complete=False)
        url = normalize_url(base, _plain(raw))
        if url is not None:
            entries.append(SitemapEntry(url, last_modified.strip() if last_modified else None))
    if kind == "text" and not entries:
        kind = "none"
    return Sitemap(kind=kind, entries=entries, complete=not chunks.truncated)


def _plain(raw: str) -> str:
    if "<![CDATA[" in raw:
        raw = raw.replace("<![CDATA[", "").replace("]]>", "")
    return html.unescape(raw) if "&" in raw else raw


def _text_lines(first: str, rest: Iterator[str]) -> Iterator[tuple[str, str | None]]:
    carry = ""
    for chunk in (first, *rest):
        *lines, carry = (carry + chunk).splitlines(keepends=True) or [""]
        for line in lines:
            if line.lstrip("\ufeff ").startswith(("http://", "https://")):
                yield line.strip("\ufeff \r\n\t"), None
        carry = carry[-_MAX_CARRY:]
    if carry.startswith(("http://", "https://")):
        yield carry.strip(), None


def _windows(first: str, rest: Iterator[str], pattern: re.Pattern[str], max_carry: int) -> Iterator[re.Match[str]]:
    """Matches over a stream; a match may straddle two chunks as long as it is shorter than `max_carry`."""
    carry = ""
    chunk: str | None = first
    while chunk is not None:
        text = carry + chunk
        if "<!--" in text:
            text = _COMMENT.sub("", text)
        end = 0
        for match in pattern.finditer(text):
            end = match.end()
            yield match
        carry = text[max(end, len(text) - max_carry) :]
        chunk = next(rest, None)


def _xml_entries(first: str, rest: Iterator[str]) -> Iterator[tuple[str, str | None]]:
    waiting: str | None = None
    for match in _windows(first, rest, _ENTRY, _MAX_CARRY):
        if match[1].lower() == "loc":
            if waiting is not None:
                yield waiting, None
            waiting = match[2]
        elif waiting is not None:
            # The protocol fixes the order: `lastmod` follows its `loc`.
            yield waiting, match[2]
            waiting = None
    if waiting is not None:
        yield waiting, None


def _feed_entries(first: str, rest: Iterator[str]) -> Iterator[tuple[str, str | None]]:
    for match in _windows(first, rest, _FEED_ENTRY, _CHUNK):
        entry = match[2]
        link = _feed_link(entry)
        if link:
            date = _FEED_DATE.search(entry)
            yield link, date[1] if date else None


def _feed_link(entry: str) -> str | None:
    if rss := _RSS_LINK.search(entry):
        return rss[1].strip()
    for attributes in _ATOM_LINK.findall(entry):
        href = _ATOM_HREF.search(attributes)
        if href and not _ATOM_OTHER_REL.search(attributes):
            return href[1]
    return None


class SitemapFile(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one sitemap."""

    url: str
    kind: SitemapKind
    hint: str
    urls: int = 0
    complete: bool = True
    error: str | None = None


class SitemapSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """All that a site's sitemaps say, within the limits."""

    files: list[SitemapFile]
    urls: dict[str, str]
    """Each listed URL, in order, with the hint of the file that lists it."""


async def survey_sitemaps(
    fetch: Callable[[str], Awaitable[bytes]], starts: Sequence[str], limits: SitemapLimits | None = None
) -> SitemapSurvey:
    """Read a site's sitemaps breadth first; one that fails is recorded and costs nothing else.

    Args:
        fetch: gives a file's body or raises `EngineError`.
        starts: where to begin, in order of trust.
        limits: the most to read.
    """
    limits = limits or SitemapLimits()
    files: list[SitemapFile] = []
    urls: dict[str, str] = {}
    level, seen = list(dict.fromkeys(starts)), set(starts)
    for _ in range(limits.depth):
        children: list[str] = []
        for position, url in enumerate(order_children(level, limits.files - len(files))):
            hint = sitemap_hint(url)
            try:
                body = await fetch(url)
            except EngineError as error:
                files.append(SitemapFile(url=url, kind="none", hint=hint, error=error.code.value))
                continue
            sitemap = await asyncio.to_thread(parse_sitemap, body, url, limits)
            if sitemap.kind == "index":
                children += [entry.url for entry in sitemap.entries if entry.url not in seen]
                seen.update(children)
            else:
                waiting = max(min(len(level), limits.files) - position, 1) + len(children)
                share = (limits.urls_in_total - len(urls)) // waiting
                for entry in evenly(sitemap.entries, max(share, 0)):
                    urls.setdefault(entry.url, hint)
            files.append(
                SitemapFile(url=url, kind=sitemap.kind, hint=hint, urls=len(sitemap.entries), complete=sitemap.complete)
            )
        level = list(dict.fromkeys(children))
    return SitemapSurvey(files=files, urls=urls)


_HINT_WORDS: Final = {
    "category": r"product[-_]?cat|collection|categor|taxonom|(?<![a-z])cats?(?![a-z])|section|department",
    "product": r"product|item|goods|catalog|(?<![a-z])p(?:dp)?(?![a-z])|sku",
    "article": r"post|article|blog|news|stor(?:y|ies)|recipe",
    "documentation": r"docs?(?![a-z])|documentation|guide|help|kb",
    "forum": r"forum|topic|thread|discussion",
    "page": r"page|static|content",
}
_HINTS: Final = {hint: re.compile(words, re.IGNORECASE) for hint, words in _HINT_WORDS.items()}
_MINOR: Final = re.compile(
    r"tag|author|user|image|video|media|attachment|store[-_]?locator|brand|member", re.IGNORECASE
)
_HINT_ORDER: Final = ("category", "product", "article", "documentation", "forum", "page", "other", "minor")


def sitemap_hint(url: str) -> str:
    """What a sitemap's name says about its URLs: a word of `_HINT_ORDER`."""
    name = url.split("//", 1)[-1].partition("/")[2].lower().replace("sitemap", " ")
    if _MINOR.search(name) and not _HINTS["category"].search(name):
        return "minor"
    return next((hint for hint, pattern in _HINTS.items() if pattern.search(name)), "other")


def order_children(urls: list[str], budget: int) -> list[str]:
    """Choose which of an index's sitemaps to read when not all can be: a fair share per kind, spread evenly over each.

    Args:
        urls: the children in the index's order.
        budget: how many may be read.
    """
    groups: dict[str, list[str]] = {}
    for url in dict.fromkeys(urls):
        groups.setdefault(sitemap_hint(url), []).append(url)
    ordered = sorted(groups.items(), key=lambda item: _HINT_ORDER.index(item[0]))
    chosen: list[list[str]] = []
    left = max(budget, 0)
    for position, (_, group) in enumerate(ordered):
        waiting_groups = len(ordered) - position - 1
        # Every later kind keeps at least one file of its own, as far as the budget reaches.
        share = max(min(len(group), left - min(waiting_groups, left // 2)), 0)
        chosen.append(evenly(group, share))
        left -= share
    return [url for group in chosen for url in group]


def evenly(items: list[Item], count: int) -> list[Item]:
    """At most `count` of the items in their order, spread over the whole list."""
    if count >= len(items):
        return items
    return [items[position * len(items) // count] for position in range(count)] if count > 0 else []
