"""Lists, a page at a time."""

from typing import Generic, TypeVar

import msgspec

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """Some items, and how to get the next ones."""

    items: list[Item]
    next_cursor: str | None
    total: int | None = None
