"""Parts of long lists, so that a page stays light whatever a site has."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request

Item = TypeVar("Item")
_MOST_DIGITS = 7


class Slice(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """Some items of a list; `name` is the parameter of the address that chooses which."""

    name: str
    items: Sequence[Item]
    start: int
    total: int
    size: int

    @property
    def first(self) -> int:
        """The number of the first item that is shown, as people count."""
        return self.start + 1 if self.items else 0

    @property
    def last(self) -> int:
        """The number of the last item that is shown."""
        return self.start + len(self.items)

    @property
    def before(self) -> int | None:
        """Where the items before these begin."""
        return max(0, self.start - self.size) if self.start else None

    @property
    def after(self) -> int | None:
        """Where the next items begin."""
        return self.last if self.last < self.total else None


def cut(request: Request[Any, Any, Any], name: str, items: Sequence[Item], size: int) -> Slice[Item]:
    """Give the part of a list that the address asks for."""
    return slice_from(name, items, start_of(request, name), size)


def slice_from(name: str, items: Sequence[Item], start: int, size: int) -> Slice[Item]:
    """Give the part of a list that begins somewhere; beyond the end it is the last part."""
    if start >= len(items):
        start = max(0, (len(items) - 1) // size * size)
    return Slice(name=name, items=items[start : start + size], start=start, total=len(items), size=size)


def start_of(request: Request[Any, Any, Any], name: str) -> int:
    """Read where a part begins; anything that is no number is the beginning."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
