"""Data that a page carries for its own scripts: JSON scripts, and variables set to JSON."""

import re
from typing import Final

from webintel.engine.structured.model import State
from webintel.engine.structured.tolerant_json import MAX_TEXT, decode_at

_MAX_VARIABLES: Final = 40
_MIN_SCRIPT: Final = 20

_VALUE: Final = re.compile(r"=\s*+(?=\{\s*+\"|\[\s*+[\[{\"])")
# Names of one or two letters are what minifiers give to local variables.
_NAME: Final = re.compile(r"((?:[A-Za-z_$][\w$]*\.){0,3}[A-Za-z_$][\w$]{2,80})(?:[\"']\])?\s*$")
_NAME_LENGTH: Final = 120
_PARSED: Final = re.compile(r"=\s*+JSON\.parse\(\s*+(?=[\"'])")
_LITERAL: Final = re.compile(r"\"((?:[^\"\\]++|\\.)*+)\"|'((?:[^'\\]++|\\.)*+)'", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_FLIGHT: Final = re.compile(r"__next_f\.push\((?=\[1,)")
_FLIGHT_ROW: Final = re.compile(r"^[0-9a-f]+:(?=[\[{])", re.MULTILINE)
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def script_state(text: str, attributes: dict[str, str | None]) -> State | None:
    """The data of a script element of a JSON type."""
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        return None
    name = attributes.get("id") or next((key for key in attributes if key.startswith("data-")), None)
    return State(name or attributes.get("type") or "application/json", text)


def variables(text: str) -> list[State]:
    """The JSON that a script assigns to variables."""
    if len(text) < _MIN_SCRIPT or len(text) > MAX_TEXT:
        return []
    found = _parsed(text) if "JSON.parse" in text else []
    position = 0
    while len(found) < _MAX_VARIABLES:
        match = _VALUE.search(text, position)
        if match is None:
            break
        position = match.end()
        name = _name_before(text, match.start())
        end = _end_of_value(text, position) if name is not None else None
        if name is not None and end is not None:
            found.append(State(name, text[position:end]))
            position = end
    return found


def _name_before(text: str, position: int) -> str | None:
    match = _NAME.search(text[max(0, position - _NAME_LENGTH) : position])
    return match[1] if match is not None else None


_STRUCTURE: Final = re.compile(r"\"(?:[^\"\\]++|\\.)*+\"|[{}\[\]]", re.DOTALL)


def _end_of_value(text: str, start: int) -> int | None:
    """Where the object or array that starts at a place ends."""
    depth = 0
    for token in _STRUCTURE.finditer(text, start):
        char = token[0]
        if char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _parsed(text: str) -> list[State]:
    """The JSON that a script hands to `JSON.parse` as a string."""
    found: list[State] = []
    for match in _PARSED.finditer(text):
        name = _name_before(text, match.start())
        literal = _LITERAL.match(text, match.end()) if name is not None and len(found) < _MAX_VARIABLES else None
        if name is not None and literal is not None:
            found.append(State(name, _ESCAPED.sub(_unescape, literal[1] or literal[2] or "")))
    return found


def _unescape(match: re.Match[str]) -> str:
    if match[3]:
        return _CONTROL.get(match[3], match[3])
    code = int(match[1] or match[2], 16)
    # A surrogate pair is left as it is: JSON reads its escapes itself.
    return match[0] if 0xD800 <= code <= 0xDFFF else chr(code)


def flight(scripts: list[str]) -> State | None:
    """The rows that a Next.js app router page streams into itself, as one array."""
    parts: list[str] = []
    for text in scripts:
        for match in _FLIGHT.finditer(text):
            decoded = decode_at(text, match.end())
            if decoded is not None and isinstance(decoded[0], list) and isinstance(decoded[0][-1], str):
                parts.append(decoded[0][-1])
    stream = "".join(parts)
    if not stream or len(stream) > MAX_TEXT:
        return None
    rows: list[str] = []
    for match in _FLIGHT_ROW.finditer(stream):
        end = stream.find("\n", match.end())
        rows.append(stream[match.end() : end if end >= 0 else len(stream)])
    return State("__next_f", f"[{','.join(rows)}]") if rows else None
