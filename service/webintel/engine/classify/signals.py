"""What a page shows of its type, as numbers between 0 and 1 with a name each.

The names are those of the weights file; a signal that is 0 is left out.
"""

import math
import re
from collections import Counter
from typing import Final

from selectolax.lexbor import LexborNode

from webintel.engine.classify.address import address_signals
from webintel.engine.classify.words import count_classes, count_phrases, vocabulary
from webintel.engine.fields.dom import elements
from webintel.engine.fields.items import PRICE, repeated_items
from webintel.engine.page import Page
from webintel.engine.structured import Item

_MAX_TEXT: Final = 30_000
_MAX_ELEMENTS: Final = 4_000
_MARKED_TEXT: Final = frozenset(("ins", "strong", "b", "bdi"))

_TYPES: Final[dict[str, frozenset[str]]] = {
    "type_product": frozenset(
        ("Product", "ProductGroup", "IndividualProduct", "ProductModel", "Vehicle", "Book", "VideoGame", "Course")
    ),
    "type_article": frozenset(
        (
            "Article",
            "NewsArticle",
            "BlogPosting",
            "Report",
            "ScholarlyArticle",
            "OpinionNewsArticle",
            "Recipe",
            "HowTo",
            "SocialMediaPosting",
        )
    ),
    "type_docs": frozenset(("TechArticle", "APIReference", "DefinedTerm")),
    "type_forum": frozenset(("DiscussionForumPosting", "QAPage", "Question", "Answer", "Comment", "UserComments")),
    "type_collection": frozenset(
        ("CollectionPage", "ItemList", "OfferCatalog", "SearchResultsPage", "Blog", "AggregateOffer")
    ),
    "type_service": frozenset(
        (
            "Service",
            "SoftwareApplication",
            "WebApplication",
            "LocalBusiness",
            "ProfessionalService",
            "FinancialProduct",
            "FAQPage",
        )
    ),
    "type_events": frozenset(("Event", "JobPosting", "BusinessEvent")),
    "type_person": frozenset(("Person",)),
    "type_offer": frozenset(("Offer", "AggregateOffer")),
    "type_rating": frozenset(("AggregateRating",)),
    "type_organization": frozenset(("Organization", "Corporation", "WebSite")),
}
_COUNTED: Final = (
    "h1", "h2", "h3", "p", "pre", "code", "table", "time", "form", "input", "select", "img", "li", "article", "iframe",
    "video", "dl", "blockquote", "button", "textarea", "section",
)  # fmt: skip
_TITLES: Final[dict[str, re.Pattern[str]]] = {
    "title_how": re.compile(r"^(?:how|why|what|when|the \d|\d+|top \d|best|a guide|the ultimate)\b|\btips\b|\bguide\b"),
    "title_docs": re.compile(r"documentation|\bdocs\b|manual|reference|tutorial|\bwiki\b|\bapi\b|handbook|guide"),
    "title_forum": re.compile(r"forum|community|thread|discussion|page \d+|stack (?:overflow|exchange)|reddit|q&a"),
    "title_shop": re.compile(r"\bbuy\b|\bshop\b|\bprice\b|\bonline\b|\bsale\b|for sale|\bstore\b"),
    "title_service": re.compile(
        r"services?|solutions?|software|platform|agency|consulting|company|for (?:teams|business)"
    ),
    "title_listing": re.compile(
        r"\bnews\b|archives?|category|\bjobs\b|\bevents\b|latest|\btopics?\b|results|\bbest\b.*\b20\d\d\b|list of"
    ),
}
_RESULTS: Final = re.compile(
    r"\b\d[\d,.]{0,9} (?:results|products|items|produkte|produits|articles|jobs|events|courses|listings|repositories)\b"
    r"|\b\d{1,5}\s?[-\u2013]\s?\d{1,5} (?:of|von|sur|de) \d"
)
_FIRST_PERSON: Final = re.compile(r"\b(?:I|I'm|I've|my|me)\b")
_GENERATOR_HEAD: Final = 3_000


def signals(page: Page) -> dict[str, float]:
    """All signals of a page."""
    found = address_signals(page.url)
    found |= _structured_signals(page)
    text = page.text[:_MAX_TEXT]
    found |= _text_signals(text)
    found |= _element_signals(page, len(text))
    found |= _link_signals(page)
    found |= _repetition_signals(page)
    found |= _metadata_signals(page)
    return {name: round(value, 4) for name, value in found.items() if value}


def _log_share(count: float, full: float) -> float:
    """A count on a logarithmic scale, 1 from `full` on."""
    return min(1.0, math.log1p(count) / math.log1p(full))


