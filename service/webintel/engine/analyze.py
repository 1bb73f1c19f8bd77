"""Everything a single page tells, in one go."""

from webintel.engine.classify import classify_page, next_page_url
from webintel.engine.fields import extract_fields
from webintel.engine.fingerprint import Fingerprinter, default_fingerprinter
from webintel.engine.model import PageAnalysis
from webintel.engine.page import Page
from webintel.engine.structured import Item


def analyze_page(page: Page, fingerprinter: Fingerprinter | None = None) -> PageAnalysis:
    """Analyse one page without fetching anything."""
    kind, confidence = classify_page(page)
    fingerprint = (fingerprinter or default_fingerprinter()).page(page)
    return PageAnalysis(
        url=page.url,
        title=page.title,
        language=page.language,
        page_type=kind,
        page_type_confidence=confidence,
        requires_js=fingerprint.requires_js,
        fingerprint=fingerprint,
        structured_data=structured_items(page),
        fields=extract_fields(page, kind),
        next_page=next_page_url(page),
    )


def structured_items(page: Page) -> list[Item]:
    """The page's items of JSON-LD, microdata and RDFa, and one of its Open Graph properties if it has any."""
    items = list(page.structured.items)
    if page.structured.open_graph:
        items.append({"@source": "open_graph", "@type": [], **page.structured.open_graph})
    return items
