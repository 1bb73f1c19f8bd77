"""Finding out whether selectors still work, and making new ones for those that do not."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from webintel.engine.model import Blueprint, Selector
from webintel.engine.page import Page
from webintel.engine.selectors.apply import check_selectors, match_page_type, read_selector, select_items
from webintel.engine.selectors.induce import MIN_PASS_RATE, induce_selectors, training_pages
from webintel.engine.selectors.labels import PageLabels, page_labels
from webintel.engine.selectors.values import PASS, list_similarity, similarity

BROKEN_DROP = 0.25
"""A selector that passes on this much fewer pages than it claims is broken."""
BROKEN_RATE = 0.5
MIN_PLAUSIBLE_ITEMS = 2


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
    fresh = {(one.page_type, one.field_name): one for one in induce_selectors(pages_by_type, kinds)}
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
        counts = {place: [0, 0] for place, _ in own}
        for page in training_pages(pages):
            fresh = Page(page.url, page.html, status=page.status, headers=page.headers)
            labels = page_labels(fresh, kinds.get(name, "other"))
            for place, selector in own:
                outcome = _passes(selector, fresh, labels)
                if outcome is not None:
                    counts[place][0] += outcome
                    counts[place][1] += 1
        for place, selector in own:
            passed, tested = counts[place]
            if tested:
                rate = round(passed / tested, 4)
                verified[place] = msgspec.structs.replace(selector, test_pass_rate=rate, pages_tested=tested)
    return [verified.get(place, selector) for place, selector in enumerate(blueprint.selectors)]


def _passes(selector: Selector, page: Page, labels: PageLabels) -> bool | None:
    """Whether a selector gives what the page is known to have; none when nothing is known to compare with."""
    if selector.scope is not None:
        items = select_items(selector, page)
        filled = sum(1 for values in items if values)
        return filled >= MIN_PLAUSIBLE_ITEMS and filled >= PASS * len(items) * selector.test_pass_rate
    values = read_selector(page.tree, selector, page.base_url)
    label = labels.get(selector.field_name)
    if label is None:
        # A field that its own label names, or that this page does not state for machines: all there is to see is
        # whether something is there that differs from nothing.
        return None if values else False
    if not values:
        return False
    name, known = selector.field_name, label.expected
    if selector.multiple:
        return max(list_similarity(name, values, one) for one in known.alternatives) >= PASS
    return any(similarity(name, values[0], value) >= PASS for one in known.alternatives for value in one[:1])
