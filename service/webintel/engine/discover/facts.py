"""What is kept of every page that was fetched, whether or not the page itself is: plain data, bounded."""

import re
from heapq import nsmallest
from typing import Final
from zlib import crc32

import msgspec
from selectolax.lexbor import LexborNode

from webintel.engine.discover.controls import Control, page_controls
from webintel.engine.discover.params import Content
from webintel.engine.discover.sources import Source, page_sources
from webintel.engine.model import PageKind
from webintel.engine.page import Page, Region, collapse
from webintel.engine.urls import is_asset, normalize_url, same_site

_SIGNATURE_NODES: Final = 2_500
_MAX_CHROME: Final = 40
_SKETCH: Final = 48
_MAX_WORDS: Final = 3_000
_REPEATED: Final = frozenset({"Product", "Article", "BlogPosting", "NewsArticle", "Recipe", "DiscussionForumPosting"})
_MAX_MENU: Final = 500
_VARYING: Final = re.compile(r"\d+")
_ALL_OF: Final = re.compile(r"^(?:(?:shop|view|see|show) )?(?:all|alle|alles|tout|todo) ", re.IGNORECASE)
_CLASS_NAME: Final = re.compile(r"[a-zA-Z][\w-]*")


class LinkFact(msgspec.Struct, frozen=True, gc=False):
    """A link to a page of the site."""

    url: str
    text: str
    region: Region


class MenuLink(msgspec.Struct, frozen=True, gc=False):
    """A link of a nested menu, and the link it hangs under."""

    url: str
    text: str
    parent: str | None


class Crumb(msgspec.Struct, frozen=True, gc=False):
    """One step of a breadcrumb trail; the last one is often no link."""

    name: str
    url: str | None


class PageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A fetched page in brief."""

    url: str
    requested_url: str
    canonical: str | None = None
    kind: PageKind
    confidence: float
    title: str = ""
    heading: str = ""
    links: tuple[LinkFact, ...] = ()
    menu: tuple[MenuLink, ...] = ()
    crumbs: tuple[Crumb, ...] = ()
    next_page: str | None = None
    next_selector: str | None = None
    controls: tuple[Control, ...] = ()
    sources: tuple[Source, ...] = ()
    grows: str | None = None
    """How a listing grows without a link: `infinite_scroll` or `load_more`."""
    json_ld: bool = False
    declares: tuple[str, ...] = ()
    """Types of the page's own structured data."""
    signature: frozenset[int] = frozenset()
    """Hashes of the page's tags and classes: pages of one template share most of them."""
    content: Content = ()


def page_facts(
    page: Page, verdict: tuple[PageKind, float], next_page: str | None, *, requested_url: str = "", max_links: int = 600
) -> PageFacts:
    """Take from a page what discovery needs.

    Args:
        page: the page as fetched.
        verdict: its kind, and how sure that is.
        next_page: where its listing goes on.
        requested_url: what was asked for, if not the page's own address.
        max_links: how many links to keep.
    """
    kind, confidence = verdict
    next_page = normalize_url(page.url, next_page) if next_page else None
    heading = _heading(page)
    links = _links(page, max_links)
    return PageFacts(
        url=page.url,
        requested_url=requested_url or page.url,
        canonical=page.canonical_url,
        kind=kind,
        confidence=confidence,
        title=page.title or "",
        heading=heading,
        links=links,
        menu=_menu(page, links),
        crumbs=_crumbs(page),
        next_page=next_page,
        next_selector=_next_selector(page, next_page) if next_page else None,
        controls=page_controls(page) if kind in ("collection", "listing", "search", "home") else (),
        sources=page_sources(page),
        grows=_grows(page) if kind in ("collection", "listing", "home") and next_page is None else None,
        json_ld=any(item.get("@source") == "json_ld" for item in page.structured.items),
        declares=_declares(page),
        signature=_signature(page),
        content=_content(page, heading),
    )


def _heading(page: Page) -> str:
    node = page.tree.css_first("h1")
    return collapse(node.text(separator=" "))[:200] if node is not None else ""


