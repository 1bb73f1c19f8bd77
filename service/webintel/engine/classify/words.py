"""Counts in one pass which of the known phrases and class names a page uses."""

from collections import Counter
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import ahocorasick
import msgspec

_SEPARATORS: Final = str.maketrans("_-", "  ")


class _Vocabulary(msgspec.Struct, frozen=True):
    phrases: dict[str, list[str]]
    """Signal to the phrases that count toward it, in lower case."""
    classes: dict[str, list[str]]
    """Signal to words, and pairs of neighbouring words, of class names."""
    marks: dict[str, list[str]]
    """Signal to what software writes about itself into the generator, the root elements or the top of a page."""


@lru_cache(maxsize=1)
def vocabulary() -> _Vocabulary:
    """The words that come with the engine."""
    return msgspec.json.decode(files(__package__).joinpath("vocabulary.json").read_bytes(), type=_Vocabulary)


@lru_cache(maxsize=1)
def _phrases() -> ahocorasick.Automaton:
    signals: dict[str, list[str]] = {}
    for name, phrases in vocabulary().phrases.items():
        for phrase in phrases:
            signals.setdefault(phrase, []).append(name)
    automaton = ahocorasick.Automaton()
    for phrase, names in signals.items():
        automaton.add_word(phrase, (len(phrase), tuple(names)))
    automaton.make_automaton()
    return automaton


@lru_cache(maxsize=1)
def _classes() -> tuple[dict[str, tuple[str, ...]], dict[str, dict[str, tuple[str, ...]]]]:
    """Signals by word, and by first and second word of a pair."""
    single: dict[str, tuple[str, ...]] = {}
    double: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, words in vocabulary().classes.items():
        for word in words:
            first, _, second = word.partition(" ")
            group = double.setdefault(first, {}) if second else single
            group[second or first] = (*group.get(second or first, ()), name)
    return single, double


def count_phrases(text: str) -> Counter[str]:
    """How often the text has phrases of each signal, as whole words; the text is in lower case."""
    found: Counter[str] = Counter()
    last = len(text) - 1
    for end, (length, names) in _phrases().iter(text):
        start = end - length
        if (end == last or not text[end + 1].isalnum()) and (start < 0 or not text[start].isalnum()):
            for name in names:
                found[name] += 1
    return found


def count_classes(classes: Counter[str]) -> Counter[str]:
    """How many elements have class names of each signal, given how many elements have each class attribute."""
    found: Counter[str] = Counter()
    for value, count in classes.items():
        for name in class_signals(value):
            found[name] += count
    return found


@lru_cache(maxsize=8192)
def class_signals(value: str) -> tuple[str, ...]:
    """The signals of one class attribute."""
    single, double = _classes()
    words = value[:300].lower().translate(_SEPARATORS).split()
    found: set[str] = set()
    for word in words:
        if word in single:
            found.update(single[word])
    if not double.keys().isdisjoint(words):
        for first, second in pairwise(words):
            found.update(double.get(first, {}).get(second, ()))
    return tuple(sorted(found))
