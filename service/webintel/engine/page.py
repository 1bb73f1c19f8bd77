"""One page as everything that looks at pages sees it: parsed once, each view made when it is first asked for."""

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Final, Literal, Protocol, Self, TypeVar, cast

import msgspec
from lxml import html as lxml_html
from selectolax.lexbor import LexborHTMLParser, LexborNode

from webintel.engine import markup
from webintel.engine.structured import StructuredData, read_structured
from webintel.engine.urls import normalize_url

T = TypeVar("T")

Region = Literal["header", "nav", "breadcrumb", "main", "aside", "footer"]
Headers = tuple[tuple[str, str], ...]

_MAX_LINKS: Final = 20_000
_MAX_LINK_TEXT: Final = 300
_MAX_TEXT: Final = 2_000_000
_MAX_META: Final = 1_000
_LITTLE_TEXT: Final = 300
_MAX_PLAIN: Final = 1_000
# Links that are normal as they are, but for the site before them.
_PLAIN_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9]+)?)+/?")

_HIDDEN: Final = frozenset(
    ("script", "style", "noscript", "template", "svg", "head", "iframe", "select", "option", "object")
)
_TAG_REGIONS: Final[dict[str, Region]] = {
    "nav": "nav",
    "header": "header",
    "footer": "footer",
    "aside": "aside",
    "main": "main",
}
_ROLE_REGIONS: Final[dict[str, Region]] = {
    "navigation": "nav",
    "menubar": "nav",
    "menu": "nav",
    "banner": "header",
    "contentinfo": "footer",
    "complementary": "aside",
    "main": "main",
}
_BREADCRUMB: Final = re.compile(r"bread-?crumb|(?:^|[\s_-])crumbs?(?:$|[\s_-])|fil-?ariane", re.IGNORECASE)
_NAV: Final = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|mainmenu|topmenu|megamenu|topnav|drawer)(?:$|[\s_-])",
    re.IGNORECASE,
)
_FOOTER: Final = re.compile(r"(?:^|\s)(?:(?:site|page|main|global)[_-]?)?footer(?:$|[\s_-])", re.IGNORECASE)
_HEADER: Final = re.compile(
    r"(?:^|\s)(?:(?:site|global|main|top)[_-]?header|header|masthead|topbar|top-bar)(?:$|\s)", re.IGNORECASE
)
_ASIDE: Final = re.compile(
    r"(?:^|\s)(?:(?:left|right|primary|secondary|site|main|shop)[_-])?side-?(?:bar|nav)(?:$|[\s_-])", re.IGNORECASE
)
# What all names of regions have in common, to be done with the rest quickly.
_REGION_HINT: Final = re.compile(r"foot|head|mast|top|side|nav|menu|drawer|crumb|ariane", re.IGNORECASE)
_PAGER: Final = re.compile(r"paginat|(?:^|[\s_-])pager|page-?numbers|nav-links|load-?more", re.IGNORECASE)


class Link(msgspec.Struct, frozen=True):
    """A link to another page, made absolute and normalised."""

    url: str
    text: str
    rel: str
    region: Region
    classes: str
    href: str = ""
    """As it is written on the page."""


class SupportsResponse(Protocol):
    """What a page needs to know of a response."""

    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def status(self) -> int: ...  # noqa: D102
    @property
    def headers(self) -> Headers: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


