"""Candidate selectors for one node, each with what it is expected to cost when the site is redesigned."""

from collections.abc import Iterator

from webintel.engine.selectors.document import Element
from webintel.engine.selectors.naming import css_module_stem, is_generated, is_weak, slug
from webintel.engine.selectors.path import Path, Step, under

MAX_PER_NODE = 60
MAX_ANCHORS = 4
MAX_CLIMB = 8
MAX_SIBLINGS = 150

# What a page says on purpose outlives what it says to look nice; positions die first.
COST_ATTRIBUTE = 0.5
COST_ID = 0.8
COST_DATA = 0.9
COST_CLASS = 1.0
COST_HEADING = 1.1
COST_MODULE = 1.5
COST_WEAK_CLASS = 2.2
COST_MEANINGFUL_TAG = 1.6
COST_TAG = 2.6
COST_POSITION = 2.5
TELLING_DISCOUNT = 0.35

_MEANING_ATTRIBUTES = ("itemprop", "property", "name", "rel", "itemtype")
_TEST_ATTRIBUTES = (
    "data-testid", "data-test-id", "data-test", "data-qa", "data-cy", "data-hook", "data-role", "data-ui",
    "data-element", "data-component", "data-type", "data-field", "data-name", "data-section", "data-block",
    "data-automation-id", "data-th", "data-label",
)  # fmt: skip
_HEADINGS = frozenset({"h1"})
_MEANINGFUL_TAGS = frozenset(
    {"h2", "time", "article", "main", "address", "figure", "figcaption", "ol", "table", "meta", "title", "dl", "ins"}
)
_IMPLIED_TAGS = frozenset({"tbody", "thead", "colgroup"})
_SKIPPED_ANCHORS = frozenset({"html", "body", "head"})

_TELLING = {
    "title": ("title", "headline", "name", "heading"),
    "price": ("price", "amount", "cost"),
    "author": ("author", "byline", "writer"),
    "published_at": ("date", "time", "publish", "posted"),
    "modified_at": ("modified", "updated"),
    "ingredients": ("ingredient",),
    "instructions": ("instruction", "step", "direction", "method", "preparation"),
    "sku": ("sku", "code", "reference", "model"),
    "availability": ("stock", "availab", "inventory"),
    "rating": ("rating", "score", "stars"),
    "review_count": ("review", "rating", "count"),
    "brand": ("brand", "vendor", "manufacturer"),
    "category_path": ("breadcrumb", "crumb"),
    "body": ("content", "body", "article", "text"),
    "tags": ("tag", "keyword", "label"),
    "image": ("image", "gallery", "photo", "media"),
}


def candidates_for(
    element: Element, field: str, attribute: str | None = None, stop: Element | None = None
) -> list[tuple[Path, float]]:
    """Paths that lead to a node, cheapest first; whether they lead to it alone is for the pages to say.

    Args:
        element: the node.
        field: its field, whose usual names make a class or id more telling.
        attribute: the attribute to be read, which must not be part of the path.
        stop: the item that the path is relative to; nothing at or above it is used.
    """
    words = _TELLING.get(field.removeprefix("item_"), ()) or tuple(field.split("_"))
    own = sorted(_own_steps(element, words, attribute), key=lambda pair: (pair[1], pair[0].css()))
    if field == "title" and element.tag in _HEADINGS:
        own = [(step, cost - TELLING_DISCOUNT) for step, cost in own]
    found: dict[Path, float] = {}
    for step, cost in own:
        if step.tag is None or cost < COST_TAG or stop is not None:
            _keep(found, Path((step,)), cost)
    _anchored(element, own, words, found, stop)
    ranked = sorted(found.items(), key=lambda pair: (pair[1], len(pair[0].css()), pair[0].css()))
    return ranked[:MAX_PER_NODE]


def _keep(found: dict[Path, float], path: Path, cost: float) -> None:
    if cost < found.get(path, 99.0):
        found[path] = round(cost, 3)


def _anchored(
    element: Element,
    own: list[tuple[Step, float]],
    words: tuple[str, ...],
    found: dict[Path, float],
    stop: Element | None,
) -> None:
    chain = _tag_chain(element)
    anchors = 0
    for distance, ancestor in enumerate(element.ancestors(), start=1):
        if distance > MAX_CLIMB or anchors >= MAX_ANCHORS or ancestor.tag in _SKIPPED_ANCHORS or ancestor is stop:
            break
        steps = [pair for pair in _own_steps(ancestor, words, None) if pair[1] < COST_WEAK_CLASS]
        if not steps:
            continue
        anchors += 1
        for anchor, anchor_cost in sorted(steps, key=lambda pair: (pair[1], pair[0].css()))[:2]:
            base = 0.3 + 0.45 * anchor_cost + 0.06 * distance
            for step, cost in own[:6]:
                _keep(found, under(anchor, step), base + cost)
                if distance == 1:
                    _keep(found, under(anchor, step, child=True), base + cost + 0.05)
            if distance <= 4:
                _positions(anchor, chain[:distance], base, found)