def _links(page: Page, limit: int) -> tuple[LinkFact, ...]:
    found: dict[tuple[str, Region], LinkFact] = {}
    for link in page.links:
        if len(found) >= limit:
            break
        place = (link.url, link.region)
        earlier = found.get(place)
        if earlier is not None:
            if not earlier.text and link.text:
                found[place] = LinkFact(link.url, link.text[:120], link.region)
            continue
        if same_site(link.url, page.url) and not is_asset(link.url):
            found[place] = LinkFact(link.url, link.text[:120], link.region)
    return tuple(found.values())


def _menu(page: Page, links: tuple[LinkFact, ...]) -> tuple[MenuLink, ...]:
    """The links of navigation lists with the list item they hang under."""
    places = {link.url for link in links if link.region in ("nav", "header", "aside")}
    found: dict[str, MenuLink] = {}
    for node in page.tree.css("li a[href]")[:2_000]:
        url = page.absolute(node.attributes.get("href"))
        if url is None or url not in places or (url in found and found[url].parent is not None):
            continue
        text = found[url].text if url in found else collapse(node.text(separator=" "))[:120]
        found[url] = MenuLink(url, text, _menu_parent(page, node, url))
        if len(found) >= _MAX_MENU:
            break
    return tuple(found.values())


def _menu_parent(page: Page, node: LexborNode, url: str) -> str | None:
    item = _ancestor_item(node)
    steps = 0
    while item is not None and steps < 8:
        steps += 1
        head = item.css_first("a[href]")
        if head is not None and head.mem_id != node.mem_id and _stands_above(head, node, item):
            heading = _column_heading(page, node, item)
            parent = heading or page.absolute(head.attributes.get("href"))
            if parent is not None and parent != url:
                return parent
        item = _ancestor_item(item)
    return None


def _stands_above(head: LexborNode, node: LexborNode, item: LexborNode) -> bool:
    """Whether an item's first link names the item, and is not merely the first of the links within it."""
    block = _list_of(head)
    if block is None or block.mem_id != getattr(_list_of(node), "mem_id", None):
        return True
    label = item.css_first("summary, button, span, a:not([href])")
    return label is not None and _ALL_OF.sub("", collapse(head.text())) == collapse(label.text())


def _list_of(node: LexborNode) -> LexborNode | None:
    ancestor = node.parent
    while ancestor is not None and ancestor.tag not in ("ul", "ol"):
        ancestor = ancestor.parent
    return ancestor


def _ancestor_item(node: LexborNode) -> LexborNode | None:
    ancestor = node.parent
    while ancestor is not None and ancestor.tag not in ("li", "body"):
        ancestor = ancestor.parent
    return ancestor if ancestor is not None and ancestor.tag == "li" else None


def _column_heading(page: Page, node: LexborNode, item: LexborNode) -> str | None:
    """The link right before the list a menu link stands in, where the menu is laid out in columns within one item."""
    block = node.parent
    while block is not None and block.tag not in ("ul", "ol"):
        block = block.parent
    if block is None:
        return None
    before = block.prev
    while before is not None and before.tag in ("-text", "-comment"):
        before = before.prev
    if before is None or item.css_first("a[href]") is None:
        return None
    heading = before if before.tag == "a" else before.css_first("a[href]")
    return page.absolute(heading.attributes.get("href")) if heading is not None else None


def _crumbs(page: Page) -> tuple[Crumb, ...]:
    for item in page.structured.items:
        if "BreadcrumbList" in str(item.get("@type")):
            trail = _structured_crumbs(page, item)
            if len(trail) > 1:
                return trail
    links = [link for link in page.links if link.region == "breadcrumb"][:12]
    return tuple(Crumb(link.text, link.url) for link in links if link.text)


