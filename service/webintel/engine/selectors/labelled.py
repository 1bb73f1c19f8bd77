"""Fields that a site labels itself: definition lists, specification tables and "Label: value" lines."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from webintel.engine.selectors.document import Document, Element
from webintel.engine.selectors.locate import Place
from webintel.engine.selectors.naming import slug
from webintel.engine.selectors.scoring import (
    Candidate,
    Check,
    Expected,
    Outcome,
    Pool,
    Verdict,
    add_candidates,
    conclude,
    measure,
    most_common,
)

MAX_FIELDS = 12
MAX_TRIED = 30
MAX_PAIRS = 80
MAX_CANDIDATES = 80
MAX_LABEL = 40
MAX_VALUE = 300
MIN_PAGES = 2
MIN_SHARE = 0.6
MIN_PRECISION = 0.9
MAX_AMBIGUITY = 0.5

_LABEL = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_END = re.compile(r"[.!?]$")


def judge_labelled(documents: Sequence[Document], taken: set[str], check: Check) -> dict[str, Verdict]:
    """Verdicts by field name for labels that most pages of a template share and whose values differ."""
    pages = [dict(labelled_values(document)) for document in documents]
    counts = Counter(name for page in pages for name in page)
    common = [name for name, count in counts.items() if count >= max(MIN_PAGES, MIN_SHARE * len(pages))]
    verdicts: dict[str, Verdict] = {}
    for name in sorted(common, key=lambda name: (-counts[name], name))[:MAX_TRIED]:
        if name in taken or len({page[name].text for page in pages if name in page}) < 2:
            continue
        verdict = _judge(documents, name, [page.get(name) for page in pages], check)
        if verdict is None or verdict.ambiguity >= MAX_AMBIGUITY:
            continue
        if verdict.precision >= MIN_PRECISION and verdict.pass_rate >= MIN_SHARE:
            verdicts[name] = verdict
        if len(verdicts) == MAX_FIELDS:
            break
    return verdicts


def labelled_values(document: Document) -> Iterator[tuple[str, Element]]:
    """Field names and value nodes of a page, the first of each name."""
    seen: set[str] = set()
    for label, value in _pairs(document):
        name = slug(label.text or "")[:MAX_LABEL].strip("_")
        if len(name) < 3 or name in seen or len(seen) >= MAX_PAIRS or not _is_pair(label, value):
            continue
        seen.add(name)
        yield name, value


def _is_pair(label: Element, value: Element) -> bool:
    text = (label.text or "").rstrip(" :")
    if not text or len(text) > MAX_LABEL or not _LABEL.search(text) or _SENTENCE_END.search(text):
        return False
    if not value.text or len(value.text) > MAX_VALUE or value.text == label.text:
        return False
    return not any(above.tag in ("nav", "footer", "header", "form") for above in value.ancestors())


def _pairs(document: Document) -> Iterator[tuple[Element, Element]]:
    for element in document.elements:
        if element.tag == "dl":
            yield from _definitions(element)
        elif element.tag == "tr":
            cells = [child for child in element.children if child.tag in ("td", "th")]
            if len(cells) == 2 and cells[1].tag == "td" and (cells[0].tag == "th" or _short(cells[0])):
                yield cells[0], cells[1]
        elif len(element.children) == 2 and (element.children[0].text or "").endswith(":"):
            yield element.children[0], element.children[1]


def _definitions(element: Element) -> Iterator[tuple[Element, Element]]:
    nodes = [child for child in element.descendants() if child.tag in ("dt", "dd")][:400]
    for label, value in itertools.pairwise(nodes):
        if label.tag == "dt" and value.tag == "dd":
            yield label, value


def _short(cell: Element) -> bool:
    return bool(cell.text) and len(cell.text or "") <= MAX_LABEL


def _judge(documents: Sequence[Document], name: str, nodes: Sequence[Element | None], check: Check) -> Verdict | None:
    pool: Pool = {}
    expected: list[Expected | None] = []
    for number, node in enumerate(nodes):
        expected.append(None if node is None else Expected(((node.text or "",),)))
        if node is not None:
            add_candidates(pool, Place(node, None, 1.0), name, number)

    def run(candidate: Candidate) -> list[Outcome]:
        return [
            measure(document, name, candidate, one, multiple=False)
            for document, one in zip(documents, expected, strict=True)
        ]

    known = [one is not None for one in expected]
    return conclude(most_common(pool, MAX_CANDIDATES), run, known, check, multiple=False)
