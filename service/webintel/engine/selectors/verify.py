"""Finding out whether selectors still work, and making new ones for those that do not."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from webintel.engine.model import Blueprint, Selector
from webintel.engine.page import Page
from webintel.engine.selectors.apply import check_selectors, match_page_type
from webintel.engine.selectors.induce import MIN_PASS_RATE, Hints, induce_selectors
from webintel.engine.selectors.measuring import measure_selectors

BROKEN_DROP = 0.25
"""A selector that passes on this much fewer pages than it claims is broken."""
BROKEN_RATE = 0.5


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair did to one field of one page type."""

    page_type: str
    field_name: str
    kind: Literal["kept", "replaced", "added", "removed", "unverified"]
    old_css: str | None
    new_css: str | None
    old_pass_rate: float
    """What the old selector reached on the new pages."""
    new_pass_rate: float


def verify_selectors(blueprint: Blueprint, pages: Sequence[Page]) -> list[Selector]:
    """The blueprint's selectors, each with the pass rate it has on these pages.

    A page counts for the type it matches. Selectors of types with no page here come back as they were.

    Raises:
        EngineError: `UNUSABLE_BLUEPRINT` for selectors or patterns that cannot be used.
    """
    by_type: dict[str, list[Page]] = {}
    for page in pages:
        name = match_page_type(blueprint, page.url, page)
        if name is not None:
            by_type.setdefault(name, []).append(page)
    return _verified(blueprint, by_type)


def is_broken(old: Selector, now: Selector) -> bool:
    """Whether a selector does clearly worse than it claims."""
    if not now.pages_tested or now is old:
        return False
    return now.test_pass_rate < min(BROKEN_RATE, old.test_pass_rate or BROKEN_RATE) or (
        old.test_pass_rate - now.test_pass_rate > BROKEN_DROP
    )


def repair_selectors(
    blueprint: Blueprint, pages_by_type: Mapping[str, Sequence[Page]]
) -> tuple[list[Selector], list[Change]]:
    """Keep the selectors that still work on fresh pages, and induce the others anew.

    Returns:
        All selectors that the blueprint should now have, and what became of each.

    Raises:
        EngineError: `UNUSABLE_BLUEPRINT` for selectors that cannot be used.
    """
    kinds = {page_type.name: page_type.kind for page_type in blueprint.page_types}
    measured = _verified(blueprint, pages_by_type)
    hints: Hints = {
        (one.page_type, one.field_name): one.sample_values
        for one in blueprint.selectors
        if one.scope is None and not one.multiple
    }
    fresh = {(one.page_type, one.field_name): one for one in induce_selectors(pages_by_type, kinds, hints)}
    selectors: list[Selector] = []
    changes: list[Change] = []
    for old, now in zip(blueprint.selectors, measured, strict=True):
        new = fresh.pop((old.page_type, old.field_name), None)
        kept = _better(old, now, new)
        if kept is not None:
            selectors.append(kept)
        changes.append(_change(old, now, kept))
    for new in fresh.values():
        selectors.append(new)
        changes.append(_change(None, None, new))
    selectors.sort(key=lambda one: (one.page_type, one.field_name, one.css))
    changes.sort(key=lambda one: (one.page_type, one.field_name))
    return selectors, changes


def _better(old: Selector, now: Selector, new: Selector | None) -> Selector | None:
    if now is old:
        return old
    if not is_broken(old, now) and now.test_pass_rate >= (new.test_pass_rate if new is not None else 0.0) - 0.1:
        return now
    if new is not None and new.test_pass_rate > now.test_pass_rate:
        return new
    return now if now.test_pass_rate >= MIN_PASS_RATE else None


def _change(old: Selector | None, now: Selector | None, kept: Selector | None) -> Change:
    some = old or kept
    if some is None:
        raise ValueError("A change is from something or to something.")
    kind: Literal["kept", "replaced", "added", "removed", "unverified"]
    if old is None:
        kind = "added"
    elif kept is None:
        kind = "removed"
    elif now is old:
        kind = "unverified"
    else:
        kind = "kept" if kept is now else "replaced"
    return Change(
        page_type=some.page_type,
        field_name=some.field_name,
        kind=kind,
        old_css=old.css if old is not None else None,
        new_css=kept.css if kept is not None else None,
        old_pass_rate=now.test_pass_rate if now is not None and now is not old else 0.0,
        new_pass_rate=kept.test_pass_rate if kept is not None else 0.0,
    )


def _verified(blueprint: Blueprint, pages_by_type: Mapping[str, Sequence[Page]]) -> list[Selector]:
    check_selectors(blueprint.selectors)
    kinds = {page_type.name: page_type.kind for page_type in blueprint.page_types}
    verified = {}
    for name, pages in pages_by_type.items():
        own = [(place, one) for place, one in enumerate(blueprint.selectors) if one.page_type == name]
        measured = measure_selectors([one for _, one in own], pages, kinds.get(name, "other"))
        verified.update({place: one for (place, _), one in zip(own, measured, strict=True)})
    return [verified.get(place, selector) for place, selector in enumerate(blueprint.selectors)]
