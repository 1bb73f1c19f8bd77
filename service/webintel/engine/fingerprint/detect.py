"""Weighs the rules that hold into technologies, for one page or over the pages of a site."""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from webintel.engine.fingerprint import complexity, rendering
from webintel.engine.fingerprint.matcher import Match, Matcher
from webintel.engine.fingerprint.rules import Definition, load_rules
from webintel.engine.fingerprint.sections import sections_of
from webintel.engine.model import Evidence, Fingerprint, Technology
from webintel.engine.page import Page

THRESHOLD = 0.6
"""What the evidence must add up to: one strong rule or two weak ones."""

MAX_EVIDENCE = 5
MAX_CONFIDENCE = 0.99
_IMPLIED = 0.95

SHOP_GROUP = "platform"
# Where a site's content may be kept, in the order in which the name of the platform is taken.
PLATFORM_GROUPS = (SHOP_GROUP, "cms", "forum", "documentation", "static_site_generator")


class _Seen(msgspec.Struct):
    """A rule that holds somewhere on the site."""

    match: Match
    url: str
    pages: int = 1


class Fingerprinter:
    """Detects technologies with the package's rules and, if given, a folder of the user's own."""

    def __init__(self, extra_rules: Path | None = None) -> None:
        self.definitions: Sequence[Definition] = load_rules(extra_rules)
        self.matcher = Matcher(self.definitions)
        self._numbers = {definition.name: number for number, definition in enumerate(self.definitions)}

    def page(self, page: Page) -> Fingerprint:
        """What one page shows."""
        return self.site([page])

    def site(self, pages: Iterable[Page], robots_txt: str | None = None) -> Fingerprint:
        """What the pages of a site show together; pages are taken one at a time and not kept."""
        seen: dict[int, _Seen] = {}
        verdicts = rendering.Verdicts()
        traits = complexity.Traits()
        count = 0
        for page in pages:
            robots = robots_txt if count == 0 else None
            count += 1
            for match in self.matcher.match(page, sections_of(page, robots)):
                known = seen.get(match.rule)
                if known is None:
                    seen[match.rule] = _Seen(match, page.url)
                    continue
                known.pages += 1
                if match.weight > known.match.weight or (known.match.version is None and match.version is not None):
                    known.match, known.url = match, page.url
            verdicts.add(rendering.requires_javascript(page))
            traits.add(page)
        technologies = self._technologies(seen, count)
        platform = _platform(technologies)
        requires_js, certainty, reasons = verdicts.merged()
        score, complexity_reasons = complexity.score(traits, technologies, platform, requires_js=requires_js)
        return Fingerprint(
            platform=platform,
            requires_js=requires_js,
            requires_js_confidence=certainty,
            requires_js_reasons=reasons,
            technologies=technologies,
            complexity_score=score,
            complexity_reasons=complexity_reasons,
        )

    def _technologies(self, seen: dict[int, _Seen], pages: int) -> list[Technology]:
        by_owner: dict[int, list[_Seen]] = {}
        for index in sorted(seen):
            by_owner.setdefault(self.matcher.owners[index], []).append(seen[index])
        confidences = {}
        for number, hits in by_owner.items():
            confidence = _combined(hits, pages)
            if confidence >= THRESHOLD:
                confidences[number] = confidence
        implied = self._settle(confidences)
        technologies = [
            self._technology(number, by_owner.get(number, []), confidence, implied.get(number))
            for number, confidence in confidences.items()
        ]
        return sorted(technologies, key=lambda found: (found.group, -found.confidence, found.name))

    def _settle(self, confidences: dict[int, float]) -> dict[int, str]:
        """Applies what technologies require, exclude and imply; returns which ones are there by implication."""
        for number in sorted(confidences):
            required = self.definitions[number].requires
            if required and not any(self._numbers[name] in confidences for name in required):
                del confidences[number]
        for number in sorted(confidences, key=lambda n: (-confidences[n], n)):
            for name in self.definitions[number].excludes if number in confidences else ():
                if confidences.get(self._numbers[name], 2.0) <= confidences[number]:
                    del confidences[self._numbers[name]]
        implied: dict[int, str] = {}
        waiting = sorted(confidences, key=lambda n: (-confidences[n], n))
        while waiting:
            number = waiting.pop(0)
            for name in self.definitions[number].implies:
                target = self._numbers[name]
                if target not in confidences:
                    confidences[target] = round(confidences[number] * _IMPLIED, 4)
                    implied[target] = self.definitions[number].name
                    waiting.append(target)
        return implied

    def _technology(self, number: int, hits: list[_Seen], confidence: float, implied_by: str | None) -> Technology:
        definition = self.definitions[number]
        hits = sorted(hits, key=lambda hit: (-hit.match.weight, hit.match.rule))
        evidence: dict[tuple[str, str], Evidence] = {}
        for hit in hits:
            kind = self.matcher.rules[hit.match.rule].kind
            where = hit.match.section if hit.match.section != "tag" else kind
            evidence.setdefault((where, hit.match.detail), Evidence(kind=where, detail=hit.match.detail, url=hit.url))
        listed = list(evidence.values())[:MAX_EVIDENCE]
        if implied_by is not None:
            listed = [*listed[: MAX_EVIDENCE - 1], Evidence(kind="implied", detail=f"{implied_by} is built on it")]
        return Technology(
            name=definition.name,
            group=definition.group,
            version=next((hit.match.version for hit in hits if hit.match.version), None),
            confidence=confidence,
            evidence=listed,
        )


@cache
def default_fingerprinter() -> Fingerprinter:
    """The fingerprinter with the package's own rules, compiled once."""
    return Fingerprinter()


def _combined(hits: list[_Seen], pages: int) -> float:
    doubt = math.prod(1 - hit.match.weight for hit in hits)
    confidence = 1 - doubt
    often = max(hit.pages for hit in hits)
    if confidence >= THRESHOLD and pages > 1 and often > 1:
        # The same sign on several pages is no accident, though never as good as another sign.
        confidence = 1 - doubt * max(0.5, 1 - 0.1 * (often - 1))
    return round(min(confidence, MAX_CONFIDENCE), 4)


def _platform(technologies: list[Technology]) -> str | None:
    for group in PLATFORM_GROUPS:
        found = [technology for technology in technologies if technology.group == group]
        if found:
            return found[0].name
    return None
