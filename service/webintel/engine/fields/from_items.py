"""Fields from JSON-LD, microdata and RDFa: what the page itself says they are."""

import re
from collections.abc import Iterator
from typing import Final, cast

from webintel.engine.fields import values
from webintel.engine.fields.record import Record, Source
from webintel.engine.page import Page
from webintel.engine.structured import Item

PRODUCT_TYPES: Final = ("Product", "ProductGroup", "IndividualProduct", "ProductModel", "Vehicle", "Book", "Course")
ARTICLE_TYPES: Final = (
    "NewsArticle", "BlogPosting", "Article", "TechArticle", "ScholarlyArticle", "Report", "OpinionNewsArticle", "HowTo",
    "LiveBlogPosting", "ReportageNewsArticle", "AnalysisNewsArticle", "SocialMediaPosting",
)  # fmt: skip
_FORUM_TYPES: Final = ("DiscussionForumPosting", "Question", "QAPage")
_SURE: Final = 0.95
_MAX_DEPTH: Final = 8
_TAG: Final = re.compile(r"<[^>]{1,400}>")
_BREAK: Final = re.compile(r"\s*(?:<br\s*/?>|</p>|</li>|\n)\s*", re.IGNORECASE)

_DOUBLE_BRACKETS: Final = re.compile(r"\(\(([^()]{1,200})\)\)")
_BRACKETED_COMMA: Final = re.compile(r",?\s*\(,\s*((?:[^()]|\([^()]{0,200}\)){1,200})\)")
_FIRST_STEP: Final = re.compile(r"1\s?[.)]\s*\D")
_FIRST_NUMBER: Final = re.compile(r"^(?:step\s)?\d{1,2}\s?[.):]\s*(?=\D)", re.IGNORECASE)
_STEP_NUMBER: Final = re.compile(r"(?<=[^\d\s])\s*(?=\b\d{1,2}\s?[.)]\s*[^\W\d])")


