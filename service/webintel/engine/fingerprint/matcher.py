"""Finds which rules hold on a page: one pass over its text for all literals, then a check around each hit."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import ahocorasick
import msgspec

from webintel.engine.fingerprint.rules import NAMED_KINDS, Definition, Rule
from webintel.engine.fingerprint.sections import SectionedText
from webintel.engine.page import Page

MAX_DETAIL = 200
_BEFORE, _AFTER = 160, 300
_MAX_HITS = 20_000

_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(\"[^\"]*\"?|'[^']*'?|[^\s>]+))?")
_IMAGE_ATTRIBUTES = frozenset(
    {"src", "srcset", "data-src", "data-srcset", "poster", "style", "data-lazy-src", "data-bg"}
)

_URL_KINDS = frozenset({"script", "stylesheet", "link", "frame", "image", "form"})
_TAG_KINDS = frozenset({"html", "class", "id", "attr", "image", "form", "selector"})

# A tag manager's loader snippet names the script it will load; a connection hint only says that it may.
_LOADER_FACTOR = 0.9
_HINT_FACTOR = 0.4


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that holds on a page."""

    rule: int
    weight: float
    section: str
    detail: str
    version: str | None


class _Target(msgspec.Struct, frozen=True):
    """What a hit in one section means for one rule."""

    rule: int
    factor: float


class Hit(NamedTuple):
    """A place where a literal stands, and what it means in each section."""

    start: int
    end: int
    targets: dict[str, list[_Target]]


class _Span(NamedTuple):
    """The part of the text that a rule may look at."""

    start: int
    end: int


class Matcher:
    """All rules of all technologies, compiled."""

    def __init__(self, definitions: Sequence[Definition]) -> None:
        self.rules: list[Rule] = []
        self.owners: list[int] = []
        for number, definition in enumerate(definitions):
            self.rules.extend(definition.rules)
            self.owners.extend([number] * len(definition.rules))
        targets: dict[str, dict[str, list[_Target]]] = {}
        for index, rule in enumerate(self.rules):
            for section, factor in _sections_for(rule):
                targets.setdefault(rule.literal, {}).setdefault(section, []).append(_Target(index, factor))
        self._targets = targets
        self._patterns = [re.compile(rule.pattern) if rule.pattern else None for rule in self.rules]
        self._versions = [re.compile(rule.version) if rule.version else None for rule in self.rules]
        self._automaton = ahocorasick.Automaton()
        for literal, by_section in targets.items():
            self._automaton.add_word(literal, (len(literal), by_section))
        self._automaton.make_automaton()

    def match(self, page: Page, text: SectionedText) -> list[Match]:
        """The rules that hold, each once, in the order of the rules."""
        return self.match_hits(page, text, self._hits(text.text))

    def match_hits(self, page: Page, text: SectionedText, hits: Iterable[Hit]) -> list[Match]:
        """Checks each hit of a literal; those of a rule that already holds in full are passed over."""
        found: dict[int, Match] = {}
        for hit in hits:
            section = text.section(hit.start)
            for target in hit.targets.get(section, ()):
                known = found.get(target.rule)
                if known is not None and self._is_settled(known, target):
                    continue
                match = self._check(page, text, section, target, hit)
                if match is not None and (known is None or _better(match, known)):
                    found[target.rule] = match
        return [found[index] for index in sorted(found)]

    def brute_force_hits(self, text: SectionedText) -> Iterator[Hit]:
        """Every hit of every literal without the automaton: slow, to check it against."""
        for literal, by_section in self._targets.items():
            start = text.text.find(literal)
            while start >= 0:
                yield Hit(start, start + len(literal), by_section)
                start = text.text.find(literal, start + 1)

    def _hits(self, text: str) -> Iterator[Hit]:
        for last, (length, by_section) in islice(self._automaton.iter(text), _MAX_HITS):
            yield Hit(last - length + 1, last + 1, by_section)

    def _is_settled(self, known: Match, target: _Target) -> bool:
        if known.weight < self.rules[target.rule].weight * target.factor:
            return False
        return known.version is not None or self._versions[target.rule] is None

    def _check(self, page: Page, text: SectionedText, section: str, target: _Target, hit: Hit) -> Match | None:
        rule = self.rules[target.rule]
        if not _at_boundary(rule, text.text, hit):
            return None
        record = _Span(*text.record(hit.start))
        span = _tag_span(rule, text.text, record, hit) if section == "tag" else record
        if span is None or (rule.kind in NAMED_KINDS and not _has_name(rule, text.text, record, hit)):
            return None
        pattern = self._patterns[target.rule]
        if pattern is not None and not pattern.search(_window(text.text, span, hit)):
            return None
        if rule.selector is not None and page.tree.css_first(rule.selector) is None:
            return None
        return Match(
            rule=target.rule,
            weight=rule.weight * target.factor,
            section=section,
            detail=text.original(max(span.start, hit.start - 60), min(span.end, hit.end + 120))[:MAX_DETAIL],
            version=_version(self._versions[target.rule], text.text, span, hit),
        )