class Page:
    """A page's address and text, and lazily its tree, links, metas and structured data.

    A page is not for use by several threads at once.
    """

    def __init__(self, url: str, html: str, *, status: int = 200, headers: Headers = ()) -> None:
        self.url = url
        self.html = html
        self.status = status
        self.headers = headers
        self._remembered: dict[object, object] = {}
        self._regions: dict[int, Region | None] = {}
        self._absolute: dict[str, str | None] = {}

    def remember(self, make: Callable[[Self], T]) -> T:
        """What a function says of this page, worked out once."""
        if make not in self._remembered:
            self._remembered[make] = make(self)
        return cast("T", self._remembered[make])

    @classmethod
    def from_bytes(cls, url: str, body: bytes, content_type: str | None = None) -> Self:
        """Make a page of raw bytes, finding out their charset."""
        headers: Headers = (("content-type", content_type),) if content_type else ()
        return cls(url, markup.decode(body, content_type), headers=headers)

    @classmethod
    def from_response(cls, response: SupportsResponse) -> Self:
        """Make a page of a fetched response."""
        content_type = next((value for name, value in response.headers if name == "content-type"), None)
        html = markup.decode(response.body, content_type)
        return cls(response.url, html, status=response.status, headers=response.headers)

    @cached_property
    def tree(self) -> LexborHTMLParser:
        """The parsed page; whoever changes it changes it for all."""
        return markup.parse(markup.bounded(self.html))

    @cached_property
    def lxml_root(self) -> lxml_html.HtmlElement:
        """The same tree for lxml, made from the parsed page so that both agree on its structure."""
        parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
        source = (self.tree.html or "").encode("utf-8", "replace").replace(b"\x00", b"")
        return lxml_html.document_fromstring(source or b"<html></html>", parser=parser, ensure_head_body=True)

    @cached_property
    def title(self) -> str | None:
        """The text of the title element."""
        node = self.tree.css_first("head > title, body > title")
        return (collapse(node.text())[:1_000] or None) if node is not None else None

    @cached_property
    def meta(self) -> dict[str, list[str]]:
        """Contents of the meta elements by name, property, itemprop or http-equiv in lower case."""
        found: dict[str, list[str]] = {}
        for node in self.tree.css("meta[content]")[:_MAX_META]:
            attributes = node.attributes
            name = attributes.get("property") or attributes.get("name") or attributes.get("http-equiv")
            content = attributes.get("content")
            if name and content:
                found.setdefault(name.strip().lower(), []).append(content.strip())
        return found

    @cached_property
    def language(self) -> str | None:
        """The page's language tag, in lower case."""
        root = self.tree.css_first("html")
        attributes = root.attributes if root is not None else {}
        declared = attributes.get("lang") or attributes.get("xml:lang")
        for value in (declared, *self.meta.get("content-language", ()), *self.meta.get("og:locale", ())):
            tag = (value or "").strip().replace("_", "-").lower()
            if re.fullmatch(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*", tag):
                return tag
        return None

    @cached_property
    def base_url(self) -> str:
        """What relative links are relative to."""
        node = self.tree.css_first("base[href]")
        href = (node.attributes.get("href") or "").strip() if node is not None else ""
        return (normalize_url(self.url, href) if href else None) or self.url

    @cached_property
    def canonical_url(self) -> str | None:
        """The address the page gives itself."""
        for node in self.tree.css("link[rel]")[:500]:
            attributes = node.attributes
            if "canonical" in (attributes.get("rel") or "").lower().split():
                return self.absolute(attributes.get("href"))
        return None

    @cached_property
    def _origin(self) -> str:
        root = normalize_url(self.base_url, "/")
        return root[:-1] if root is not None else ""

    def absolute(self, href: str | None) -> str | None:
        """A link as written on the page, made absolute; none where it leads to no page."""
        href = (href or "").strip()
        if not href or href[0] == "#":
            return None
        if href not in self._absolute:
            if self._origin and len(href) < _MAX_PLAIN and _PLAIN_PATH.fullmatch(href):
                self._absolute[href] = self._origin + href
            else:
                self._absolute[href] = normalize_url(self.base_url, href)
        return self._absolute[href]

    def region(self, node: LexborNode) -> Region:
        """The part of the page that an element stands in."""
        known = self._regions
        chain: list[LexborNode] = []
        ancestor = node.parent
        region: Region | None = None
        while ancestor is not None:
            identity = ancestor.mem_id
            if identity in known:
                region = known[identity]
                break
            chain.append(ancestor)
            ancestor = ancestor.parent
        for element in reversed(chain):
            region = _entered(element, region)
            known[element.mem_id] = region
        return region or "main"

    @cached_property
    def links(self) -> list[Link]:
        """All links of the page in document order, those within the page itself left out."""
        found: list[Link] = []
        for node in self.tree.css("a[href], area[href]")[:_MAX_LINKS]:
            attributes = node.attributes
            url = self.absolute(attributes.get("href"))
            if url is None:
                continue
            text = collapse(node.text(separator=" "))[:_MAX_LINK_TEXT] or _label(node)
            rel = (attributes.get("rel") or "").lower()
            region = self.region(node)
            found.append(Link(url, text, rel, region, attributes.get("class") or "", attributes.get("href") or ""))
        return found

    @cached_property
    def text(self) -> str:
        """The visible text, one line a block; what is for visitors without scripts only where there is hardly more."""
        text = visible_text(self.tree.body)
        if len(text) < _LITTLE_TEXT and self.tree.css_first("noscript") is not None:
            plain = visible_text(self.tree.body, _HIDDEN - {"noscript"})
            if len(plain) > 2 * _LITTLE_TEXT:
                return plain
        return text

    @cached_property
    def structured(self) -> StructuredData:
        """What the page says about itself for machines."""
        return read_structured(self.tree, self.base_url, self.meta)


def collapse(text: str | None) -> str:
    """Put text on one line with single spaces."""
    return " ".join(text.split()) if text else ""


def _label(node: LexborNode) -> str:
    attributes = node.attributes
    label = attributes.get("aria-label") or attributes.get("title")
    if not label:
        image = node.css_first("img[alt]")
        label = image.attributes.get("alt") if image is not None else None
    return collapse(label)[:_MAX_LINK_TEXT]


def _entered(element: LexborNode, outer: Region | None) -> Region | None:
    """The region within an element, given the one around it."""
    tag = element.tag or ""
    if tag in ("html", "body", "-document") or outer == "breadcrumb":
        return outer
    attributes = element.attributes
    names, label = f"{attributes.get('class') or ''} {attributes.get('id') or ''}", attributes.get("aria-label") or ""
    named = _named_region(names) if names != " " else None
    is_list = "BreadcrumbList" in (attributes.get("itemtype") or "")
    if named == "breadcrumb" or is_list or (label and _BREADCRUMB.search(label)):
        return "breadcrumb"
    own = _TAG_REGIONS.get(tag) or _ROLE_REGIONS.get((attributes.get("role") or "").lower()) or named
    if own is None or own == outer:
        return outer
    if own == "nav" and (outer == "footer" or _PAGER.search(f"{names} {label}")):
        return outer
    # The header or footer of an article belongs to the article.
    if outer in ("main", "footer") and own in ("header", "footer"):
        return outer
    return "nav" if outer == "nav" and own != "main" else own


@lru_cache(maxsize=8192)
def _named_region(names: str) -> Region | None:
    """The region that an element's classes and id speak of."""
    if not _REGION_HINT.search(names):
        return None
    names = names.strip()
    if _BREADCRUMB.search(names):
        return "breadcrumb"
    if _FOOTER.search(names):
        return "footer"
    if _HEADER.search(names):
        return "header"
    if _ASIDE.search(names):
        return "aside"
    return "nav" if _NAV.search(names) else None


_BLOCKS: Final = frozenset(
    (
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "button",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "body",
        "title",
        "label",
    )
)


def visible_text(root: LexborNode | None, hidden: frozenset[str] = _HIDDEN) -> str:
    """The text of a node that a reader may see, one line a block."""
    if root is None:
        return ""
    parts: list[str] = []
    length = 0
    open_elements = [(root.iter(include_text=True), "")]
    while open_elements and length < _MAX_TEXT:
        children, end = open_elements[-1]
        for child in children:
            tag = child.tag
            if tag == "-text":
                text = child.text_content or ""
                parts.append(text)
                length += len(text)
            elif tag not in hidden:
                mark = "\n" if tag in _BLOCKS else ""
                parts.append(mark)
                open_elements.append((child.iter(include_text=True), mark))
                break
        else:
            parts.append(end)
            open_elements.pop()
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)
