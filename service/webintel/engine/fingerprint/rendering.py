"""Whether a page shows its content only after its scripts ran, with the reasons in words."""

import math
import re
from collections.abc import Iterator
from contextlib import suppress

import msgspec
from selectolax.lexbor import LexborNode

from webintel.engine.page import Page

# Signs of a page that stands in for the one asked for until a browser has proved itself.
_CHALLENGE = re.compile(
    r"_cf_chl_opt|cf-browser-verification|cdn-cgi/challenge-platform/h/[bg]/orchestrate|geo\.captcha-delivery\.com"
    r"|px-captcha|_Incapsula_Resource\?[^\"']*SWHANEDL|sec-if-cpt-container|gokuProps|ak-challenge|ddos-guard/js-challenge"
    r"|window\._pxAppId[^<]{0,400}captcha|kpsdk|Please enable JS and disable any ad blocker",
    re.IGNORECASE,
)
_CHALLENGE_TITLE = re.compile(
    r"^(?:just a moment|attention required|checking your browser|verifying you are human|access denied|robot check"
    r"|one moment, please|are you a (?:robot|human)|pardon our interruption|security check|ddos-guard)",
    re.IGNORECASE,
)
_DEMAND = re.compile(
    r"(?:enable|activate|turn on|needs?|requires?|without|activer|aktivieren|habilit|abilita|inschakelen)[^.]{0,40}"
    r"java\s?script|java\s?script[^.]{0,60}(?:enabled?|required|disabled|turned on|activ|necess)",
    re.IGNORECASE,
)
_SKELETONS = ", ".join(
    f"[class*={word}]" for word in ("skeleton", "shimmer", "placeholder-glow", "content-loader", "loading-placeholder")
)
_LOADING = re.compile(r"^(?:please wait|loading)\b.{0,40}$", re.IGNORECASE)

_ROOTS = (
    "#root, #app, #__next, #__nuxt, #___gatsby, #svelte, #react-root, #react-app, #reactRoot, #app-root, #appRoot, "
    "#main-app, #app-main, #vue-app, #ember-app, #q-app, #App, #mount, #application, app-root, [ng-app], [ng-version], "
    "[data-reactroot]"
)
# Elements whose attributes hold what the page's scripts will show.
_DATA_ELEMENTS = (
    "[data-preloaded], [data-page], [data-props], [data-react-props], [data-initial-state], [data-state], [data-store]"
)
_MIN_DATA, _MAX_DATA = 1_000, 3_000_000
_MAINS = "main, [role=main], #main, #content, #main-content, #maincontent"

_CHALLENGE_TEXT = 3_000
_THIN = 1_500
# From here on no gap could change the verdict.
_PLENTY = 8_000
_NO_TEXT, _MUCH_MARKUP = 20, 1_500
_PRIOR = -1.0
_DECISION = 0.0
_MAX_NODES = 30_000
_MAX_REASONS = 6
_MAX_KNOWN_REASONS = 1_000

_RICH_TYPES = frozenset(
    {"product", "productgroup", "recipe", "newsarticle", "article", "blogposting", "jobposting", "event"}
)


def requires_javascript(page: Page) -> tuple[bool, float, list[str]]:
    """Whether the content needs a browser, how sure that is, and why."""
    length = len(page.text)
    challenge = _challenge(page, length)
    if challenge is not None:
        return True, 0.95, [challenge]
    gaps = list(_gap_signs(page, length)) if length < _PLENTY else []
    # Stored pages often come without their scripts; then only what scripts would have filled tells.
    if not gaps and not page.tree.css_first("script"):
        return False, 0.98, ["The page has no scripts, and no place that scripts would fill."]
    signs = [*_text_signs(length), *gaps]
    if sum(points for points, _ in signs) > 0:
        signs.extend(_embedded_signs(page, length))
    score = _PRIOR + sum(points for points, _ in signs)
    verdict = score > _DECISION
    confidence = round(0.5 + 0.49 * math.tanh(abs(score - _DECISION) / 1.5), 4)
    reasons = [reason for points, reason in sorted(signs, key=lambda sign: -abs(sign[0])) if (points > 0) == verdict]
    return verdict, confidence, reasons[:_MAX_REASONS] or ["Nothing points to content that only scripts bring."]


def _challenge(page: Page, length: int) -> str | None:
    if length > _CHALLENGE_TEXT:
        return None
    title = page.title or ""
    if _CHALLENGE_TITLE.match(title):
        return f"The page is a challenge to visitors, titled '{title[:60]}'."
    found = _CHALLENGE.search(page.html) if length < _THIN else None
    return f"The page is a challenge to visitors ({found.group(0)[:40]})." if found else None


def _text_signs(length: int) -> Iterator[tuple[float, str]]:
    steps = ((200, 2.0), (600, 1.3), (_THIN, 0.5))
    for bound, points in steps:
        if length < bound:
            yield points, f"The page holds only {length} characters of text."
            return
    if length >= 3_000:
        yield (-3.0 if length >= _PLENTY else -1.5), f"The page holds {length} characters of text as it is served."


