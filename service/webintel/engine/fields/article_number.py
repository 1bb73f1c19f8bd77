"""The number by which a shop knows a product, as the page shows it."""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from selectolax.lexbor import LexborNode

from webintel.engine.fields.dom import attribute, elements, text_of
from webintel.engine.fields.one_offer import is_elsewhere
from webintel.engine.fields.record import Record
from webintel.engine.page import Page

_LABEL: Final = (
    r"(?:\bSKU|\bItem\s?(?:No\.?|Number|#|Code)"
    r"|\b(?:Product|Article|Catalog(?:ue)?|Order|Stock|Style)\s?(?:Code|ID|No\.?|Number|#)"
    r"|\bArt(?:ikel|icle)?\.?\s?-?(?:Nr|No|Nummer)\.?|\b(?:Bestell|Produkt)-?(?:Nr\.?|nummer)|\bListing ID|\bpost id"
    r"|\bR[ée]f(?:[ée]rence)?\.?(?: produit| article)?|\bReferencia|\bReferência|\bN(?:umer|r) ref(?:erencyjny)?\.?"
    r"|\bCod(?:ice|ul)?\.? (?:articolo|prodotto|produs)|\bCodice|\bC[óo]d(?:igo)?\.?(?: (?:do|del) produ[tc]to)?"
    r"|\bTootekood|\bTuotenumero|\bVarenr\.?|\bVarenummer|\bKód (?:produktu|zboží|tovaru)|\bKod produktu|\bIndeks"
    r"|\bCikkszám|\bŠifra(?: artikla| proizvoda)?"
    r"|\bАртикул|\bКод(?: товара)?|商品編號|商品编号|商品番号|品番|상품번호|상품코드)"  # noqa: RUF001
)
_LABELLED: Final = re.compile(rf"{_LABEL}\s*[:#.\uff1a]*\s*([A-Za-z0-9][A-Za-z0-9./_-]{{1,39}})", re.IGNORECASE)
_ONLY_LABELLED: Final = re.compile(rf"\W*{_LABELLED.pattern}\W*", re.IGNORECASE)
# The maker's number stands in for the shop's where the shop shows none.
_MODEL: Final = re.compile(
    r"(?:\b(?:Item )?Model\s?(?:No\.?|Number|#)|\bPart\s?(?:No\.?|Number|#)|\bMPN)\s*[:#]?"
    r"\s*([A-Za-z0-9][A-Za-z0-9._/-]{1,39})",
    re.IGNORECASE,
)
_NAMED: Final = (
    "[itemprop=sku], [itemprop=productID], [data-sku], [data-product-code], [data-asin], .sku, [class*=product-sku],"
    " [class*=productSku], [class*=product-code], [class*=product-reference], [data-qa-qualifier=product-reference],"
    " input[name=sku], input[name=asin i]"
)
_ATTRIBUTES: Final = ("content", "data-sku", "data-product-code", "data-asin", "value")
_ID_HOLDERS: Final = (
    "[data-product-id], [data-productid], [data-id], [data-pid], [data-item-id], [data-product], input[name*=product],"
    " input[name=id], input[name*=item i], input[name=asin i], input[name=pid], [data-post-data], [data-asin]"
)
_NUMBER_IN_URL: Final = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z]{0,4}\d|[A-Z0-9]{10}\b)[A-Za-z0-9]{4,30}(?![A-Za-z0-9])"
)
_LIKE_A_DATE: Final = re.compile(r"(?:19|20)\d\d")
_MAX_TEXT: Final = 80
_MAX_PAGE_TEXT: Final = 30_000
_MAX_HOLDERS: Final = 400
_MAX_STATES: Final = 300_000
_TAGS: Final = frozenset(("p", "span", "div", "li", "td", "dd", "tr", "dl", "small"))


def add_article_number(record: Record, page: Page) -> None:
    """Fill in the article number, the labelled one before all others, for it is the one that people see."""
    labelled = _labelled(page)
    if labelled is not None:
        record.add("sku", labelled[0], "html", 0.9, labelled[1])
    if record.confidence("sku") >= 0.9:
        return
    for node in page.tree.css(_NAMED)[:5]:
        text = next((value for name in _ATTRIBUTES if (value := attribute(node, name))), "") or text_of(node, _MAX_TEXT)
        match = _LABELLED.search(text)
        code = match[1] if match else text
        if _is_code(code) and not is_elsewhere(node):
            record.add("sku", code, "html", 0.8, node)
            return
    record.add("sku", _in_address(page), "html", 0.72)
    text = page.text[:_MAX_PAGE_TEXT]
    for pattern, sure in ((_LABELLED, 0.65), (_MODEL, 0.6)):
        match = pattern.search(text)
        if match and _is_code(match[1]):
            record.add("sku", match[1].rstrip(".-/"), "html", sure)


def _labelled(page: Page) -> tuple[str, LexborNode] | None:
    """An element that holds nothing but a label and a number."""
    for node, tag, _ in page.remember(elements):
        if tag not in _TAGS:
            continue
        text = node.text(deep=False)
        if tag not in ("tr", "dl") and (len(text) > _MAX_TEXT or not text.strip()):
            continue
        whole = text_of(node, _MAX_TEXT)
        match = _ONLY_LABELLED.fullmatch(whole) if len(whole) < _MAX_TEXT else None
        if match and _is_code(match[1]) and not is_elsewhere(node):
            return match[1].rstrip(".-/"), node
    return None


def _is_code(text: str) -> bool:
    return 2 <= len(text) <= 40 and " " not in text and any(map(str.isdigit, text)) and "//" not in text


def _in_address(page: Page) -> str | None:
    """The number in the page's own address that the page uses for the product too."""
    parts = urlsplit(page.url)
    segments = [segment for segment in unquote(parts.path).split("/") if segment]
    query = [value for name, value in parse_qsl(parts.query, max_num_fields=30) if "id" in name.lower()]
    candidates = [
        code
        for segment in [*reversed(segments[-3:]), *query]
        for code in reversed(_NUMBER_IN_URL.findall(segment))
        if sum(map(str.isdigit, code)) >= 3 and not _LIKE_A_DATE.fullmatch(code)
    ]
    if not candidates:
        return None
    held: set[str] = set()
    for node in page.tree.css(_ID_HOLDERS)[:_MAX_HOLDERS]:
        held.update(value for value in node.attributes.values() if value and len(value) <= 40)
    shown = page.text[:_MAX_PAGE_TEXT]
    return next(
        (code for code in candidates if code in held or re.search(rf"(?<![\w/]){re.escape(code)}(?![\w/])", shown)),
        None,
    )
