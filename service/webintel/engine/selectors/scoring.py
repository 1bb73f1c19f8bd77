"""Choosing a selector for one field, and measuring it on pages that it was not made from."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from webintel.engine.selectors.candidates import candidates_for
from webintel.engine.selectors.document import Document, Element
from webintel.engine.selectors.locate import Place, places_of
from webintel.engine.selectors.path import AnyOf, AnyPath, Path
from webintel.engine.selectors.values import LISTED, PASS, PRICES, list_similarity, similarity

MAX_CANDIDATES = 200
MAX_MATCHES = 300
MAX_PAIRED = 16
MIN_PAGES_TO_PAIR = 4
MIN_STATED = 2
MAX_LISTED_PLACES = 6
NEAR = 0.7
"""Similarity from which a list is of use: a heading too many or an item too few spoils no list."""

COST_WEIGHT = 0.03
EXACTNESS_WEIGHT = 2.0
LIST_EXACTNESS_WEIGHT = 1.2
AMBIGUITY_WEIGHT = 0.2
CONTAINER_COST = 0.8
"""What holds a price and nothing else today holds the old price too when there is a sale."""
BARE_COST = 3.0
"""Tags alone, such as `ol li`, take every list of the page for the one that is meant."""
_ATTRIBUTE_COST = {"alt": 1.2, "title": 1.2, "content": 0.6, "value": 0.4}

Check = Callable[[AnyPath], bool]
"""Whether both parsers and both languages agree on a path on every page."""


class Expected(msgspec.Struct, frozen=True):
    """What a field should give on one page: any one of the alternatives, the most trusted first."""

    alternatives: tuple[tuple[str, ...], ...]
    multiple: bool = False
    weight: float = 1.0
    sure: bool = True
    """Whether the page itself states it for machines, or it was only guessed from how the page looks."""


class Outcome(msgspec.Struct, frozen=True):
    """What one candidate gave on one page."""

    found: bool
    similarity: float = 0.0
    ambiguous: bool = False
    """More than one node, with different values, where one was expected."""
    values: tuple[str, ...] = ()
    filled: int = 0
    """How many nodes, or items, gave a value."""

    @property
    def passed(self) -> bool:
        """Whether it gave the expected value."""
        return self.found and self.similarity >= PASS

    def is_useful(self, *, multiple: bool) -> bool:
        """Whether it gave the expected value, or of a list most items."""
        return self.found and self.similarity >= (NEAR if multiple else PASS)


class Candidate(msgspec.Struct):
    """A path on trial."""

    path: AnyPath
    attribute: str | None
    cost: float
    sources: tuple[set[int], ...]
    """The pages that it could have been made from, for each of its parts."""
    outcomes: list[Outcome] = []

    @property
    def key(self) -> tuple[int, str, str]:
        """Shorter before longer, then by spelling."""
        css = self.path.css()
        return (len(css), css, self.attribute or "")

    def made_without(self, page: int) -> bool:
        """Whether the other pages suffice to make it."""
        return all(pages - {page} for pages in self.sources)


Run = Callable[[Candidate], list[Outcome]]
"""Tries a candidate on every page."""
Pool = dict[tuple[AnyPath, str | None], Candidate]


class Verdict(msgspec.Struct, frozen=True):
    """The selector made from all pages, and how selectors made the same way did on pages left out."""

    path: AnyPath
    attribute: str | None
    multiple: bool
    pass_rate: float
    pages_tested: int
    precision: float
    """Of the pages with a known value on which it gave any, the share on which that was right."""
    ambiguity: float
    """The share of pages with a known value on which several nodes differ."""
    passes: int
    reach: float
    """The share of pages left out on which such a selector gave a value, or of a list most items."""
    samples: list[str]
    cost: float


def judge(
    documents: Sequence[Document], field: str, expected: Sequence[Expected | None], check: Check
) -> Verdict | None:
    """The best selector for a field over all pages of a type, or none that deserves the name."""
    multiple = sum(1 for one in expected if one is not None and one.multiple) * 2 > sum(
        1 for one in expected if one is not None
    )
    known = trusted(expected)
    candidates = _gather(documents, field, expected, known, multiple=multiple)
    if not candidates:
        return None

    def run(candidate: Candidate) -> list[Outcome]:
        return [
            measure(document, field, candidate, one, multiple=multiple)
            for document, one in zip(documents, expected, strict=True)
        ]

    return conclude(candidates, run, known, check, multiple=multiple)


def trusted(expected: Sequence[Expected | None]) -> list[bool]:
    """The pages to learn from: where some state a value for machines, guesses about the others teach nothing."""
    stated = [one is not None and one.sure for one in expected]
    return stated if sum(stated) >= MIN_STATED else [one is not None for one in expected]


def conclude(
    candidates: list[Candidate], run: Run, known: Sequence[bool], check: Check, *, multiple: bool
) -> Verdict | None:
    """Choose among candidates, and measure that way of choosing by leaving out each page in turn."""
    for candidate in candidates:
        candidate.outcomes = run(candidate)
    pages = range(len(known))
    if not multiple:
        candidates = candidates + _paired(candidates, run, [page for page in pages if known[page]])
    best = choose(candidates, pages, known, check, multiple=multiple)
    if best is None:
        return None
    passed = tested = useful = 0
    for left_out in pages if sum(known) > 1 else ():
        others = [page for page in pages if page != left_out]
        made = [candidate for candidate in candidates if candidate.made_without(left_out)]
        rival = choose(made, others, known, check, multiple=multiple)
        outcome = rival.outcomes[left_out] if rival is not None else Outcome(found=False)
        if outcome.found and not known[left_out] and not outcome.passed:
            continue  # A value where none is known can be confirmed by a guess, but not denied.
        tested += 1
        passed += outcome.passed
        useful += outcome.is_useful(multiple=multiple)
    labelled = [outcome for outcome, sure in zip(best.outcomes, known, strict=True) if sure and outcome.found]
    passes = sum(1 for outcome in labelled if outcome.is_useful(multiple=multiple))
    return Verdict(
        path=best.path,
        attribute=best.attribute,
        multiple=multiple,
        pass_rate=round(passed / tested, 4) if tested else 0.0,
        pages_tested=tested,
        precision=round(passes / len(labelled), 4) if labelled else 0.0,
        ambiguity=sum(outcome.ambiguous for outcome in labelled) / max(1, len(labelled)),
        passes=passes,
        reach=round(useful / tested, 4) if tested else 0.0,
        samples=_samples(best.outcomes),
        cost=best.cost,
    )


def choose(
    candidates: Iterable[Candidate], pages: Iterable[int], known: Sequence[bool], check: Check, *, multiple: bool
) -> Candidate | None:
    """The candidate that does best on the given pages; ties go to the cheaper, the shorter, the first by spelling."""
    labelled = [page for page in pages if known[page]]
    rated = []
    for candidate in candidates:
        value = _utility(candidate, labelled, multiple=multiple)
        if value is not None:
            rated.append((-round(value, 6), candidate.cost, candidate.key, candidate))
    rated.sort(key=lambda item: item[:3])
    return next((item[3] for item in rated if check(item[3].path)), None)


def _utility(candidate: Candidate, labelled: list[int], *, multiple: bool) -> float | None:
    passes = ambiguous = 0
    agreement = 0.0
    for page in labelled:
        outcome = candidate.outcomes[page]
        if outcome.is_useful(multiple=multiple):
            passes += 1
            agreement += outcome.similarity
            ambiguous += outcome.ambiguous
    if not passes:
        return None
    return (
        passes / len(labelled)
        + (LIST_EXACTNESS_WEIGHT if multiple else EXACTNESS_WEIGHT) * (agreement / passes - 1.0)
        - AMBIGUITY_WEIGHT * ambiguous / passes
        - COST_WEIGHT * candidate.cost
    )


def _paired(candidates: list[Candidate], run: Run, labelled: list[int]) -> list[Candidate]:
    """Two candidates in one where none is right everywhere: a shop's price stands elsewhere when it is reduced."""
    unlike: dict[tuple[object, ...], tuple[float, Candidate]] = {}
    for candidate in sorted(candidates, key=lambda candidate: (candidate.cost, candidate.key)):
        right = [candidate.outcomes[page].similarity for page in labelled]
        filled = [candidate.outcomes[page].filled for page in labelled]
        share = sum(right) / max(1, len(right))
        if share > 0.1 and isinstance(candidate.path, Path):
            unlike.setdefault((candidate.attribute, *right, *filled), (share, candidate))
    ranked = sorted(unlike.values(), key=lambda pair: (-round(pair[0], 4), pair[1].cost, pair[1].key))[:MAX_PAIRED]
    if len(labelled) < MIN_PAGES_TO_PAIR or not ranked or ranked[0][0] >= PASS:
        return []
    pairs: list[Candidate] = []
    for position, (share, first) in enumerate(ranked):
        for other_share, second in ranked[position + 1 :]:
            if share + other_share < PASS or second.attribute != first.attribute or second.path == first.path:
                continue
            if isinstance(first.path, Path) and isinstance(second.path, Path):
                path, cost = AnyOf((first.path, second.path)), first.cost + second.cost + 0.5
                pair = Candidate(path, first.attribute, round(cost, 3), first.sources + second.sources)
                pair.outcomes = run(pair)
                pairs.append(pair)
    return pairs