def _positions(anchor: Step, chain: list[Element], base: float, found: dict[Path, float]) -> None:
    # Positional paths are the last resort: cheap enough to exist, too dear to win against a name.
    if any(link.parent is not None and len(link.parent.children) > MAX_SIBLINGS for link in chain):
        return  # Counting siblings takes quadratic time, and a place among so many means nothing.
    path: Path | Step = anchor
    child = True
    for link in reversed(chain):
        if link.tag in _IMPLIED_TAGS:
            child = False  # One parser adds these where the page leaves them out, another does not.
            continue
        path = under(path, Step(tag=link.tag, nth=link.nth_of_type), child=child)
        child = True
    if isinstance(path, Path):
        _keep(found, path, base + COST_POSITION + 0.6 * len(chain))
    last = chain[0]
    _keep(found, under(anchor, Step(tag=last.tag, nth=last.nth_of_type)), base + COST_POSITION + 0.6)


def _tag_chain(element: Element) -> list[Element]:
    return [element, *(ancestor for ancestor, _ in zip(element.ancestors(), range(3), strict=False))]


def _own_steps(element: Element, words: tuple[str, ...], attribute: str | None) -> Iterator[tuple[Step, float]]:
    tag = element.tag
    yield from _attribute_steps(element, words, attribute)
    identifier = element.attributes.get("id")
    if identifier and not is_generated(identifier):
        cost = _discounted(COST_ID, identifier, words)
        yield Step(id=identifier), cost
    yield from _class_steps(element, words)
    if tag in _HEADINGS:
        yield Step(tag=tag), COST_HEADING
    elif tag in _MEANINGFUL_TAGS:
        yield Step(tag=tag), COST_MEANINGFUL_TAG
    else:
        yield Step(tag=tag), COST_TAG


def _attribute_steps(element: Element, words: tuple[str, ...], attribute: str | None) -> Iterator[tuple[Step, float]]:
    for name in _MEANING_ATTRIBUTES:
        value = element.attributes.get(name)
        if value and len(value) <= 60 and value.isprintable() and name != attribute:
            step = Step(
                tag=element.tag if element.tag in ("meta", "link", "input") else None, attribute=(name, "=", value)
            )
            yield step, _discounted(COST_ATTRIBUTE, value, words)
            yield Step(tag=element.tag, attribute=(name, "=", value)), _discounted(COST_ATTRIBUTE + 0.05, value, words)
    for name in _TEST_ATTRIBUTES:
        value = element.attributes.get(name)
        if value and len(value) <= 40 and value.isprintable() and name != attribute and not is_generated(slug(value)):
            yield Step(attribute=(name, "=", value)), _discounted(COST_DATA, value, words)
    if attribute is not None and (attribute == "title" or attribute.startswith("data-")):
        yield Step(attribute=(attribute, "", "")), _discounted(COST_DATA, attribute, words)
        yield Step(tag=element.tag, attribute=(attribute, "", "")), _discounted(COST_DATA + 0.05, attribute, words)
    if attribute == "datetime":
        yield Step(tag=element.tag, attribute=("datetime", "", "")), COST_MEANINGFUL_TAG - 0.1


def _class_steps(element: Element, words: tuple[str, ...]) -> Iterator[tuple[Step, float]]:
    strong = [name for name in dict.fromkeys(element.classes) if not is_generated(name) and not is_weak(name)]
    strong.sort(key=lambda name: (_discounted(COST_CLASS, name, words), name))
    for name in strong[:5]:
        cost = _discounted(COST_CLASS, name, words)
        yield Step(classes=(name,)), cost
        yield Step(tag=element.tag, classes=(name,)), cost + 0.1
    for position, name in enumerate(strong[:3]):
        for other in strong[position + 1 : 3]:
            yield Step(classes=tuple(sorted((name, other)))), _discounted(COST_CLASS + 0.5, f"{name} {other}", words)
    for name in element.classes[:8]:
        stem = css_module_stem(name)
        if stem is not None:
            yield Step(attribute=("class", "*=", stem)), _discounted(COST_MODULE, stem, words)
        elif name not in strong and not is_generated(name) and len(name) > 1:
            yield Step(tag=element.tag, classes=(name,)), COST_WEAK_CLASS
            if strong:
                yield Step(classes=tuple(sorted((name, strong[0])))), COST_WEAK_CLASS - 0.3


def _discounted(cost: float, name: str, words: tuple[str, ...]) -> float:
    plain = name.casefold()
    return cost - TELLING_DISCOUNT if any(word in plain for word in words) else cost