def _structured_signals(page: Page) -> dict[str, float]:
    counts: Counter[str] = Counter()
    top: set[str] = set()
    for item in page.structured.items:
        names = item.get("@type")
        top.update(name for name in names if isinstance(name, str)) if isinstance(names, list) else None
    _count_types(page.structured.items, counts)
    found: dict[str, float] = {}
    for name, types in _TYPES.items():
        total = sum(counts[kind] for kind in types)
        found[name] = float(total > 0)
        found[f"{name}_top"] = float(not top.isdisjoint(types))
        found[f"{name}_many"] = float(total >= 3)
    return found


def _count_types(items: list[Item], counts: Counter[str]) -> None:
    stack: list[object] = list(items)
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            names = value.get("@type")
            counts.update(name for name in names if isinstance(name, str)) if isinstance(names, list) else None
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(part for part in value if isinstance(part, dict))


def _text_signals(text: str) -> dict[str, float]:
    lowered = text.lower()
    found = {name: _log_share(count, 12) for name, count in count_phrases(lowered).items()}
    found["prices"] = _log_share(len(PRICE.findall(text)), 40)
    found["counts_results"] = float(bool(_RESULTS.search(lowered)))
    found["text_length"] = _log_share(len(text) / 100, 400)
    lines = text.split("\n")
    prose = sum(len(line) for line in lines if len(line) > 140)
    found["prose_share"] = prose / max(1, len(text))
    found["prose_length"] = _log_share(prose / 100, 200)
    found["short_lines"] = sum(len(line) < 40 for line in lines) / max(1, len(lines))
    found["questions"] = _log_share(text.count("?"), 30)
    found["first_person"] = _log_share(len(_FIRST_PERSON.findall(text)), 60)
    return found


def _element_signals(page: Page, text_length: int) -> dict[str, float]:
    tags: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for _, tag, names in page.remember(elements)[:_MAX_ELEMENTS]:
        if tag in _MARKED_TEXT:
            continue
        tags[tag] += 1
        if names:
            classes[names] += 1
    found = {f"tag_{tag}": _log_share(tags[tag], 80) for tag in _COUNTED}
    found |= {name: _log_share(count, 40) for name, count in count_classes(classes).items()}
    found["one_h1"] = float(tags["h1"] == 1)
    found["text_per_element"] = _log_share(text_length / max(1, sum(tags.values())), 60)
    password = page.tree.css_first("input[type=password]")
    found["password"] = float(password is not None)
    return found


def _link_signals(page: Page) -> dict[str, float]:
    links = page.links
    regions = Counter(link.region for link in links)
    total = max(1, len(links))
    main = [link for link in links if link.region == "main"]
    text = sum(len(link.text) for link in main)
    siblings = page.url.rpartition("/")[0]
    near = sum(link.url.startswith(siblings + "/") and link.url != page.url for link in links)
    return {
        "links": _log_share(total, 500),
        "links_main": _log_share(len(main), 200),
        "links_main_share": len(main) / total,
        "links_breadcrumb": float(regions["breadcrumb"] > 0),
        "link_text_share": min(1.0, text / max(1, len(page.text))),
        "links_near": near / total if siblings.count("/") > 2 else 0.0,
    }


def _repetition_signals(page: Page) -> dict[str, float]:
    group = page.remember(repeated_items)
    if group is None:
        return {}
    whole = max(1, len(page.text))
    return {
        "items": _log_share(len(group.items), 40),
        "items_score": min(1.0, group.score / 40),
        "items_priced": group.share_with_price,
        "items_priced_many": group.share_with_price * _log_share(len(group.items), 20),
        "items_pictured": group.share_with_image,
        "items_dated": group.share_with_date,
        "items_long": _log_share(group.mean_text, 1_500),
        "items_share": min(1.0, group.mean_text * len(group.items) / whole),
    }


def _metadata_signals(page: Page) -> dict[str, float]:
    kind = (page.meta.get("og:type") or [""])[0].lower()
    root = page.tree.css_first("html")
    body = page.tree.body
    generator = " ".join(page.meta.get("generator", []) + page.meta.get("application-name", []))
    marks = f"{generator} {_marks(root)} {_marks(body)} {page.html[:_GENERATOR_HEAD]}".lower()
    known = vocabulary().marks
    found = {name: float(any(word in marks for word in words)) for name, words in known.items()}
    found["og_article"] = float(kind in ("article", "blog", "news"))
    found["og_product"] = float(kind.startswith("product") or "og:product" in kind or kind == "og:product")
    found["og_website"] = float(kind == "website")
    found["og_none"] = float(not kind)
    found["article_time"] = float("article:published_time" in page.meta)
    found["author_meta"] = float("author" in page.meta or "article:author" in page.meta)
    found["price_meta"] = float("product:price:amount" in page.meta or "og:price:amount" in page.meta)
    title = (page.title or "").lower()
    for name, pattern in _TITLES.items():
        found[name] = float(bool(pattern.search(title)))
    return found


def _marks(node: LexborNode | None) -> str:
    if node is None:
        return ""
    return " ".join(f"{name}={value}" for name, value in node.attributes.items() if value and len(value) < 400)
