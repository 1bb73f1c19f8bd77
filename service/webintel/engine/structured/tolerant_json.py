"""Reads JSON as it is found on pages: what a strict parser takes, and whatever can be saved of the rest."""

import html
import json
import re
from typing import Final

import msgspec

MAX_TEXT: Final = 4_000_000
MAX_SALVAGED_TEXT: Final = 500_000
MAX_DEPTH: Final = 60
_MAX_VALUES: Final = 200

_decoder: Final = json.JSONDecoder(strict=False)
_WRAPPING: Final = re.compile(
    r"(?:<!--|-->|//\s*(?=<!\[CDATA\[|\]\]>)|/\*\s*(?=<!\[CDATA\[|\]\]>)|<!\[CDATA\[|\]\]>|\*/)"
)
_BETWEEN: Final = re.compile(r"(?:[\s;,\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SPACE: Final = re.compile(r"(?:[\s\ufeff\xa0]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|<!--|-->)*+")
_BARE: Final = re.compile(r"[^\s,:{}\[\]\"']++")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
# A quote ends a string only where the text goes on as JSON does: many pages forget to escape quotes.
_AFTER_STRING: Final = re.compile(
    r"\s*(?:[:}\]]|,\s*(?:[\"'{}\[\]\d-]|true|false|null|//|/\*|\w+\s*:)|,?\s*$|\s+\"[\w@:]+\"\s*:)"
)
_STRING_STOP: Final = {quote: re.compile(rf"[^\\{quote}]*+") for quote in "\"'"}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_WORDS: Final[dict[str, object]] = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None}


def loads(text: str) -> list[object]:
    """Read all values in a text that should be JSON; several in a row, a broken one as far as it goes."""
    text = text.strip("\ufeff \t\r\n;")
    if not text or len(text) > MAX_TEXT:
        return []
    try:
        return [msgspec.json.decode(text)]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    if "<!" in text[:60] or "]]>" in text[-60:] or "-->" in text[-60:]:
        text = (_WRAPPING.sub("", text[:60]) + text[60:]) if len(text) > 60 else _WRAPPING.sub("", text)
        text = (text[:-60] + _WRAPPING.sub("", text[-60:])).strip("\ufeff \t\r\n;")
    if "&quot;" in text[:200] or "&#34;" in text[:200]:
        text = html.unescape(text)
    return _in_a_row(text)


def _in_a_row(text: str) -> list[object]:
    values: list[object] = []
    position = 0
    while len(values) < _MAX_VALUES:
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position
        if position >= len(text):
            break
        try:
            value, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            values.extend(_Salvage(text[position : position + MAX_SALVAGED_TEXT]).values())
            break
        values.append(value)
    return values


def decode_at(text: str, position: int) -> tuple[object, int] | None:
    """Read the one strict value that starts at a place, and tell where it ends."""
    try:
        return _decoder.raw_decode(text, position)
    except (ValueError, RecursionError):
        return None


class _Salvage:
    """A parser that never fails: it skips what it cannot read and closes what is left open."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def values(self) -> list[object]:
        found: list[object] = []
        while len(found) < _MAX_VALUES:
            start = min(
                (i for i in (self._text.find("{", self._at), self._text.find("[", self._at)) if i >= 0), default=-1
            )
            if start < 0:
                break
            self._at = start
            found.append(self._value(0))
        return found

    def _peek(self) -> str:
        space = _SPACE.match(self._text, self._at)
        if space:
            self._at = space.end()
        return self._text[self._at : self._at + 1]

    def _value(self, depth: int) -> object:
        char = self._peek()
        if depth > MAX_DEPTH:
            self._at = len(self._text)
            return None
        if char == "{":
            return self._object(depth)
        if char == "[":
            return self._array(depth)
        return self._string(char) if char and char in "\"'" else self._bare()

    def _bare(self) -> object:
        bare = _BARE.match(self._text, self._at)
        if bare is None:
            return None
        self._at = bare.end()
        word = bare[0]
        if _NUMBER.fullmatch(word):
            return float(word) if len(word) > 15 or not word.lstrip("-").isdigit() else int(word)
        return _WORDS.get(word, word)

    def _object(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        self._at += 1
        while char := self._peek():
            if char in "}]":
                self._at += char == "}"
                break
            if char in ",;:":
                self._at += 1
                continue
            key = self._value(MAX_DEPTH)
            if self._peek() == ":":
                self._at += 1
                found[str(key)] = self._value(depth + 1)
            elif key is None:
                self._at += 1
        return found

    def _array(self, depth: int) -> list[object]:
        found: list[object] = []
        self._at += 1
        while char := self._peek():
            if char in "]}":
                self._at += char == "]"
                break
            if char in ",;:":
                self._at += 1
                continue
            start = self._at
            found.append(self._value(depth + 1))
            self._at += self._at == start
        return found

    def _string(self, quote: str) -> str:
        parts: list[str] = []
        self._at += 1
        while self._at < len(self._text):
            run = _STRING_STOP[quote].match(self._text, self._at)
            if run:
                parts.append(run[0])
                self._at = run.end()
            char = self._text[self._at : self._at + 1]
            if char == "\\":
                parts.append(self._escape())
            elif char == quote:
                self._at += 1
                if _AFTER_STRING.match(self._text, self._at):
                    break
                parts.append(char)
        return "".join(parts)

    def _escape(self) -> str:
        char = self._text[self._at + 1 : self._at + 2]
        self._at += 2
        if char != "u":
            return _ESCAPES.get(char, char)
        digits = self._text[self._at : self._at + 4]
        try:
            code = int(digits, 16)
        except ValueError:
            return "u"
        self._at += 4
        return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)