def measure(
    document: Document, field: str, candidate: Candidate, expected: Expected | None, *, multiple: bool
) -> Outcome:
    """What a candidate gives on one page, beside what it should give."""
    nodes = candidate.path.find(document)[:MAX_MATCHES]
    values = [value for node in nodes if (value := document.value(node, candidate.attribute)) is not None]
    if not values:
        return Outcome(found=False)
    if expected is None:
        return Outcome(found=True, values=tuple(values[:3]))
    if multiple:
        same = max(list_similarity(field, values, known) for known in expected.alternatives)
        return Outcome(found=True, similarity=same, values=tuple(values[:3]))
    same = max(similarity(field, values[0], known) for known in first_values(expected))
    return Outcome(found=True, similarity=same, ambiguous=len(set(values)) > 1, values=(values[0],), filled=len(values))


def first_values(expected: Expected) -> list[str]:
    """The single values that are acceptable."""
    return [known[0] for known in expected.alternatives if known]


def _gather(
    documents: Sequence[Document],
    field: str,
    expected: Sequence[Expected | None],
    known: Sequence[bool],
    *,
    multiple: bool,
) -> list[Candidate]:
    pool: Pool = {}
    constant = _is_constant(expected)
    for number, (document, one) in enumerate(zip(documents, expected, strict=True)):
        if one is None or not known[number]:
            continue
        for place in _places(document, field, one, multiple=multiple):
            if constant and place.score < PASS - 0.2:
                continue  # What every page says in its header is the site's name, not the page's value.
            add_candidates(pool, place, field, number)
    return most_common(pool, MAX_CANDIDATES)


