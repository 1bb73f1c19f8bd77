"""Keyset pagination: pages that stay fast and complete while rows come and go."""

import base64
import binascii
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from webintel.problems import InvalidInput

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """Some items, and how to get the next ones."""

    items: list[Item]
    next_cursor: str | None
    """None on the last page."""
    total: int | None = None
    """Only when it was asked for."""


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the order, the last item's value in it, and its id."""

    sort: str
    value: str | int | float | None
    id: UUID

    def encode(self) -> str:
        """Write it as the opaque text that clients hand back."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode()

    def value_as(self, value_type: Any) -> Any:
        """Read the value as the type of the column that it came from."""
        try:
            return msgspec.convert(self.value, value_type)
        except msgspec.ValidationError as error:
            raise InvalidInput.of("cursor", "is not one of ours; start again without it") from error


def read_cursor(text: str | None, sort: str) -> Cursor | None:
    """Read what a client hands back.

    Raises:
        InvalidInput: it is not one of ours, or belongs to another order.
    """
    if text is None:
        return None
    try:
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise InvalidInput.of("cursor", "is not one of ours; start again without it") from error
    if cursor.sort != sort:
        raise InvalidInput.of("cursor", f"belongs to the order {cursor.sort[:40]!r}; start again without it")
    return cursor


def make_page(rows: list[Item], limit: int, cursor_of: Any, total: int | None = None) -> Page[Item]:
    """Make a page of rows that were read with one more than the limit, which tells whether there is a next page."""
    items = rows[:limit]
    next_cursor = cursor_of(items[-1]).encode() if len(rows) > limit else None
    return Page(items=items, next_cursor=next_cursor, total=total)
