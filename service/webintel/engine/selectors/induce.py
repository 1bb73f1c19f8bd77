"""From several pages of each template to selectors, each measured on pages that it was not made from."""

from collections.abc import Mapping, Sequence

import msgspec

from webintel.engine.model import PageKind, Selector, SelectorMethod
from webintel.engine.page import Page
from webintel.engine.selectors.agreement import Agreement
from webintel.engine.selectors.document import Document
from webintel.engine.selectors.labelled import judge_labelled
from webintel.engine.selectors.labels import PageLabel, PageLabels, page_labels
from webintel.engine.selectors.listing import judge_items
from webintel.engine.selectors.locate import places_of
from webintel.engine.selectors.measuring import measure_selectors
from webintel.engine.selectors.path import SELF, Path, to_xpath
from webintel.engine.selectors.sampling import fresh, split_pages
from webintel.engine.selectors.scoring import Expected, Verdict, judge

MAX_FIELDS = 30

MIN_PRECISION = 0.6
MIN_PASS_RATE = 0.25
FEW_PAGES = 3
SEMANTIC_COST = 1.5
SINGLE_PAGE_CONFIDENCE = 0.3
MIN_HINT = 4
MAX_HINT = 200
HINT_WEIGHT = 0.7
LISTING_KINDS = frozenset({"collection", "listing", "search", "home", "forum"})


Hints = Mapping[tuple[str, str], Sequence[str]]
"""Values that fields of a page type are known to have had on some page."""


def induce_selectors(
    pages_by_type: Mapping[str, Sequence[Page]], kinds: Mapping[str, PageKind], hints: Hints | None = None
) -> list[Selector]:
    """Selectors for every field that the pages of each type are seen to have.

    Args:
        pages_by_type: pages of one template each, by the name of the page type.
        kinds: what each page type is.
        hints: values to look for on pages that do not say themselves what a field's value is.

    Returns:
        Selectors ordered by page type and field; the same pages in any order give the same selectors.
    """
    found: list[Selector] = []
    for name in sorted(pages_by_type):
        kind = kinds.get(name, "other")
        training, others = split_pages(pages_by_type[name])
        selectors = _induce_type(name, kind, training, hints or {})
        found.extend(_with_more_tests(selectors, others, kind))
    return found


def _with_more_tests(selectors: list[Selector], others: Sequence[Page], kind: PageKind) -> list[Selector]:
    """Add what the selectors give on pages that had no part in making them to what leaving pages out has shown."""
    if not others or not selectors:
        return selectors
    tested = []
    for old, new in zip(selectors, measure_selectors(selectors, others, kind), strict=True):
        pages = old.pages_tested + new.pages_tested
        rate = (old.test_pass_rate * old.pages_tested + new.test_pass_rate * new.pages_tested) / max(1, pages)
        tested.append(
            old if new is old else msgspec.structs.replace(old, test_pass_rate=round(rate, 4), pages_tested=pages)
        )
    return tested


def _induce_type(name: str, kind: PageKind, pages: Sequence[Page], hints: Hints) -> list[Selector]:
    # Pages are parsed afresh and dropped with their type, so that memory holds the trees of one type at a time.
    chosen = [fresh(page) for page in pages]
    labels = [page_labels(page, kind) for page in chosen]
    documents = [Document(page) for page in chosen]
    chosen.clear()
    for (page_type, field), values in sorted(hints.items()):
        if page_type == name:
            _add_hinted(labels, documents, field, values)
    agreement = Agreement(documents)
    selectors = []
    for field in sorted({field for page in labels for field in page})[:MAX_FIELDS]:
        expected = [page[field].expected if field in page else None for page in labels]
        verdict = judge(documents, field, expected, agreement.check)
        if verdict is not None and is_worth_it(verdict, len(documents)):
            method: SelectorMethod = "structured_data" if _is_structured(field, labels) else "heuristic"
            selectors.append(selector_of((name, field), verdict, method, _mean_weight(expected)))
    if kind in LISTING_KINDS:
        selectors.extend(_listing_selectors(name, documents, agreement))
    else:
        taken = {selector.field_name for selector in selectors}
        for field, verdict in judge_labelled(documents, taken, agreement.check).items():
            selectors.append(selector_of((name, field), verdict, "repeated_structure", 0.85))
    return sorted(selectors, key=lambda selector: (selector.field_name, selector.css))


def _add_hinted(labels: list[PageLabels], documents: Sequence[Document], field: str, values: Sequence[str]) -> None:
    known = [value for value in dict.fromkeys(values) if MIN_HINT <= len(value) < MAX_HINT]
    if len(known) < 2 or any(field in page for page in labels):
        return  # A value that all pages share would be found on all of them, wherever it stands.
    for page, document in zip(labels, documents, strict=True):
        shown = [value for value in known if places_of(document, field, value)]
        if len(shown) == 1:
            page[field] = PageLabel(Expected(((shown[0],),), weight=HINT_WEIGHT), structured=False)


def _listing_selectors(name: str, documents: Sequence[Document], agreement: Agreement) -> list[Selector]:
    judged = judge_items(documents, agreement)
    if judged is None:
        return []
    scope, fields = judged
    return [
        selector_of((name, field), verdict, "repeated_structure", 0.9, scope)
        for field, verdict in fields.items()
        if is_worth_it(verdict, len(documents))
    ]


def is_worth_it(verdict: Verdict, pages: int) -> bool:
    """Whether a selector is right often enough to be handed out."""
    if pages == 1:
        return verdict.passes == 1
    if verdict.passes < 2:
        # What is known of one page only is handed out where the page itself names it.
        return pages <= FEW_PAGES and verdict.passes == 1 == verdict.precision and verdict.cost <= SEMANTIC_COST
    # Leaving out one page of two or three says how one page would have done, which is too little to judge by.
    return verdict.precision >= MIN_PRECISION and (verdict.reach >= MIN_PASS_RATE or verdict.pages_tested <= FEW_PAGES)


def selector_of(
    where: tuple[str, str], verdict: Verdict, method: SelectorMethod, weight: float, scope: Verdict | None = None
) -> Selector:
    """A verdict as the blueprint has it, for a page type and field."""
    page_type, field = where
    css = verdict.path.css()
    xpath = to_xpath(css, "//" if scope is None else ".//")
    if scope is not None and verdict.path == SELF and isinstance(scope.path, Path):
        # Libraries count the item among what is searched, while few of them know `:scope`.
        css = scope.path.steps[-1].css()
    rate = verdict.pass_rate if scope is None else min(verdict.pass_rate, scope.pass_rate)
    tested = verdict.pages_tested if scope is None else min(verdict.pages_tested, scope.pages_tested)
    # One page says little, twelve say much: Laplace's rule of succession.
    sureness = (rate * tested + 1) / (tested + 2) if tested else SINGLE_PAGE_CONFIDENCE
    return Selector(
        field_name=field,
        page_type=page_type,
        css=css,
        xpath=xpath,
        attribute=verdict.attribute,
        sample_values=verdict.samples,
        confidence=round(weight * sureness, 4),
        test_pass_rate=rate,
        method=method,
        multiple=verdict.multiple or scope is not None,
        scope=scope.path.css() if scope is not None else None,
        pages_tested=tested,
    )


def _is_structured(field: str, labels: Sequence[PageLabels]) -> bool:
    return any(page[field].structured for page in labels if field in page)


def _mean_weight(expected: Sequence[Expected | None]) -> float:
    weights = [one.weight for one in expected if one is not None]
    return sum(weights) / len(weights)
