"""Brings together what a page says about its fields and what it shows of them."""

from typing import Final

from selectolax.lexbor import LexborNode

from webintel.engine.fields import from_items
from webintel.engine.fields.dom import css_path, text_of
from webintel.engine.fields.from_meta import add_meta, without_site
from webintel.engine.fields.html_article import add_article_html, add_recipe_html
from webintel.engine.fields.html_other import add_documentation_html, add_forum_html, add_listing_html
from webintel.engine.fields.html_product import add_product_html
from webintel.engine.fields.one_offer import one_offer
from webintel.engine.fields.record import Finding, Record
from webintel.engine.fields.values import same_value
from webintel.engine.model import ExtractedField, PageKind
from webintel.engine.page import Page

_MAX_LOCATED: Final = 300
_BELIEVED: Final = 0.7
_MOSTLY: Final = 0.8
_PRODUCT: Final = (
    "title", "price", "currency", "availability", "sku", "brand", "rating", "review_count", "gtin", "image",
    "description", "category_path",
)  # fmt: skip
_ARTICLE: Final = (
    "title",
    "author",
    "published_at",
    "modified_at",
    "image",
    "description",
    "tags",
    "body",
    "category_path",
)
_RECIPE: Final = (*_ARTICLE, "ingredients", "instructions", "rating", "review_count")
_LISTING: Final = ("title", "description", "item_title", "item_url", "item_price", "item_image", "category_path")
_ORDER: Final[dict[str, tuple[str, ...]]] = {
    "product": _PRODUCT,
    "article": _RECIPE,
    "forum": ("title", "author", "published_at", "body", "replies", "category_path"),
    "documentation": ("title", "author", "modified_at", "description", "headings", "category_path"),
    "listing": _LISTING,
    "collection": _LISTING,
    "search": _LISTING,
    "home": _LISTING,
}
_ANY: Final = ("title", "description", "image", "category_path")
_MAY_OFFER: Final = frozenset(("listing", "collection", "article", "service", "home", "other"))
_NOT_LOCATED: Final = frozenset(("description", "image", "body", "currency", "availability"))


def extract_fields(page: Page, kind: PageKind) -> list[ExtractedField]:
    """The fields that pages of this type have, the surest value of each, in a fixed order.

    A page that shows one thing for sale has a product's fields too, whatever its type.
    """
    is_offer = kind == "product" or (kind in _MAY_OFFER and _offers(page, kind))
    record = _record(page, kind, is_offer=is_offer)
    located = _Places(page)
    found: list[ExtractedField] = []
    order = [*_ORDER.get(kind, _ANY), *(_PRODUCT if is_offer else ())]
    if "ingredients" in record:
        order += _RECIPE
    for name in dict.fromkeys(order):
        finding = record.get(name)
        if finding is not None:
            node = finding.node or located.find(name, finding)
            css = css_path(page.tree, node) if node is not None else None
            found.append(
                ExtractedField(
                    name=name, value=finding.value, source=finding.source, confidence=finding.confidence, css=css
                )
            )
    return found


def labels(page: Page, kind: PageKind) -> list[ExtractedField]:
    """The fields whose values are believed to be true, for learning where they stand."""
    return [field for field in extract_fields(page, kind) if field.confidence >= _BELIEVED]


def _offers(page: Page, kind: PageKind) -> bool:
    offer = page.remember(one_offer)
    return offer.is_sure or (kind in ("listing", "collection") and (offer.has_price or offer.has_few_controls))


def _record(page: Page, kind: PageKind, *, is_offer: bool) -> Record:
    record = Record()
    heading = main_heading(page)
    title = text_of(heading, 500).rstrip("\u00b6# ") if heading is not None else ""
    if is_offer:
        item = from_items.main_item(page, title, *from_items.PRODUCT_TYPES)
        if item is not None:
            from_items.add_product(record, page, item)
    if kind == "article":
        _add_article_items(record, page, title)
    elif kind == "forum":
        from_items.add_discussion(record, page)
    elif kind == "documentation":
        item = from_items.main_item(page, title, *from_items.ARTICLE_TYPES)
        if item is not None:
            from_items.add_article(record, page, item)
    elif not is_offer and kind in _MAY_OFFER:
        _add_recipe_elsewhere(record, page, title)
    from_items.add_breadcrumb(record, page)
    add_meta(record, page)
    # What readers see is the title; only a product's name is sometimes elsewhere than in the first heading.
    is_title = kind != "product" or _overlap(title, record.text("title")) >= 0.5
    sure = 0.96 if is_title else 0.9
    if kind == "article" and _is_aside(page, title, record.text("title")):
        sure = 0.3
    record.add("title", title, "html", sure, heading)
    record.add("title", without_site(page, page.title), "html", 0.4)
    _add_html(record, page, kind, heading)
    if is_offer:
        add_product_html(record, page, heading)
    _add_path(record, page)
    return record


