"""Collects what is found of a page's fields, and keeps the best of each."""

from typing import Final, Literal

import msgspec
from selectolax.lexbor import LexborNode

Source = Literal["json_ld", "microdata", "rdfa", "open_graph", "state", "html"]
Value = str | list[str]

MAX_VALUE: Final = 50_000
MAX_VALUES: Final = 500


class Finding(msgspec.Struct, frozen=True):
    """One candidate for a field."""

    value: Value
    source: Source
    confidence: float
    node: LexborNode | None = None


class Record:
    """Findings by field name."""

    def __init__(self) -> None:
        self._findings: dict[str, Finding] = {}

    def add(
        self, name: str, value: Value | None, source: Source, confidence: float, node: LexborNode | None = None
    ) -> None:
        """Keep a finding unless one at least as sure is known; empty values do not count."""
        if isinstance(value, list):
            value = [clean for part in value[:MAX_VALUES] if (clean := part.strip()[:MAX_VALUE])]
        elif value is not None:
            value = value.strip()[:MAX_VALUE]
        if not value:
            return
        known = self._findings.get(name)
        if known is None or confidence > known.confidence:
            self._findings[name] = Finding(value, source, round(confidence, 3), node)

    def __contains__(self, name: str) -> bool:
        return name in self._findings

    def get(self, name: str) -> Finding | None:
        """What is known of a field."""
        return self._findings.get(name)

    def text(self, name: str) -> str:
        """A field's value where it is a text; empty otherwise."""
        finding = self._findings.get(name)
        return finding.value if finding is not None and isinstance(finding.value, str) else ""

    def confidence(self, name: str) -> float:
        """How sure the best finding is; 0 where there is none."""
        finding = self._findings.get(name)
        return finding.confidence if finding is not None else 0.0

    def items(self) -> list[tuple[str, Finding]]:
        """All fields in the order in which they were first found."""
        return list(self._findings.items())
