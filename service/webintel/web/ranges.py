"""Which time a report is about, as people choose it."""

from typing import Any

import msgspec
from litestar import Request

from webintel.problems import InvalidInput

PARAMETER = "date_range"


class Range(msgspec.Struct, frozen=True):
    """A length of time that reports offer.

    Attributes:
        name: what the API calls it.
        title: what a link to it says.
        spoken: how a sentence ends that is about it.
        refresh_seconds: how often a page about it is read again; long ones cost more and change less.
    """

    name: str
    title: str
    spoken: str
    refresh_seconds: int = 30


RANGES = (
    Range("1d", "24 hours", "in the last 24 hours"),
    Range("7d", "7 days", "in the last 7 days"),
    Range("30d", "30 days", "in the last 30 days"),
    Range("90d", "90 days", "in the last 90 days", 120),
    Range("1y", "1 year", "in the last year", 120),
)
_BY_NAME = {one.name: one for one in RANGES}


def chosen_range(request: Request[Any, Any, Any], default: str) -> Range:
    """Read the choice from the address.

    Raises:
        InvalidInput: there is no such range.
    """
    chosen = _BY_NAME.get(request.query_params.get(PARAMETER) or default)
    if chosen is None:
        raise InvalidInput(f"The address asks for a range that there is not; it can be {', '.join(_BY_NAME)}.")
    return chosen
