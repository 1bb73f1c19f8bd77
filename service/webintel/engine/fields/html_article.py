"""Fields of articles and recipes as the page shows them."""

import re
from typing import Final

from selectolax.lexbor import LexborNode

from webintel.engine.fields import values
from webintel.engine.fields.dom import ancestors, attribute, elements, names, text_of
from webintel.engine.fields.from_items import numbered_steps
from webintel.engine.fields.record import Record
from webintel.engine.page import Page, visible_text

_MAX_BYLINES: Final = 12
_MIN_BODY: Final = 300
_BYLINE: Final = re.compile(
    r"^\s*(?:(?:written|post(?:ed)?|published|words|story|recipe|article|reviewed)\s+)?(?:by|von|par|por|di|door|av)\b:?\s+",
    re.IGNORECASE,
)
_AFTER_NAME: Final = re.compile(
    r"\s*(?:[|\u00bb\u2022\u00b7\u2013\u2014,\n]|\bon\b|\bpublished\b|\bupdated\b|\bin\b|\bfor\b|\d{1,2}[./ ]"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d).*$",
    re.IGNORECASE | re.DOTALL,
)
_NAME: Final = re.compile(r"[^\W\d_][\w.'\u2019-]*(?:\s+[^\W\d_][\w.'\u2019-]*){0,4}")
_DATE_NAME: Final = re.compile(r"date|publish|posted|time|meta", re.IGNORECASE)
_DATE_TEXT: Final = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th|\.)?\s+[^\W\d_]{3,12}\.?,?\s+(?:19|20)\d\d|[^\W\d_]{3,12}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d"
    r"|(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d)\b"
)
_AUTHORS: Final = (
    "[rel~=author], [itemprop=author], .byline, .author, .author-name, .byline-name, .post-author, .entry-author,"
    " .by-author, [class*=byline], [class*=author-name], [class*=authorName], [data-testid*=author], .fn"
)
_INGREDIENTS: Final = re.compile(
    r"^\W*(?:(?:recipe |the )?ingredients?(?: list)?|zutaten|ingrédients|ingredientes|ingredienti|ingrediënten"
    r"|ingredienser|składniki|ingrediente|hozzávalók|ингредиенты|інгредієнти"
    r"|malzemeler|suroviny|ingrediencie|ainekset|材料|재료)\b.{0,20}$",
    re.IGNORECASE,
)
_INSTRUCTIONS: Final = re.compile(
    r"^\W*(?:(?:cooking |recipe )?(?:instructions?|directions?|method|preparation|steps|how to make.{0,40})"
    r"|zubereitung|anleitung|préparation"
    r"|preparación|elaboración|preparazione|bereiding|gör så här|przygotowanie|modo de preparo|mod de preparare"
    r"|elkészítés|приготовление|postup"
    r"|fremgangsmåde|sådan gør du|valmistus|作り方|步骤|만드는 법)\b.{0,20}$",
    re.IGNORECASE,
)
_INGREDIENT_ITEMS: Final = (
    "li[class*=ingredient i], [itemprop=recipeIngredient], [itemprop=ingredients], [class*=ingredient i] li,"
    " [id*=ingredients i] li, tr[class*=ingredient i]"
)
_INSTRUCTION_ITEMS: Final = (
    "li[class*=instruction], li[class*=direction], li[class*=step], [class*=instructions] li, [class*=directions] li,"
    " [id*=instructions] li, [class*=recipe-steps] li, [class*=method] li"
)
# Links and emphasis end before the mark that follows their last word.
_BEFORE_MARK: Final = re.compile(r" (?=[,.;)](?:\s|$))")


def add_article_html(record: Record, page: Page, heading: LexborNode | None) -> None:
    """Fill in what is still unknown of an article."""
    if record.confidence("author") < 0.75:
        _add_author(record, page)
    if "published_at" not in record:
        _add_date(record, page, heading)
    if "body" not in record:
        body = main_content(page)
        if body is not None:
            text = visible_text(body)
            record.add("body", text if len(text) >= _MIN_BODY else None, "html", 0.6, body)
    if "tags" not in record:
        tags = [text_of(node, 60) for node in page.tree.css("a[rel~=tag]")[:40]]
        record.add("tags", list(dict.fromkeys(tag for tag in tags if tag)), "html", 0.7)


def _add_author(record: Record, page: Page) -> None:
    best: tuple[float, str, LexborNode] | None = None
    for place, node in enumerate(page.tree.css(_AUTHORS)[:_MAX_BYLINES]):
        name = person_name(text_of(node, 200))
        if name is None or any(
            re.search(r"comment|related|sidebar|footer|recommend", names(outer)) for outer in ancestors(node, 8)
        ):
            continue
        score = 1.0 - place / 20
        score += 0.5 * ("author" in attribute(node, "rel")) + 0.5 * (attribute(node, "itemprop") == "author")
        score += 0.3 * (node.tag == "a") + 0.4 * (" " in name)
        if best is None or score > best[0]:
            best = (score, name, node)
    if best is not None:
        record.add("author", best[1], "html", 0.76, best[2])
        return
    for node, tag, _ in page.remember(elements):
        if tag not in ("p", "span", "div", "li", "h4", "h5", "h6"):
            continue
        text = node.text(deep=False).strip()
        if 5 < len(text) < 80 and _BYLINE.match(text):
            name = person_name(text)
            if name and name[0].isupper() and " " in name and page.region(node) == "main" and not name.isupper():
                record.add("author", name, "html", 0.6, node)
                return