def _gap_signs(page: Page, length: int) -> Iterator[tuple[float, str]]:
    """Places where content should be and is not."""
    if length < _NO_TEXT and len(page.html) > _MUCH_MARKUP:
        yield 0.5, f"Its {len(page.html)} characters of markup show nothing."
    root = _empty_root(page)
    if root is not None:
        yield (2.0 if length < _THIN else 0.8), f"Its application root {root} is empty."
    main = _emptiest_main(page)
    if main is not None:
        yield (1.6 if length < 4_000 else 1.0), f"Its main part {main} holds next to no text."
    if any(_DEMAND.search(node.text() or "") for node in page.tree.css("noscript")[:50]):
        yield (0.9 if length < _THIN else 0.2), "It asks visitors without JavaScript to enable it."
    skeletons = len(page.tree.css(_SKELETONS))
    if skeletons >= 3:
        yield (1.2 if length < 3_000 else 0.5), f"It shows {skeletons} placeholders for content to come."
    scripts = sum(len(node.text() or "") for node in page.tree.css("script:not([src])")[:300])
    if length < 600 and scripts + 30_000 * len(page.tree.css("script[src]")) > 100 * max(length, 200):
        yield 0.5, "Its scripts outweigh its text by far."
    if length < 200 and any(_LOADING.match(line) for line in page.text.splitlines()):
        yield 0.7, "It says that it is loading."


def _empty_root(page: Page) -> str | None:
    for node in page.tree.css(_ROOTS)[:20]:
        if not _has_text(node, 60):
            return _described(node)
    return None


def _emptiest_main(page: Page) -> str | None:
    """The main part, if there is one and all of them are next to empty."""
    mains = page.tree.css(_MAINS)[:20]
    if not mains or any(_has_text(node, 120) for node in mains):
        return None
    return _described(mains[0])


def _has_text(node: LexborNode, enough: int) -> bool:
    """Whether a node shows at least so many characters, scripts and the like aside."""
    total = 0
    for child in node.traverse(include_text=True):
        parent = child.parent
        if (
            child.tag == "-text"
            and parent is not None
            and parent.tag not in {"script", "style", "noscript", "template"}
        ):
            total += len((child.text() or "").strip())
            if total >= enough:
                return True
    return False


def _described(node: LexborNode) -> str:
    name = node.attributes.get("id")
    return f"#{name}"[:60] if name else f"<{node.tag}>"


def _embedded_signs(page: Page, length: int) -> Iterator[tuple[float, str]]:
    """Content that scripts would show but that stands in the page as data."""
    best, name = 0, ""
    for label, data in _embedded_data(page):
        prose = _prose(data)
        if prose > best:
            best, name = prose, label
    if best >= max(400, length // 2):
        yield -5.0, f"Its content stands in the page as data ({name}, {best} characters of prose)."
    spare = sum(len((node.text() or "").strip()) for node in page.tree.css("noscript")[:50])
    if spare >= max(400, length // 2):
        yield -5.0, f"It serves {spare} characters of text to visitors without scripts."
    kinds = sorted({kind for item in page.structured.items for kind in _types(item)} & _RICH_TYPES)
    if kinds:
        yield -1.5, f"Structured data describes its content ({', '.join(kinds)})."


def _embedded_data(page: Page) -> Iterator[tuple[str, object]]:
    for state in page.structured.states:
        yield state.name, state.data
    for node in page.tree.css(_DATA_ELEMENTS)[:20]:
        for name, value in node.attributes.items():
            if value and name.startswith("data-") and _MIN_DATA <= len(value) <= _MAX_DATA and value[0] in "{[":
                with suppress(msgspec.DecodeError, RecursionError):
                    yield name, _unpacked(msgspec.json.decode(value))


def _unpacked(data: object) -> object:
    """Data of which some values are JSON in text once more, as in Discourse's preloaded store."""
    if not isinstance(data, dict):
        return data
    unpacked = []
    for value in list(data.values())[:100]:
        unpacked.append(value)
        if isinstance(value, str) and len(value) >= _MIN_DATA and value[0] in "{[":
            with suppress(msgspec.DecodeError, RecursionError):
                unpacked[-1] = msgspec.json.decode(value)
    return unpacked


def _types(item: dict[str, object]) -> list[str]:
    value = item.get("@type", item.get("type"))
    values = value if isinstance(value, list) else [value]
    return [str(entry).rsplit("/", 1)[-1].lower() for entry in values if entry]


def _prose(data: object) -> int:
    """Characters in strings that read like sentences."""
    total = 0
    waiting = [data]
    for _ in range(_MAX_NODES):
        if not waiting:
            break
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and _reads_like_prose(value):
            total += len(value)
    return total


def _reads_like_prose(value: str) -> bool:
    head = value[:200]
    if value.count(" ") < 3 or "{" in head or head.startswith(("http", "<svg")):
        return False
    return sum(character.isalpha() or character == " " for character in head) > 0.7 * len(head)


class Verdicts:
    """The verdicts on a site's pages, brought together."""

    def __init__(self) -> None:
        self._confidences: dict[bool, list[float]] = {True: [], False: []}
        self._reasons: dict[bool, dict[str, int]] = {True: {}, False: {}}

    def add(self, verdict: tuple[bool, float, list[str]]) -> None:
        """Takes note of one page's verdict."""
        requires, confidence, reasons = verdict
        self._confidences[requires].append(confidence)
        known = self._reasons[requires]
        for reason in reasons:
            if reason in known or len(known) < _MAX_KNOWN_REASONS:
                known[reason] = known.get(reason, 0) + 1

    def merged(self) -> tuple[bool, float, list[str]]:
        """The site's verdict: that of the weightier side, as sure as its pages are agreed."""
        weights = {side: math.fsum(values) for side, values in self._confidences.items()}
        total = math.fsum(weights.values())
        if not total:
            return False, 0.5, ["No page was seen."]
        requires = weights[True] > weights[False]
        side = self._confidences[requires]
        confidence = round(weights[requires] / total * math.fsum(side) / len(side), 4)
        ranked = sorted(self._reasons[requires].items(), key=lambda entry: -entry[1])
        return requires, confidence, [reason for reason, _ in ranked[:_MAX_REASONS]]