def texts(value: object, depth: int = 0) -> Iterator[str]:
    """The texts a property holds; of nested items their name, text or address."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for part in value:
            yield from texts(part, depth + 1)
    elif isinstance(value, dict):
        for name in ("name", "text", "url", "contentUrl", "@id"):
            found = list(texts(value.get(name), depth + 1))
            if found:
                yield from found
                return
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        text = str(value).strip()
        if text:
            yield text


def first(item: Item, *names: str) -> str | None:
    """The first text of the first of these properties that has one."""
    for name in names:
        for text in texts(item.get(name)):
            return text
    return None


def nested(item: Item, *names: str) -> list[Item]:
    """The items that these properties hold."""
    return [part for name in names for part in _list(item.get(name)) if isinstance(part, dict)]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _source(item: Item) -> Source:
    return cast("Source", item.get("@source", "json_ld"))


def _plain(text: str | None) -> str | None:
    return " ".join(_TAG.sub(" ", text).split()) if text else None


def _image(item: Item, page: Page) -> str | None:
    for value in _list(item.get("image")) + _list(item.get("thumbnailUrl")):
        href = first(value, "url", "contentUrl", "@id") if isinstance(value, dict) else next(texts(value), None)
        absolute = page.absolute(href)
        if absolute and absolute != page.url:
            return absolute
    return None


def main_item(page: Page, heading: str, *types: str) -> Item | None:
    """The item of these types that the page is about: named like its heading, rich, and early."""
    best: tuple[float, Item] | None = None
    wanted = heading.casefold()
    for item in page.structured.of_type(*types)[:100]:
        name = (first(item, "name", "headline") or "").casefold()
        score = 3.0 * bool(name and wanted and (name in wanted or wanted in name))
        score += 2.0 * ("@source" in item) + bool(nested(item, "offers")) + min(len(item), 12) / 12
        if best is None or score > best[0]:
            best = (score, item)
    return best[1] if best is not None else None


def add_product(record: Record, page: Page, item: Item) -> None:
    """Fields of a product and its first offer."""
    source = _source(item)
    variants = nested(item, "hasVariant", "model")
    variant = variants[0] if variants else {}
    record.add("title", _plain(first(item, "name") or first(variant, "name")), source, _SURE)
    record.add("description", _plain(first(item, "description")), source, 0.9)
    record.add("image", _image(item, page) or _image(variant, page), source, 0.9)
    record.add("brand", _brand(page, item), source, _SURE)
    offers = nested(item, "offers") or nested(variant, "offers")
    offers = [inner for offer in offers for inner in (nested(offer, "offers") or [offer])] if offers else []
    offer = offers[0] if offers else {}
    outer = (nested(item, "offers") or [{}])[0]
    record.add("sku", first(item, "sku") or first(offer, "sku") or first(variant, "sku"), source, _SURE)
    record.add("sku", first(item, "productID", "mpn") or first(offer, "mpn"), source, 0.7)
    for code in ("gtin13", "gtin", "gtin14", "gtin12", "gtin8", "isbn"):
        record.add("gtin", first(item, code) or first(offer, code) or first(variant, code), source, _SURE)
    _add_price(record, source, offer, outer)
    state = next((first(one, "availability") for one in offers if first(one, "availability")), None)
    stock = [values.availability(first(one, "availability") or "") for one in offers[:50]]
    record.add("availability", "InStock" if "InStock" in stock else values.availability(state or ""), source, _SURE)
    _add_rating(record, source, item)


def _brand(page: Page, item: Item) -> str | None:
    for value in _list(item.get("brand")) + _list(item.get("manufacturer")):
        holder = (_by_id(page, value.get("@id")) or value) if isinstance(value, dict) else {}
        name = first(holder, "name") if isinstance(value, dict) else next(texts(value), None)
        if name and not name.startswith(("http://", "https://")):
            return name
    return None


def _add_price(record: Record, source: Source, offer: Item, outer: Item) -> None:
    specifications = nested(offer, "priceSpecification")
    for holder in (offer, *specifications[:1], outer):
        price = first(holder, "price", "lowPrice")
        if price is not None and (number := values.amount(price)) is not None and float(number) > 0:
            record.add("price", number, source, _SURE)
        code = first(holder, "priceCurrency") or (values.currency(price) if price else None)
        record.add("currency", values.currency(code) or code if code else None, source, _SURE)


def _add_rating(record: Record, source: Source, item: Item) -> None:
    for rating in nested(item, "aggregateRating")[:1]:
        record.add("rating", first(rating, "ratingValue"), source, _SURE)
        record.add("review_count", first(rating, "reviewCount", "ratingCount"), source, _SURE)


def add_article(record: Record, page: Page, item: Item) -> None:
    """Fields of an article or recipe."""
    source = _source(item)
    record.add("title", _plain(first(item, "headline", "name")), source, 0.9)
    record.add("author", ", ".join(dict.fromkeys(authors(page, item))) or None, source, _SURE)
    record.add("published_at", values.moment(first(item, "datePublished") or ""), source, _SURE)
    record.add("modified_at", values.moment(first(item, "dateModified") or ""), source, _SURE)
    record.add("description", _plain(first(item, "description")), source, 0.9)
    record.add("image", _image(item, page), source, 0.9)
    body = first(item, "articleBody", "text")
    record.add("body", body if body and len(body) > 200 else None, source, 0.9)
    tags = [part.strip() for text in texts(item.get("keywords")) for part in text.split(",") if part.strip()]
    record.add("tags", list(dict.fromkeys(tags)), source, 0.9)


def add_recipe(record: Record, page: Page, item: Item) -> None:
    """Fields of a recipe."""
    source = _source(item)
    add_article(record, page, item)
    record.add("title", _plain(first(item, "name")), source, _SURE)
    record.add(
        "ingredients",
        [
            tidy_ingredient(line)
            for text in texts(item.get("recipeIngredient") or item.get("ingredients"))
            for part in _BREAK.split(text)
            if (line := _plain(part))
        ],
        source,
        _SURE,
    )
    record.add("instructions", list(_steps(item.get("recipeInstructions"))), source, _SURE)
    _add_rating(record, source, item)


def _steps(value: object, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for part in value:
            yield from _steps(part, depth + 1)
    elif isinstance(value, dict):
        inner = value.get("itemListElement") or value.get("steps")
        if inner:
            yield from _steps(inner, depth + 1)
        else:
            yield from _steps(value.get("text") or value.get("name"), depth + 1)
    elif isinstance(value, str):
        for line in _BREAK.split(value):
            yield from numbered_steps(_plain(line) or "")


def tidy_ingredient(line: str) -> str:
    """An ingredient without the brackets that recipe plugins put around notes that have brackets or a comma."""
    line = _DOUBLE_BRACKETS.sub(r"(\1)", line)
    return _BRACKETED_COMMA.sub(r", \1", line)


def numbered_steps(text: str) -> Iterator[str]:
    """The steps of a text that counts them, without their numbers."""
    steps = _STEP_NUMBER.split(text) if _FIRST_STEP.match(text) else [text]
    for step in steps:
        if plain := _FIRST_NUMBER.sub("", step).strip():
            yield plain


def authors(page: Page, item: Item) -> Iterator[str]:
    """Names of an item's authors; those that are only referred to are looked up on the page."""
    for value in _list(item.get("author") or item.get("creator")):
        if isinstance(value, dict):
            person = value
            if "name" not in person and "@id" in person:
                person = _by_id(page, person["@id"]) or person
            name = next((text for text in texts(person.get("name"))), None)
        else:
            name = next(texts(value), None)
        if name and not name.startswith(("http://", "https://")):
            yield _plain(name) or name


def _by_id(page: Page, identifier: object) -> Item | None:
    # Most items have no id, which makes none of them the one that was meant.
    return next((item for item in page.structured.items if identifier and item.get("@id") == identifier), None)


def add_discussion(record: Record, page: Page) -> None:
    """Fields of a forum thread."""
    items = page.structured.of_type(*_FORUM_TYPES)
    if not items:
        return
    item = items[0]
    source = _source(item)
    thread = (nested(item, "mainEntity") or [item])[0]
    record.add("title", first(thread, "headline", "name") or first(item, "headline", "name"), source, 0.9)
    record.add("author", next(authors(page, thread), None), source, _SURE)
    record.add("published_at", values.moment(first(thread, "datePublished", "dateCreated") or ""), source, _SURE)
    record.add("body", _plain(first(thread, "text", "articleBody")), source, 0.85)
    replies = nested(thread, "comment", "suggestedAnswer", "acceptedAnswer") or nested(item, "comment")
    record.add("replies", [_plain(first(reply, "text", "articleBody")) or "" for reply in replies], source, 0.85)


def add_breadcrumb(record: Record, page: Page) -> None:
    """The path of categories that a breadcrumb list names, without the page itself."""
    for item in page.structured.of_type("BreadcrumbList")[:1]:
        names = [
            first(part, "name") or first((nested(part, "item") or [{}])[0], "name") or ""
            for part in nested(item, "itemListElement")
        ]
        record.add("category_path", list(dict.fromkeys(name for name in names if name)), _source(item), 0.85)
