"""Matching URLs against patterns that may come from a stranger's blueprint."""

from functools import lru_cache

import regex

from webintel.engine.errors import EngineError, ErrorCode

MAX_PATTERN = 1_000
MAX_URL = 4_000
SECONDS = 0.1


def matches_pattern(pattern: str, url: str) -> bool:
    """Whether a pattern matches a whole URL.

    Raises:
        EngineError: `UNUSABLE_BLUEPRINT` for a pattern that is invalid, too long or takes too long.
    """
    compiled = _compile(pattern)
    try:
        return compiled.fullmatch(url[:MAX_URL], timeout=SECONDS) is not None
    except TimeoutError:
        raise EngineError(
            ErrorCode.UNUSABLE_BLUEPRINT, f"The URL pattern {pattern[:120]!r} takes too long to match; simplify it."
        ) from None


@lru_cache(maxsize=512)
def _compile(pattern: str) -> "regex.Pattern[str]":
    if len(pattern) > MAX_PATTERN:
        raise EngineError(
            ErrorCode.UNUSABLE_BLUEPRINT,
            f"The URL pattern {pattern[:60]!r}... is longer than {MAX_PATTERN} characters.",
        )
    try:
        return regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise EngineError(
            ErrorCode.UNUSABLE_BLUEPRINT, f"The URL pattern {pattern[:120]!r} is not a regular expression: {error}."
        ) from None
