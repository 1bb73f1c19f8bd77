"""CSS and XPath are two spellings of one selector, in whichever parser they are used."""

import pytest
from lxml import html as lxml_html
from selectolax.lexbor import LexborHTMLParser

from tests.engine.selectors.shop import Product, listing, recipe
from webintel.engine.model import PageKind
from webintel.engine.page import Page
from webintel.engine.selectors import apply_selectors, induce_selectors


def texts(page: Page, css: str, xpath: str) -> tuple[list[str], list[str], list[str]]:
    """What CSS in the HTML5 parser, CSS in libxml2 and XPath select, without spaces."""
    root = lxml_html.document_fromstring(page.html)
    by_css = ["".join(node.text().split()) for node in LexborHTMLParser(page.html).css(css)]
    by_cssselect = ["".join(node.text_content().split()) for node in root.cssselect(css)]
    by_xpath = ["".join(node.text_content().split()) for node in root.xpath(xpath)]
    return by_css, by_cssselect, by_xpath


@pytest.mark.parametrize(
    ("pages", "kind"),
    [
        ([Product(n, sale=n % 2 == 0).page() for n in range(1, 9)], "product"),
        ([Product(n, sale=n % 2 == 0, broken=True).page() for n in range(1, 9)], "product"),
        ([Product(n, broken=n % 2 == 0, generated=True).page() for n in range(1, 9)], "product"),
        ([recipe(n) for n in range(1, 8)], "article"),
    ],
)
def test_both_languages_select_the_same_nodes_on_every_page(pages: list[Page], kind: PageKind):
    selectors = induce_selectors({"detail": pages}, {"detail": kind})
    assert len(selectors) >= 3
    for selector in selectors:
        for page in pages:
            by_css, by_cssselect, by_xpath = texts(page, selector.css, selector.xpath)
            assert by_css == by_cssselect == by_xpath
            assert by_css or selector.test_pass_rate < 1


def test_both_languages_agree_within_items():
    pages = [listing(n) for n in range(4)]
    selectors = [one for one in induce_selectors({"listing": pages}, {"listing": "collection"}) if one.scope]
    assert len(selectors) == 4
    for page in pages:
        root = lxml_html.document_fromstring(page.html)
        items = page.tree.css(selectors[0].scope or "")
        others = root.cssselect(selectors[0].scope)
        assert len(items) == len(others) == 12
        for item, other in zip(items, others, strict=True):
            for selector in selectors:
                by_css = [node.attributes for node in item.css(selector.css)]
                by_xpath = [dict(node.attrib) for node in other.xpath(selector.xpath)]
                assert by_css == by_xpath


def test_values_read_by_xpath_are_those_that_are_applied():
    pages = [one.page() for one in (Product(n) for n in range(1, 9))]
    selectors = induce_selectors({"detail": pages}, {"detail": "product"})
    page = Product(70).page()
    values = apply_selectors(selectors, page)
    root = lxml_html.document_fromstring(page.html)
    for selector in selectors:
        if selector.attribute is None:
            assert values[selector.field_name] == " ".join(root.xpath(selector.xpath)[0].text_content().split())
