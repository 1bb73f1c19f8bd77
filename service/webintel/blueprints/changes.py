"""What changed from one blueprint to another."""

from collections.abc import Callable, Hashable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from webintel.engine.model import Blueprint, Category, Endpoint, Selector

Item = TypeVar("Item", bound=msgspec.Struct)


class Changed(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """An item that both have, in different forms."""

    old: Item
    new: Item


class Difference(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """How two lists of one kind differ."""

    added: list[Item]
    removed: list[Item]
    changed: list[Changed[Item]]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many items of one kind differ."""

    added: Annotated[int, Meta(ge=0)]
    removed: Annotated[int, Meta(ge=0)]
    changed: Annotated[int, Meta(ge=0)]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """How many items came, went and changed since the version before; everything is added in the first one."""

    categories: Count
    endpoints: Count
    selectors: Count


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """How two blueprints differ."""

    categories: Difference[Category]
    endpoints: Difference[Endpoint]
    selectors: Difference[Selector]


def compare(old: Blueprint | None, new: Blueprint) -> Differences:
    """Match categories by URL, endpoints by method and URL, selectors by page type and field."""
    return Differences(
        categories=_compare(old.categories if old else [], new.categories, lambda c: c.url),
        endpoints=_compare(old.endpoints if old else [], new.endpoints, lambda e: (e.method, e.url)),
        selectors=_compare(old.selectors if old else [], new.selectors, lambda s: (s.page_type, s.field_name)),
    )


def summarise(differences: Differences) -> Changes:
    """Count what differs."""
    return Changes(
        categories=_count(differences.categories),
        endpoints=_count(differences.endpoints),
        selectors=_count(differences.selectors),
    )


def _count(difference: Difference[Item]) -> Count:
    return Count(added=len(difference.added), removed=len(difference.removed), changed=len(difference.changed))


def _compare(old: Sequence[Item], new: Sequence[Item], key: Callable[[Item], Hashable]) -> Difference[Item]:
    before = _numbered(old, key)
    after = _numbered(new, key)
    return Difference(
        added=[item for identity, item in after.items() if identity not in before],
        removed=[item for identity, item in before.items() if identity not in after],
        changed=[
            Changed(old=before[identity], new=item)
            for identity, item in after.items()
            if identity in before and before[identity] != item
        ],
    )


def _numbered(items: Sequence[Item], key: Callable[[Item], Hashable]) -> dict[tuple[Hashable, int], Item]:
    """Index items by their key, and count on where several have the same one, so that none is lost."""
    seen: dict[Hashable, int] = {}
    indexed: dict[tuple[Hashable, int], Item] = {}
    for item in items:
        number = seen.get(key(item), 0)
        seen[key(item)] = number + 1
        indexed[key(item), number] = item
    return indexed
