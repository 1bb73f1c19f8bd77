"""Selectors for the items of listings: one for the item, and one within it for each thing it shows."""

from collections.abc import Sequence

from webintel.engine.selectors.agreement import Agreement, ItemAgreement
from webintel.engine.selectors.document import Document, Element
from webintel.engine.selectors.items import (
    ITEM_FIELDS,
    ItemNode,
    common_links,
    detect_items,
    item_nodes,
    links_of,
    repeated_texts,
)
from webintel.engine.selectors.locate import Place
from webintel.engine.selectors.path import SELF
from webintel.engine.selectors.scoring import Candidate, Outcome, Pool, Verdict, add_candidates, conclude, most_common
from webintel.engine.selectors.values import PASS, similarity

MAX_SAMPLED_ITEMS = 4
MAX_CANDIDATES = 200
MAX_FIELD_CANDIDATES = 40
MAX_JUDGED_ITEMS = 16
MIN_SHARE = 0.3

Shown = list[tuple[Element, dict[str, ItemNode]]]


def judge_items(documents: Sequence[Document], agreement: Agreement) -> tuple[Verdict, dict[str, Verdict]] | None:
    """The selector of an item and of its fields; none when the pages have no repetition in common."""
    common = common_links([links_of(document) for document in documents])
    detected = [detect_items(document, common) for document in documents]
    scope = _judge_scope(documents, detected, agreement)
    if scope is None or scope.precision < MIN_SHARE:
        return None
    within = ItemAgreement(documents, scope.path)
    shown = [_shown(scope.path.find(document)[:MAX_JUDGED_ITEMS]) for document in documents]
    fields = {}
    for field in ITEM_FIELDS:
        verdict = _judge_field(documents, field, shown, within)
        if verdict is not None:
            fields[field] = verdict
    return (scope, fields) if "item_url" in fields or "item_title" in fields else None


def _shown(items: list[Element]) -> Shown:
    boilerplate = repeated_texts(items)
    return [(item, item_nodes(item, boilerplate)) for item in items]


def _judge_scope(documents: Sequence[Document], detected: list[list[Element]], agreement: Agreement) -> Verdict | None:
    pool: Pool = {}
    for number, items in enumerate(detected):
        for item in _spread(items):
            add_candidates(pool, Place(item, None, 1.0), "item", number)

    def run(candidate: Candidate) -> list[Outcome]:
        return [
            _scope_outcome(candidate.path.find(document), items)
            for document, items in zip(documents, detected, strict=True)
        ]

    known = [bool(items) for items in detected]
    return conclude(most_common(pool, MAX_CANDIDATES), run, known, agreement.check, multiple=True)


def _scope_outcome(found: list[Element], expected: list[Element]) -> Outcome:
    if not found or not expected:
        return Outcome(found=bool(found))
    common = len({element.index for element in found} & {element.index for element in expected})
    return Outcome(found=True, similarity=2 * common / (len(found) + len(expected)))


def _spread(items: list[Element]) -> list[Element]:
    step = max(1, len(items) // MAX_SAMPLED_ITEMS)
    return items[::step][:MAX_SAMPLED_ITEMS]


def _judge_field(
    documents: Sequence[Document], field: str, shown: list[Shown], agreement: ItemAgreement
) -> Verdict | None:
    pool: Pool = {}
    for number, items in enumerate(shown):
        for item, nodes in items[:MAX_SAMPLED_ITEMS]:
            node = nodes.get(field)
            if node is None:
                continue
            if node.element is item:
                own = pool.setdefault((SELF, node.attribute), Candidate(SELF, node.attribute, 0.5, (set(),)))
                own.sources[0].add(number)
            else:
                for element in _alike(node):
                    add_candidates(pool, Place(element, node.attribute, 1.0), field, number, item)

    def run(candidate: Candidate) -> list[Outcome]:
        return [
            _field_outcome(document, field, candidate, items) for document, items in zip(documents, shown, strict=True)
        ]

    known = [any(field in nodes for _, nodes in items) for items in shown]
    return conclude(most_common(pool, MAX_FIELD_CANDIDATES), run, known, agreement.check, multiple=False)


def _alike(node: ItemNode) -> list[Element]:
    """The node and the elements within it that give the same text."""
    if node.attribute is not None:
        return [node.element]
    inner = [element for element in node.element.descendants() if element.text == node.element.text]
    return [node.element, *inner[:3]]


def _field_outcome(document: Document, field: str, candidate: Candidate, items: Shown) -> Outcome:
    right = expected = got = 0
    samples: list[str] = []
    for item, nodes in items:
        found = candidate.path.find_within(document, item)
        value = document.value(found[0], candidate.attribute) if found else None
        if value is not None:
            got += 1
            samples.append(value)
        node = nodes.get(field)
        known = document.value(node.element, node.attribute) if node is not None else None
        if known is None:
            continue
        expected += 1
        right += value is not None and similarity(field, value, known) >= PASS
    share = right / expected if expected else 0.0
    return Outcome(found=got > 0, similarity=share, values=tuple(samples[:2]), filled=got)