def most_common(pool: Pool, limit: int) -> list[Candidate]:
    """The candidates that most pages suggest, the cheaper first."""
    ranked = sorted(pool.values(), key=lambda candidate: (-len(candidate.sources[0]), candidate.cost, candidate.key))
    return ranked[:limit]


def add_candidates(pool: Pool, place: Place, field: str, number: int, stop: Element | None = None) -> None:
    """Put every path to a place on trial."""
    extra = _ATTRIBUTE_COST.get(place.attribute or "", 0.2 if place.attribute else 0.0) + max(0.0, 1.0 - place.score)
    if field in PRICES and place.attribute is None and _is_container(place.element):
        extra += CONTAINER_COST
    for path, plain_cost in candidates_for(place.element, field, place.attribute, stop):
        cost = plain_cost + (BARE_COST if field in LISTED and path.is_bare() else 0.0)
        known = pool.get((path, place.attribute))
        if known is None:
            pool[path, place.attribute] = Candidate(path, place.attribute, round(cost + extra, 3), ({number},))
        else:
            known.sources[0].add(number)
            known.cost = min(known.cost, round(cost + extra, 3))


def _is_container(element: Element) -> bool:
    return any(child.key == element.key for child in element.children)


def _places(document: Document, field: str, expected: Expected, *, multiple: bool) -> list[Place]:
    if not multiple:
        found = [place for value in first_values(expected)[:3] for place in places_of(document, field, value)]
        return list({(place.element.index, place.attribute): place for place in reversed(found)}.values())[::-1][:12]
    values = [value for known in expected.alternatives[:2] for value in known[:MAX_LISTED_PLACES]]
    return [place for value in values for place in places_of(document, field, value)[:4]]


def _is_constant(expected: Sequence[Expected | None]) -> bool:
    known = [one.alternatives for one in expected if one is not None]
    return len(known) >= 3 and len(set(known)) == 1


def _samples(outcomes: Sequence[Outcome]) -> list[str]:
    seen = dict.fromkeys(value[:200] for outcome in outcomes for value in outcome.values)
    return list(seen)[:3]
