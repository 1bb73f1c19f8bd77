"""Lays a page out as one text of labelled sections, so that one pass finds every literal and where it stands.

Visible text is left out: what an article says about a technology is no sign that the page uses it.
"""

import re
from bisect import bisect_right

from selectolax.lexbor import LexborNode

from webintel.engine.page import Page

SEPARATOR = "\x00"

_MAX_HTML = 4_000_000
_MAX_INLINE = 100_000
_MAX_STATE = 60_000
_MAX_CSS = 4_000
_MAX_VALUE = 2_000
_MAX_TAG = 400
_MAX_RECORDS = 20_000

_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_COMMENT = re.compile(r"<!--([^>]{3,400})")
_DRAWING = re.compile(r"<(?:path|g|rect|circle|line|polygon|use|br|li)(?=[\s/>])", re.IGNORECASE)
_CODE_TYPES = ("javascript", "module", "text/plain", "ecmascript", "partytown", "babel", "rocketlazyload", "lazy")
# Scripts that only carry data: their head names the framework, their body is content.
_STATE_SCRIPT = re.compile(
    r"__next_f\b|__nuxt__|__initial_state__|__apollo_state__|__preloaded_state__|__remixcontext|__sveltekit|__reactrouter"
    r"|__initial_data__|__app_state__|window\.__data",
    re.IGNORECASE,
)
_STATE_HEAD = 300


class SectionedText:
    """The sections of one page as one lower-case text, with each section's place in it.

    Records within a section stand between separators. Both texts hold UTF-8 bytes read as Latin-1, so that
    lower-casing is quick and never moves a place.
    """

    def __init__(self, sections: list[tuple[str, list[str]]]) -> None:
        self._names: list[str] = []
        self._starts: list[int] = []
        parts: list[bytes] = []
        place = 0
        for name, records in sections:
            if not records:
                continue
            joined = SEPARATOR + SEPARATOR.join(records) + SEPARATOR
            encoded = joined.encode("utf-8", "surrogatepass")
            self._names.append(name)
            self._starts.append(place)
            parts.append(encoded)
            place += len(encoded)
        whole = b"".join(parts)
        self._original = whole
        self.text = whole.lower().decode("latin-1")

    def section(self, place: int) -> str:
        """The section in which a place of the text lies."""
        return self._names[bisect_right(self._starts, place) - 1]

    def record(self, place: int) -> tuple[int, int]:
        """Start and end of the record in which a place of the text lies."""
        return self.text.rfind(SEPARATOR, 0, place) + 1, self.text.find(SEPARATOR, place)

    def original(self, start: int, end: int) -> str:
        """A piece of the page as it was written, on one line."""
        return " ".join(self._original[start:end].decode("utf-8", "ignore").split())


def sections_of(page: Page, robots_txt: str | None = None) -> SectionedText:
    """Takes apart what a page says outside its visible text."""
    html = page.html[:_MAX_HTML]
    found: dict[str, list[str]] = {
        name: [] for name in ("script", "stylesheet", "link", "frame", "inline", "state", "css")
    }
    for node in page.tree.css("script, link, iframe, style")[:_MAX_RECORDS]:
        _READERS[str(node.tag)](node, found)
    return SectionedText(
        [
            ("url", [page.url]),
            ("header", _headers(page)),
            ("cookie", _cookies(page)),
            (
                "meta",
                [f"{name}: {content[:_MAX_VALUE]}" for name, contents in page.meta.items() for content in contents],
            ),
            ("robots", [robots_txt[:_MAX_STATE]] if robots_txt else []),
            *((name, list(dict.fromkeys(records))) for name, records in found.items()),
            ("comment", _COMMENT.findall(html)[:_MAX_RECORDS]),
            ("tag", _tags(html)),
        ]
    )


def _headers(page: Page) -> list[str]:
    return [f"{name.lower()}: {value[:_MAX_VALUE]}" for name, value in page.headers if name.lower() != "set-cookie"]


def _cookies(page: Page) -> list[str]:
    cookies = [value.split(";", 1)[0] for name, value in page.headers if name.lower() == "set-cookie"]
    return [": ".join(cookie.strip().split("=", 1))[:_MAX_VALUE] for cookie in cookies]


def _read_script(node: LexborNode, found: dict[str, list[str]]) -> None:
    attributes = node.attributes
    source = attributes.get("src") or next((attributes[name] for name in attributes if name.endswith("-src")), None)
    if source:
        found["script"].append(source[:_MAX_VALUE])
        return
    body = (node.text() or "").strip()
    if not body:
        return
    body = body.replace("\\/", "/")
    kind = (attributes.get("type") or "javascript").lower()
    if not any(word in kind for word in _CODE_TYPES):
        found["state"].append(body[:_MAX_STATE])
    elif _STATE_SCRIPT.search(body, 0, _STATE_HEAD):
        found["inline"].append(body[:_STATE_HEAD])
        found["state"].append(body[:_MAX_STATE])
    else:
        found["inline"].append(body[:_MAX_INLINE])


def _read_link(node: LexborNode, found: dict[str, list[str]]) -> None:
    attributes = node.attributes
    target = attributes.get("href") or attributes.get("data-href")
    if not target:
        return
    relation = (attributes.get("rel") or "").lower()
    use = (attributes.get("as") or "").lower()
    if relation == "modulepreload" or use == "script":
        found["script"].append(target[:_MAX_VALUE])
    elif "stylesheet" in relation or use == "style":
        found["stylesheet"].append(target[:_MAX_VALUE])
    else:
        found["link"].append(f"{relation} {target[:_MAX_VALUE]}")


def _read_frame(node: LexborNode, found: dict[str, list[str]]) -> None:
    attributes = node.attributes
    target = attributes.get("src") or next((attributes[name] for name in attributes if name.endswith("-src")), None)
    if target:
        found["frame"].append(target[:_MAX_VALUE])


def _read_style(node: LexborNode, found: dict[str, list[str]]) -> None:
    body = (node.text() or "").strip()
    if body:
        found["css"].append(body[:_MAX_CSS])


_READERS = {"script": _read_script, "link": _read_link, "iframe": _read_frame, "style": _read_style}


def _tags(html: str) -> list[str]:
    """The distinct start tags, those within scripts left out."""
    parts = []
    place = 0
    while (start := html.find("<script", place)) >= 0:
        end_of_tag = html.find(">", start) + 1
        end = html.find("</script", end_of_tag) if end_of_tag else -1
        parts.append(html[place : end_of_tag or len(html)])
        place = end if end >= 0 else len(html)
    parts.append(html[place:])
    tags = dict.fromkeys(_TAG.findall("".join(parts)))
    return [tag[:_MAX_TAG] for tag in tags if len(tag) > 6 and not _DRAWING.match(tag)][:_MAX_RECORDS]
