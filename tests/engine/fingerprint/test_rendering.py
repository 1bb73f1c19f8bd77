"""Whether a page needs a browser, and how complex it is."""

import json

import pytest

from webintel.engine.fingerprint import default_fingerprinter, requires_javascript
from webintel.engine.page import Page

PROSE = "The lamp stands on three legs of oak and gives a warm light. " * 40
EMPTY_APP = (
    "<html><body><noscript>You need to enable JavaScript to run this app.</noscript>"
    '<div id="root"></div><script src="/static/js/main.js"></script>{}</body></html>'
)


def verdict(html: str) -> tuple[bool, float, list[str]]:
    return requires_javascript(Page("https://shop.example/", html))


def test_an_empty_application_needs_a_browser() -> None:
    required, confidence, reasons = verdict(EMPTY_APP.format(""))
    assert required
    assert confidence > 0.9
    assert "Its application root #root is empty." in reasons


def test_a_page_of_text_does_not() -> None:
    assert verdict(f"<main><h1>Lamp</h1><p>{PROSE * 4}</p></main><script src=/a.js></script>")[0] is False


def test_a_page_without_scripts_cannot() -> None:
    required, confidence, reasons = verdict("<p>Hi</p>")
    assert required is False
    assert "no scripts" in reasons[0]
    assert confidence > 0.9


def test_a_stored_page_that_lost_its_scripts_still_shows_what_they_would_fill() -> None:
    assert verdict("<header>Menu</header><div id=root></div>")[0] is True


@pytest.mark.parametrize(
    "extra",
    [
        '<script id="__NEXT_DATA__" type="application/json">' + json.dumps({"props": {"text": PROSE}}) + "</script>",
        f"<noscript><article>{PROSE}</article></noscript>",
        "<div data-preloaded='" + json.dumps({"topic": json.dumps({"posts": [PROSE]})}).replace("'", "") + "'></div>",
    ],
    ids=["next data", "noscript", "preloaded"],
)
def test_content_that_stands_in_the_page_otherwise_is_found(extra: str) -> None:
    assert verdict(EMPTY_APP.format(extra))[0] is False


def test_a_challenge_needs_a_browser() -> None:
    required, _, reasons = verdict("<title>Just a moment...</title><script>window._cf_chl_opt={}</script>")
    assert required
    assert "challenge" in reasons[0]


def test_placeholders_and_an_empty_main_part_need_a_browser() -> None:
    cards = '<div class="card skeleton"></div>' * 12
    assert verdict(f"<nav>Home Shop About</nav><main>{cards}</main><script src=/app.js></script>")[0] is True


def test_a_site_follows_its_pages() -> None:
    empty = Page("https://shop.example/a", EMPTY_APP.format(""))
    full = Page("https://shop.example/b", f"<main>{PROSE * 4}</main><script src=/a.js></script>")
    fingerprinter = default_fingerprinter()
    assert fingerprinter.site([empty, empty, full]).requires_js is True
    assert fingerprinter.site([empty, full, full]).requires_js is False


def test_complexity_is_the_sum_of_its_reasons() -> None:
    fingerprinter = default_fingerprinter()
    hard = fingerprinter.page(
        Page(
            "https://shop.example/",
            EMPTY_APP.format(""),
            headers=(("set-cookie", "datadome=x"), ("x-datadome", "protected")),
        )
    )
    product = json.dumps({"@context": "https://schema.org", "@type": "Product", "name": "Lamp"})
    easy = fingerprinter.page(
        Page(
            "https://shop.example/",
            f'<meta name="generator" content="WordPress 6.5"><script type="application/ld+json">{product}</script>'
            f"<main><h1>Lamp</h1>{PROSE * 4}</main>",
        )
    )
    assert 0 <= easy.complexity_score < 0.3 < hard.complexity_score <= 1
    assert {"javascript", "anti_bot", "no_structured_data"} <= {reason.factor for reason in hard.complexity_reasons}
    assert {"structured_data", "known_platform"} <= {reason.factor for reason in easy.complexity_reasons}
    assert hard.complexity_score == pytest.approx(sum(reason.weight for reason in hard.complexity_reasons), abs=1e-3)


def test_class_names_made_by_a_build_count() -> None:
    generated = "".join(f'<p class="css-{number}a8k{number} sc-b{number}Zk9{number}">x</p>' for number in range(50))
    found = default_fingerprinter().page(Page("https://shop.example/", generated))
    assert "generated_class_names" in {reason.factor for reason in found.complexity_reasons}
    spoken = '<div class="product-card product-title price main-nav footer-links button button--primary col-6">x</div>'
    found = default_fingerprinter().page(Page("https://shop.example/", spoken))
    assert "generated_class_names" not in {reason.factor for reason in found.complexity_reasons}