def person_name(text: str) -> str | None:
    """The name in a byline."""
    plain = _AFTER_NAME.sub("", _BYLINE.sub("", text)).strip(" :\u00a0")
    match = _NAME.fullmatch(plain)
    return (
        plain
        if match and len(plain) <= 60 and plain.casefold() not in ("author", "by", "admin", "about the author")
        else None
    )


def _add_date(record: Record, page: Page, heading: LexborNode | None) -> None:
    for node in page.tree.css("time[datetime], [itemprop=datePublished], [class*=publish] time, time")[:8]:
        value = values.moment(attribute(node, "datetime") or attribute(node, "content") or text_of(node, 60))
        if value is not None and not any(
            re.search(r"comment|related|sidebar|footer", names(outer)) for outer in ancestors(node, 6)
        ):
            record.add("published_at", value, "html", 0.85, node)
            return
    tried = 0
    for node, tag, classes in page.remember(elements):
        if tried >= 5 or tag not in ("span", "div", "p", "li", "a") or not _DATE_NAME.search(classes):
            continue
        match = _DATE_TEXT.search(text_of(node, 120))
        if match:
            tried += 1
            value = values.moment(match[0])
            if value is not None:
                record.add("published_at", value, "html", 0.65, node)
                return
    if heading is not None and heading.parent is not None:
        match = _DATE_TEXT.search(text_of(heading.parent, 400))
        record.add("published_at", values.moment(match[0]) if match else None, "html", 0.5)


def main_content(page: Page) -> LexborNode | None:
    """The element that holds most of the page's running text."""
    weights: dict[int, tuple[LexborNode, float]] = {}
    for node, tag, _ in page.remember(elements):
        if tag not in ("p", "pre", "blockquote", "li"):
            continue
        length = len(node.text(deep=True).strip())
        if length < (80 if tag == "li" else 40) or page.region(node) != "main":
            continue
        share = 1.0
        for outer in ancestors(node, 3):
            known = weights.get(outer.mem_id)
            weights[outer.mem_id] = (outer, (known[1] if known else 0.0) + share * min(length, 2_000))
            share *= 0.45
    best = max(weights.values(), key=lambda entry: entry[1], default=None)
    return best[0] if best is not None else None


def add_recipe_html(record: Record, page: Page) -> None:
    """Ingredients and steps, by what their lists or headings are called."""
    for name, selector, title in (
        ("ingredients", _INGREDIENT_ITEMS, _INGREDIENTS),
        ("instructions", _INSTRUCTION_ITEMS, _INSTRUCTIONS),
    ):
        if name in record:
            continue
        found = _called(page, selector) or _below_heading(page, title)
        read = numbered_steps if name == "instructions" else _one_ingredient
        lines = [line for node in found for line in read(_BEFORE_MARK.sub("", text_of(node, 2_000)))]
        if name == "instructions" and (known := record.get("ingredients")) is not None and known.value == lines:
            continue
        record.add(name, lines, "html", 0.7, found[0].parent if found else None)


def _one_ingredient(text: str) -> list[str]:
    # List marks and check boxes are drawn as text here and there.
    return [text.lstrip("\u25a2\u2022\u200b\u200d\u2013-*\u00b7 ")]


def _called(page: Page, selector: str) -> list[LexborNode]:
    # The parser gives an element once for each part of a selector that it matches.
    unique = {node.mem_id: node for node in page.tree.css(selector)[:400]}
    found = [node for node in unique.values() if 2 < len(text_of(node, 2_000)) < 1_500]
    # Of lists within lists the innermost items count.
    outer = {parent.mem_id for node in found for parent in ancestors(node, 6)}
    found = [node for node in found if node.mem_id not in outer]
    return found if len(found) >= 2 else []


def _below_heading(page: Page, title: re.Pattern[str]) -> list[LexborNode]:
    for heading in page.tree.css("h1, h2, h3, h4, h5, h6, strong, b, p, dt")[:800]:
        text = heading.text().strip()
        if len(text) > 60 or not title.match(text):
            continue
        node: LexborNode | None = (
            heading if heading.tag not in ("strong", "b") or heading.parent is None else heading.parent
        )
        for _ in range(2):
            found = _list_after(node)
            if len(found) >= 2:
                return found
            node = node.parent if node is not None else None
    return []


def _list_after(node: LexborNode | None) -> list[LexborNode]:
    found: list[LexborNode] = []
    sibling = node.next if node is not None else None
    for _ in range(40):
        if sibling is None:
            break
        if sibling.is_element_node:
            if sibling.tag in ("h1", "h2", "h3") and found:
                break
            items = sibling.css("li")
            if items:
                found += items
            elif found:
                break
        sibling = sibling.next
    return found[:200]
