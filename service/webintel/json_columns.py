"""JSON on its way between PostgreSQL and the API."""

import re
from typing import Any

import msgspec

# PostgreSQL's jsonb refuses the NUL character, which pages on the web do contain.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
NUL_REPLACEMENT = rb"\1\\ufffd"


def raw_json(text: str | None) -> Any:
    """Pass stored JSON through as it is; typed as anything, because it stands in for what it holds."""
    return None if text is None else msgspec.Raw(text.encode())


def storable(value: object) -> Any:
    """Turn structs into what a jsonb column takes."""
    return msgspec.json.decode(_NUL.sub(NUL_REPLACEMENT, msgspec.json.encode(value)))
