"""What the words in URLs and link texts say about a page, before it has been fetched."""

import re
from functools import lru_cache
from typing import Final

from webintel.engine.urls import path_tokens, query_pairs


def _words(alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives.split()), re.IGNORECASE)


PERSONAL: Final = _words(
    r"""
    log[-_]?(?:in|out|off) sign[-_]?(?:in|out|up|on) register registration create[-_]account my[-_]?account accounts?
    account[-_]\w+ customers? profile address[-_]book\w* password\w* forgot\w* lost[-_]password oauth2? sso auth
    wp-admin wp-login administrator admin cart basket (?:shopping|view|my)[-_]?(?:cart|basket|bag) checkout[-_\w]*
    wish-?lists? favou?rites compare[-_\w]* (?:product[-_])?comparison add[-_]to[-_]\w+ buy[-_]now
    order[-_]?(?:status|tracking|history) track[-_]?(?:your[-_])?orders? tell[-_]a[-_]friend
    email[-_]?(?:a[-_])?friend send[-_]?to[-_]?friend write[-_]?(?:a[-_])?review product_reviews_write popup_\w+
    [-\w]*quick-?view[-\w]*
    unsubscribe newsletter subscribe printable redirect cgi-bin xmlrpc trackback reply ucp memberlist wp-json cdn-cgi
    identity anmelden warenkorb kasse konto panier connexion carrito carrello winkelwagen
    """
)
"""Pages of one visitor, and links that do something: never worth a fetch, and some must not be fetched."""

INFORMATION: Final = _words(
    r"""
    about(?:[-_]us)? contact(?:[-_]?us)? imprint impressum legal[-_\w]* privacy[-_\w]* cookies?[-_\w]* terms[-_\w]*
    conditions agb datenschutz\w* disclaimer gdpr ccpa do-not-sell[-_\w]* accessibility polic(?:y|ies)
    [-_\w]*[-_]policy shipping[-_\w]* delivery[-_\w]* returns?[-_\w]* refunds?[-_\w]* warranty faqs? help support
    customer-(?:service|care) careers? jobs press media-kit investors? affiliates? wholesale
    store-?(?:locator|finder) stores locations find-a-store size-?(?:guide|chart)s?
    gift-?(?:card|voucher|certificate)s? advertis\w+ team our-story who-we-are how-it-works testimonials? rewards
    loyalty refer-a-friend site[-_]?map status licen[cs]e partners? sponsors? donate feedback allprods all[-_]products
    """
)
"""Pages that most sites have one of each."""

CATEGORY: Final = _words(
    r"""
    categor(?:y|ies) [-_\w]*[-_]categor(?:y|ies) collections? cat c catalog(?:ue)? departments? dept browse
    kategorien? categorie categoria genres? topics? sections? channel rubrik themen subforum forums? viewforum
    shop-by-\w+
    """
)
DETAIL: Final = _words(
    r"""
    products? p dp items? details? product[-_]info prod pd sku artikel produkte? produit producto prodotto
    articles? posts? stor(?:y|ies) recipes? threads? viewtopic showthread questions? books?
    """
)
MINOR: Final = _words(
    r"""
    (?:\w+[-_])?tags? tagged authors? users? members? brands? manufacturers?(?:_id)? vendors? designers? archives?
    date calendar feed rss amp embed attachment (?:\w+[-_])?reviews?(?:_info)? gallery search suche recherche find
    advanced[-_]search\w* specials? products_new new[-_]products prices[-_]drop best[-_]sales featured_products
    products_all ratings? events
    """
)
"""Listings that cut across the tree: a few of each are enough."""

TAG: Final = _words(r"tags? tagged topics?")
SALE: Final = _words(
    r"""
    (?:on[-_])?sale new new-in new-arrivals? whats-new clearance outlet offers? deals specials best-?sellers? featured
    """
)
BRAND: Final = _words(
    r"(?:our[-_]|all[-_]|shop-by-)?brands? manufacturers?(?:_id)? vendors? designers? marken? marques?"
)
BLOG: Final = _words(
    "blogs? news magazine journal stories articles? posts? press podcasts? events recipes? guides? lookbooks?"
)
LANGUAGE: Final = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?", re.IGNORECASE)
LANGUAGE_NAME: Final = re.compile(
    r"english|deutsch|german|fran[c\u00e7]ais|french|espa[n\u00f1]ol|spanish|italiano|nederlands|polski"
    r"|portugu[e\u00ea]s|svenska|dansk|norsk|suomi|t[u\u00fc]rk[c\u00e7]e|[a-z]{3} ?[$\u20ac\u00a3\u00a5]"
    r"|[$\u20ac\u00a3\u00a5] ?[a-z]{3}|usd|eur|gbp|chf|jpy|cad|aud",
    re.IGNORECASE,
)


_NUMBER_BEFORE: Final = re.compile(r"^\d+[-_]")


@lru_cache(maxsize=8_192)
def names_of(url: str) -> tuple[str, ...]:
    """The names a URL is made of: its path's segments without extension, and the values that route."""
    stems = [token.rsplit(".", 1)[0] if token[:1] != "." else token for token in path_tokens(url)]
    routed = [
        part
        for name, value in query_pairs(url)
        if not value.isdigit()
        and name.lower() in ("route", "main_page", "controller", "page", "view", "dispatch", "action")
        for part in re.split(r"[/.]", value)
    ]
    return (*stems, *routed)


def names_any(pattern: re.Pattern[str], url: str) -> bool:
    """Whether one of the URL's names is a word of the pattern."""
    return any(pattern.fullmatch(name) for name in names_of(url))


def says(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a link's text as a whole is a word of the pattern."""
    return len(text) < 40 and pattern.fullmatch("-".join(text.split())) is not None


def is_personal(url: str, text: str = "") -> bool:
    """Whether a link leads to a visitor's own pages or does something."""
    return names_any(PERSONAL, url) or says(PERSONAL, text)


def is_information(url: str, text: str = "") -> bool:
    """Whether a link leads to a page about the site itself."""
    names = names_of(url)
    last = _NUMBER_BEFORE.sub("", names[-1]) if names else ""
    return INFORMATION.fullmatch(last) is not None or says(INFORMATION, text)
