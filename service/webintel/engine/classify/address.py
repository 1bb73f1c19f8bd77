"""What a page's address says about its type."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_HOSTS: Final[dict[str, re.Pattern[str]]] = {
    "host_forum": re.compile(
        r"(?:^|[.-])(?:forums?|community|communities|discuss(?:ions?)?|boards?|talk|answers|users|bbs|foro|forumz)[.-]"
    ),
    "host_docs": re.compile(
        r"(?:^|[.-])(?:docs?|documentation|developers?|wiki|manual|reference|learn|help|support|api|kb|readthedocs)[.-]"
    ),
    "host_shop": re.compile(r"(?:^|[.-])(?:shop|store|boutique|tienda|negozio)[.-]"),
    "host_blog": re.compile(r"(?:^|[.-])(?:blogs?|news|magazine|medium|substack|wordpress)[.-]"),
}
_PATHS: Final[dict[str, re.Pattern[str]]] = {
    "path_product": re.compile(
        r"/(?:p|dp|pd|prod|itm|item|items|product|products|produkt|produit|producto|prodotto|product-page|productdetail|sku|app|listing)/[^/]+"
    ),
    "path_product_end": re.compile(
        r"(?:/p/?$|-p-?\d+(?:\.html?)?$|/p\d+$|[-_/](?:sku|item|pid)[-_]?\w+$|_p\d+\.html?$|/\d+-[\w-]+\.html$)"
    ),
    "path_collection": re.compile(
        r"/(?:collections?|category|categories|cat|c|browse|shop-by|catalog|catalogue|department|product-category|categorie|kategorie"
        r"|shop|store|products|range|brands?|b)(?:/[^/]+){0,3}/?$"
    ),
    "path_shop_root": re.compile(r"/(?:shop|store|products|catalog|all|sale|new-arrivals|collections)/?$"),
    "path_listing": re.compile(
        r"/(?:tags?|topics?|category|categories|search|jobs|events?|archives?|authors?|directory|list|listings?|browse|d|market|issues|rankings?"
        r"|standings|top|best|find|results|companies|courses|course-catalog|resources|library|recipes|portfolio)(?:/[^/]+){0,2}/?$"
    ),
    "path_section": re.compile(
        r"/(?:news|blog|articles|stories|press|insights|magazine|journal|posts|updates|videos|podcasts|guides)/?$"
    ),
    "path_article": re.compile(
        r"/(?:blogs?|news|articles?|posts?|story|stories|press|insights?|magazine|journal|opinion|features?|technique|recipes?|resources|know[\w-]*)"
        r"/(?:[^/]+/)*[^/]*[a-z]+(?:-[a-z0-9]+){2,}"
    ),
    "path_date": re.compile(r"/(?:19|20)\d\d/(?:\d{1,2}|[a-z]{3})(?:/|$)|/(?:19|20)\d\d-\d\d-\d\d"),
    "path_forum": re.compile(
        r"/(?:forums?|threads?|viewtopic|showthread|questions/\d+|comments/\w+|discussions?|boards?|community|t/[^/]+/\d+|d/\d+|topic/\d+"
        r"|showtopic|qa|answers?|ask|msg|messages?|conversations?)(?:[./?-]|$)|/showtopic-|/viewtopic\.php|/showthread\.php|/t/[^/]+/\d+|/a?\d{5,}-[\w-]+-a\.html"
    ),
    "path_docs": re.compile(
        r"/(?:docs?|documentation|manual|reference|api|wiki|man-pages|man\d|guides?|tutorials?|learn|handbook|book|howto|en/stable|en/latest|latest"
        r"|stable|library|help|support|kb|knowledge-?base|tech_?notes|getting-started|quickstart|install(?:ation)?|specification|javadoc|sdk|faq)(?:[/._-]|$)"
    ),
    "path_service": re.compile(
        r"/(?:services?|solutions?|pricing|features?|platform|consulting|use-cases?|industries|departments?|insurance|applications|agency|advisory"
        r"|products?|software|tools?|tools-calculators|support-services|what-we-do|capabilities|expertise|treatments?|hire|designers|work|accounting|business"
        r"|enterprise|integrations?|plans?|demo|contact|about(?:-us)?|[\w-]*-services?|[\w-]*-software|[\w-]*-agency|[\w-]*-company)(?:/|\.|$)"
    ),
    "path_search": re.compile(r"/(?:search|find|recherche|suche|buscar|catalogsearch)(?:/|\.|$)"),
    "path_legal": re.compile(
        r"/(?:terms|privacy|legal|cookies?|policy|policies|imprint|impressum|about|contact)[\w-]*/?$"
    ),
    "path_page_number": re.compile(r"/page[/-]?\d+"),
}
_WORDS: Final = re.compile(r"[a-z]{2,}")


def address_signals(url: str) -> dict[str, float]:
    """Names and strengths of what the address shows."""
    parts = urlsplit(url)
    host = (parts.hostname or "") + "."
    path = unquote(parts.path).lower()
    found = {name: 1.0 for name, pattern in _HOSTS.items() if pattern.search(host)}
    found.update({name: 1.0 for name, pattern in _PATHS.items() if pattern.search(path)})
    segments = [segment for segment in path.split("/") if segment]
    last = segments[-1] if segments else ""
    words = len(_WORDS.findall(last))
    found["path_depth"] = min(len(segments), 6) / 6
    found["slug_words"] = min(words, 10) / 10
    found["slug_one_word"] = float(bool(segments) and words <= 1)
    found["slug_long"] = float(words >= 5)
    found["slug_number"] = float(bool(re.search(r"\d{4,}", last)))
    found["path_root"] = float(not segments)
    found["path_file"] = float("." in last)
    found["has_query"] = float(bool(parts.query) and "srsltid" not in parts.query)
    found["ends_with_slash"] = float(path.endswith("/") and bool(segments))
    return {name: value for name, value in found.items() if value}