def _structured_crumbs(page: Page, item: dict[str, object]) -> tuple[Crumb, ...]:
    found: list[tuple[int, Crumb]] = []
    steps = item.get("itemListElement")
    for order, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        target = _first(step.get("item"))
        inner = target if isinstance(target, dict) else {}
        name = _first(step.get("name")) or _first(inner.get("name"))
        href = _first(target) if isinstance(target, str) else inner.get("@id") or inner.get("url") or step.get("url")
        href = _first(href)
        position = str(_first(step.get("position")) or "")
        url = page.absolute(href) if isinstance(href, str) else None
        if isinstance(name, str) and collapse(name):
            found.append((int(position[:4]) if position.isdigit() else order, Crumb(collapse(name)[:120], url)))
    return tuple(crumb for _, crumb in sorted(found, key=lambda pair: pair[0])[:12])


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else (None if isinstance(value, list) else value)


def _next_selector(page: Page, next_page: str) -> str | None:
    """A CSS selector of the link to the next page, the plainest that finds just it."""
    for selector in (
        'link[rel="next"]',
        'a[rel="next"]',
        "a.next",
        ".next a",
        'a[aria-label="Next"]',
        "a.pagination__next",
    ):
        node = page.tree.css_first(selector)
        if node is not None and page.absolute(node.attributes.get("href")) == next_page:
            return selector
    for node in page.tree.css("a[href]")[:3_000]:
        if page.absolute(node.attributes.get("href")) == next_page:
            for selector in _class_selectors(node):
                first = page.tree.css_first(selector)
                if first is not None and page.absolute(first.attributes.get("href")) == next_page:
                    return selector
    return None


def _class_selectors(node: LexborNode) -> list[str]:
    own = [f"a.{name}" for name in (node.attributes.get("class") or "").split() if _CLASS_NAME.fullmatch(name)]
    parent = node.parent
    above = (parent.attributes.get("class") or "").split() if parent is not None else []
    return own + [f".{name} > a:last-of-type" for name in above if _CLASS_NAME.fullmatch(name)]


def _grows(page: Page) -> str | None:
    html = page.html
    if re.search(r"infinite-?scroll|data-infinite|infinitescroll|jscroll|data-next-url", html, re.IGNORECASE):
        return "infinite_scroll"
    for node in page.tree.css("button, a[class], [role=button]")[:1_500]:
        label = collapse(node.text()).lower()
        if len(label) < 30 and re.fullmatch(
            r"(?:load|show|view|see) more(?: \w+)?|mehr (?:laden|anzeigen)|voir plus|ver m\u00e1s", label
        ):
            return "load_more"
    return None


def _declares(page: Page) -> tuple[str, ...]:
    names: dict[str, int] = {}
    for item in page.structured.items[:50]:
        types = item.get("@type")
        for name in types if isinstance(types, list) else [types]:
            if isinstance(name, str):
                names[name] = names.get(name, 0) + 1
    # A page of one product declares it once; a listing declares many.
    return tuple(sorted(name for name, count in names.items() if count == 1 or name not in _REPEATED))


def _signature(page: Page) -> frozenset[int]:
    found: set[int] = set()
    chrome = 0
    for node in page.tree.css("body[class], body [class], body [id]")[:_SIGNATURE_NODES]:
        # What frames every page tells no template from another, and large menus would drown the rest.
        if node.tag != "body" and page.region(node) in ("header", "nav", "footer"):
            chrome += 1
            if chrome > _MAX_CHROME:
                continue
        attributes = node.attributes
        names = (attributes.get("class") or "").split()[:2] or [attributes.get("id") or ""]
        if node.tag == "body":
            # A body names its template in one class and the page itself in others.
            names = [name for name in (attributes.get("class") or "").split()[:6] if not _VARYING.search(name)]
        found.update(crc32(f"{node.tag}.{_VARYING.sub('', name)}".encode()) for name in names)
    return frozenset(nsmallest(200, found))


def _content(page: Page, heading: str) -> Content:
    words = page.text.split(None, _MAX_WORDS)[:_MAX_WORDS]
    triples = {crc32(" ".join(words[start : start + 3]).encode()) for start in range(max(len(words) - 2, 0))}
    return (crc32(f"{page.title}|{heading}".encode()), *nsmallest(_SKETCH, triples))