def _window(text: str, span: _Span, hit: Hit) -> str:
    return text[max(span.start, hit.start - _BEFORE) : min(span.end, hit.end + _AFTER)]


def _version(version: re.Pattern[str] | None, text: str, span: _Span, hit: Hit) -> str | None:
    """The number usually follows the literal; else it stands before it in the same value."""
    if version is None:
        return None
    after = text[hit.end : min(span.end, hit.end + _AFTER)]
    found = version.search(after) or version.search(text[max(span.start, hit.start - _BEFORE) : hit.end])
    return found.group(1)[:30] if found and found.group(1) else None


def _better(match: Match, known: Match) -> bool:
    return (match.weight, match.version is not None) > (known.weight, known.version is not None)


def _sections_for(rule: Rule) -> list[tuple[str, float]]:
    if rule.kind in _TAG_KINDS:
        return [("tag", 1.0)]
    sections = [(rule.kind, 1.0)]
    if _names_host(rule.literal):
        if rule.kind == "script":
            sections.append(("inline", _LOADER_FACTOR))
        if rule.kind in {"script", "stylesheet"}:
            sections.append(("link", _HINT_FACTOR))
    return sections


@lru_cache(maxsize=4096)
def _names_host(literal: str) -> bool:
    host = literal.split("/", 1)[0]
    return re.fullmatch(r"[a-z0-9-]*(?:\.[a-z0-9-]+)+", host) is not None and not host.endswith((".js", ".css", ".mjs"))


def _at_boundary(rule: Rule, text: str, hit: Hit) -> bool:
    """Whether the literal stands alone and is not a piece of a longer word."""
    before, after = text[hit.start - 1], text[hit.end]
    if rule.kind in {"class", "id"}:
        return before in " \t\r\n\"'=" and (rule.prefix or after in " \t\r\n\"'>")
    if rule.kind == "attr":
        return before in " \t\r\n\"'/" and (rule.prefix or after in " \t\r\n=>/")
    if text[hit.start] in _WORD and (before in _WORD or (before == "-" and rule.kind in _URL_KINDS)):
        return False
    return rule.prefix or text[hit.end - 1] not in _WORD or after not in _WORD


def _has_name(rule: Rule, text: str, record: _Span, hit: Hit) -> bool:
    """Whether the record is the header, cookie or meta element that the rule names."""
    if rule.literal == rule.name:
        return hit.start == record.start and (rule.prefix or text.startswith((": ", "\x00"), hit.end))
    return text.startswith(rule.name + ": ", record.start) and hit.start > record.start + len(rule.name)


def _tag_span(rule: Rule, text: str, tag: _Span, hit: Hit) -> _Span | None:
    """The part of a start tag that a rule may look at, if the hit lies in the right attribute."""
    if rule.kind in {"html", "selector"}:
        return tag
    name = _ATTRIBUTE.match(text, tag.start + 1, tag.end)
    for found in _ATTRIBUTE.finditer(text, name.end() if name else tag.start + 1, tag.end):
        if found.end() < hit.end:
            continue
        if rule.kind == "attr":
            return _Span(*found.span()) if hit.start == found.start() else None
        in_value = found.group(2) is not None and hit.start >= found.start(2)
        if in_value and _right_attribute(rule.kind, found.group(1), text, tag.start):
            return _Span(*found.span(2))
        return None
    return None


def _right_attribute(kind: str, name: str, text: str, first: int) -> bool:
    if kind == "image":
        return name in _IMAGE_ATTRIBUTES
    if kind == "form":
        return name == "action" and text.startswith("<form", first)
    return name == kind