def _add_article_items(record: Record, page: Page, title: str) -> None:
    recipe = from_items.main_item(page, title, "Recipe")
    if recipe is not None:
        from_items.add_recipe(record, page, recipe)
    item = from_items.main_item(page, title, *from_items.ARTICLE_TYPES)
    if item is not None:
        from_items.add_article(record, page, item)


def _add_recipe_elsewhere(record: Record, page: Page, title: str) -> None:
    """A recipe on a page that looks like something else for all that stands around it."""
    item = from_items.main_item(page, title, "Recipe")
    if item is not None and item.get("recipeIngredient") and item.get("recipeInstructions"):
        from_items.add_recipe(record, page, item)
        return
    found = Record()
    add_recipe_html(found, page)
    if "ingredients" in found and "instructions" in found:
        add_recipe_html(record, page)


def _add_html(record: Record, page: Page, kind: PageKind, heading: LexborNode | None) -> None:
    if kind == "article":
        add_article_html(record, page, heading)
        add_recipe_html(record, page)
    elif kind == "forum":
        add_forum_html(record, page)
    elif kind == "documentation":
        add_documentation_html(record, page)
    elif kind in ("listing", "collection", "search", "home"):
        add_listing_html(record, page)


def _add_path(record: Record, page: Page) -> None:
    """The breadcrumb as the page shows it, and in any case without the page itself at its end."""
    if "category_path" not in record:
        shown = [link.text for link in page.links if link.region == "breadcrumb" and link.text]
        record.add("category_path", list(dict.fromkeys(shown)), "html", 0.7)
    finding = record.get("category_path")
    title = record.text("title")
    if finding is not None and isinstance(finding.value, list) and same_value("title", finding.value[-1], title):
        record.add("category_path", finding.value[:-1], finding.source, finding.confidence + 0.01, finding.node)


def _is_aside(page: Page, heading: str, name: str) -> bool:
    """Whether the first heading asks for something, while the page's title and its item agree on another name."""
    return bool(name) and _overlap(heading, name) == 0 and _overlap(name, page.title or "") >= _MOSTLY


def _overlap(one: str, other: str) -> float:
    left, right = set(one.casefold().split()), set(other.casefold().split())
    return len(left & right) / max(1, min(len(left), len(right)))


def main_heading(page: Page) -> LexborNode | None:
    """The heading of the content: of the page's first headings the one that its title speaks of."""
    found = [node for node in page.tree.css("h1")[:20] if node.text().strip()]
    content = [node for node in found if page.region(node) == "main"] or found
    if not content:
        return _titled(page)
    site = (page.meta.get("og:site_name") or [""])[0]
    named = (page.meta.get("og:title") or [page.title or ""])[0]
    best = max(content, key=lambda node: _overlap(text_of(node, 500), named))
    # Themes make the site's name the only h1, and the title an h2.
    if not (page.title or "").casefold().startswith(text_of(best, 500).casefold()) and len(content) == 1:
        best = _titled(page) or best
    if site and same_value("title", text_of(best, 500), site) and not same_value("title", named, site):
        second = [node for node in page.tree.css("h2")[:20] if same_value("title", text_of(node, 500), named)]
        return next(iter(second), best)
    return best


def _titled(page: Page) -> LexborNode | None:
    """The lesser heading that the page's title begins with, where there is no first one."""
    title = (page.title or "").casefold()
    for node in page.tree.css("h2, h3")[:20]:
        text = text_of(node, 500).casefold()
        if len(text) > 2 and title.startswith(text) and page.region(node) == "main":
            return node
    return None


class _Places:
    """Where on the page short texts stand."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._nodes: dict[str, LexborNode] | None = None

    def find(self, name: str, finding: Finding) -> LexborNode | None:
        """The first element of the page that shows this value and nothing else."""
        if name in _NOT_LOCATED or not isinstance(finding.value, str) or len(finding.value) > _MAX_LOCATED:
            return None
        if self._nodes is None:
            self._nodes = self._read()
        node = self._nodes.get(_key(finding.value))
        if node is None and name == "price":
            return next((node for text, node in self._nodes.items() if same_value("price", text, finding.value)), None)
        return node

    def _read(self) -> dict[str, LexborNode]:
        found: dict[str, LexborNode] = {}
        body = self._page.tree.body
        for text_node in body.traverse(include_text=True, skip_empty=True) if body is not None else ():
            if not text_node.is_text_node:
                continue
            text = text_node.text_content or ""
            parent = text_node.parent
            if len(text) <= 2 * _MAX_LOCATED and parent is not None and parent.tag not in ("script", "style", "title"):
                found.setdefault(_key(text), parent)
        return found


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
