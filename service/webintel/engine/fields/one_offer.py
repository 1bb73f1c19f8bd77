"""Whether a page shows one thing for sale, whatever else stands around it."""

import re
from typing import Final

import msgspec
from selectolax.lexbor import LexborNode

from webintel.engine.fields.dom import ancestors, attribute, elements, names
from webintel.engine.fields.items import MIN_ITEMS, PRICE, repeated_items
from webintel.engine.page import Page

ELSEWHERE: Final = re.compile(
    r"related|recommend|upsell|cross-?sell|similar|also|recent|carousel|mini-?cart|bundle|accessor|footer|header|menu|nav\b|slider",
    re.IGNORECASE,
)
BUY_LABEL: Final = re.compile(
    r"(?:(?:add|put) (?:to|in) (?:my |your |the )?(?:shopping )?(?:cart|bag|basket|trolley)"
    r"|buy (?:it )?now|pre-?order(?: now)?|place (?:a )?bid|bid now"
    r"|(?:in|zum) (?:den |meinen )?(?:waren|einkaufs)korb(?: legen| hinzufügen)?|jetzt kaufen"
    r"|ajouter (?:au|à mon) panier|mettre au panier|acheter(?: maintenant)?"
    r"|(?:añadir|agregar) (?:al carrito|a la cesta|a la bolsa)|comprar(?: ahora| agora)?"
    r"|adicionar (?:ao carrinho|à sacola)"
    r"|aggiungi al carrello|acquista(?: ora)?|in (?:mijn )?winkel(?:wagen|mandje)|bestellen"
    r"|dodaj do koszyka|do koszyka|kup teraz|(?:pridať )?do košíka|(?:přidat )?do košíku"
    r"|dodaj u košaricu|(?:dodaj )?v košarico"
    r"|kosárba(?: teszem)?|adaugă în coș|lägg i (?:varukorg|kundvagn)|läg i kurv|legg i handlekurv|lisää ostoskoriin"
    r"|lisa ostukorvi|pievienot grozam|(?:добавить )?в корзину|купить|купи|у кошик|sepete ekle"  # noqa: RUF001
    r"|カートに入れる|장바구니(?: 담기)?|구매하기|바로구매|加入購物車|加入购物车|立即購買|立即购买)[\s+!.]*",
    re.IGNORECASE,
)
_BUY_NAME: Final = re.compile(
    r"add[-_]?to[-_]?(?:cart|basket|bag|trolley|order)\b|addtocart|add-to-cart|buy[-_]?now\b|btn[-_]?(?:buy|add[-_]?cart)\b|buy[-_]?btn\b",
    re.IGNORECASE,
)
_CART_CLASS: Final = re.compile(r"cart|buy|basket|bag|btn|button|kosz|kosik", re.IGNORECASE)
_MAX_LABEL: Final = 40
_MAX_PRICE_TEXT: Final = 60
_MAX_CONTROLS: Final = 300
_NEAR: Final = 200
_FEW: Final = 3
_HALF: Final = 0.5


class Offer(msgspec.Struct, frozen=True):
    """What a page shows of one thing for sale."""

    has_price: bool
    """A price stands below the heading, and not on one of the page's cards."""
    controls: int
    """How many ways to buy the page shows outside of its cards."""

    @property
    def is_sure(self) -> bool:
        """Whether nothing else than one offer looks like this."""
        return self.has_price and self.has_few_controls

    @property
    def has_few_controls(self) -> bool:
        """Whether there are as many ways to buy as one thing needs."""
        return 1 <= self.controls <= _FEW


def one_offer(page: Page) -> Offer:
    """What the page shows of one thing for sale. Ask through `page.remember`."""
    group = page.remember(repeated_items)
    is_priced = group is not None and group.share_with_price >= _HALF and len(group.items) >= MIN_ITEMS
    cards = frozenset(node.mem_id for node in group.items) if group is not None and is_priced else frozenset()
    controls = [node for node in page.remember(buy_controls) if not _within(node, cards)]
    return Offer(_price_below_heading(page, cards), len(controls))


def buy_controls(page: Page) -> list[LexborNode]:
    """Buttons and links that put something into the cart; ask through `page.remember`."""
    found: list[LexborNode] = []
    seen = 0
    for node, tag, classes in page.remember(elements):
        is_button = tag in ("button", "input")
        if not is_button and (tag != "a" or not _CART_CLASS.search(classes)):
            continue
        seen += 1
        if seen > _MAX_CONTROLS:
            break
        if _buys(node, tag, classes) and not is_elsewhere(node):
            found.append(node)
    return found


def _buys(node: LexborNode, tag: str, classes: str) -> bool:
    attributes = node.attributes
    if tag == "input" and (attributes.get("type") or "").lower() not in ("submit", "button", "image"):
        return False
    label = " ".join((node.text()[:400]).split()) or attributes.get("value") or attributes.get("aria-label") or ""
    if len(label) < _MAX_LABEL and BUY_LABEL.fullmatch(label.strip(" +!")):
        return True
    return tag != "a" and bool(
        _BUY_NAME.search(f"{classes} {attributes.get('id') or ''} {attributes.get('name') or ''}")
    )


def is_elsewhere(node: LexborNode) -> bool:
    """Whether an element belongs to other things than the one the page is about."""
    return any(ELSEWHERE.search(names(outer)) for outer in ancestors(node, 8))


def _price_below_heading(page: Page, cards: frozenset[int]) -> bool:
    since: int | None = None
    for place, (node, tag, _) in enumerate(page.remember(elements)):
        if tag == "h1" and page.region(node) == "main":
            since = place
        elif since is not None and place - since < _NEAR and tag in ("span", "div", "p", "ins", "li", "td", "dd", "h2"):
            text = node.text(deep=False).strip()
            if text and len(text) <= _MAX_PRICE_TEXT and PRICE.search(text):
                return attribute(node, "hidden") == "" and not _within(node, cards) and not is_elsewhere(node)
    return False


def _within(node: LexborNode, cards: frozenset[int]) -> bool:
    return bool(cards) and any(outer.mem_id in cards for outer in (node, *ancestors(node, 12)))
