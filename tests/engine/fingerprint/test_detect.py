"""What is detected, what must not be, and how it is weighed."""

import msgspec
import pytest

from webintel.engine.fingerprint.detect import MAX_EVIDENCE, THRESHOLD, default_fingerprinter
from webintel.engine.fingerprint.sections import sections_of
from webintel.engine.model import Fingerprint
from webintel.engine.page import Page

Headers = tuple[tuple[str, str], ...]

SHOPIFY = """<html><head><meta name="shopify-digital-wallet" content="/1/digital_wallets/dialog">
<link rel="stylesheet" href="//shop.example/cdn/shop/t/3/assets/base.css?v=1">
<script>var Shopify = Shopify || {}; Shopify.shop = "x"; Shopify.theme = {"name":"Dawn"};</script></head>
<body><div id="shopify-section-header" class="shopify-section">Hello</div></body></html>"""
WOOCOMMERCE = """<html><head><meta name="generator" content="WordPress 6.5.2">
<meta name="generator" content="WooCommerce 8.9.1">
<script src="https://shop.example/wp-includes/js/jquery/jquery.min.js?ver=3.7.1"></script>
<script src="/wp-content/plugins/woocommerce/assets/js/frontend/woocommerce.min.js?ver=8.9.1"></script></head>
<body class="woocommerce-page"><form class="cart"></form></body></html>"""


def fingerprint(html: str, url: str = "https://shop.example/", headers: Headers = ()) -> Fingerprint:
    return default_fingerprinter().page(Page(url, html, headers=headers))


def names(found: Fingerprint) -> set[str]:
    return {technology.name for technology in found.technologies}


def versions(found: Fingerprint) -> dict[str, str | None]:
    return {technology.name: technology.version for technology in found.technologies}


@pytest.mark.parametrize(
    ("platform", "html", "headers"),
    [
        ("Shopify", SHOPIFY, ()),
        ("WooCommerce", WOOCOMMERCE, ()),
        ("Magento", '<script type="text/x-magento-init">{"*":{"Magento_Ui/js/core/app":{}}}</script>', ()),
        ("Magento", '<link rel=stylesheet href="/static/version17/frontend/Acme/base/en_US/css/styles-m.css">', ()),
        ("PrestaShop", '<script>var prestashop = {"cart":{}};</script>', ()),
        ("BigCommerce", '<link rel=stylesheet href="https://cdn11.bigcommerce.com/s-abc/stencil/theme.css">', ()),
        (
            "Salesforce Commerce Cloud",
            '<script src="/on/demandware.static/Sites-x-Site/-/default/js/main.js"></script>',
            (),
        ),
        ("Squarespace", "<!-- This is Squarespace. --><body></body>", ()),
        ("Wix", '<meta name="generator" content="Wix.com Website Builder">', ()),
        ("Webflow", '<html data-wf-page="65a" data-wf-site="64b"><body></body></html>', ()),
        ("Drupal", "<p>x</p>", (("x-drupal-cache", "HIT"), ("x-generator", "Drupal 10 (https://www.drupal.org)"))),
        ("Joomla", '<meta name="generator" content="Joomla! - Open Source Content Management">', ()),
        ("TYPO3", '<meta name="generator" content="TYPO3 CMS">', ()),
        ("Ghost", '<meta name="generator" content="Ghost 5.8">', ()),
        ("OpenCart", "<p>x</p>", (("set-cookie", "OCSESSID=1; path=/"),)),
        ("Discourse", '<meta name="generator" content="Discourse 3.4.0 - https://github.com/discourse">', ()),
        ("XenForo", '<html id="XF" data-app="public"><body></body></html>', ()),
        ("MediaWiki", '<meta name="generator" content="MediaWiki 1.43.0">', ()),
        ("Docusaurus", '<meta name="generator" content="Docusaurus v3.5.2"><div id="__docusaurus"></div>', ()),
        ("Sphinx", '<script src="_static/documentation_options.js"></script>', ()),
    ],
)
def test_platforms(platform: str, html: str, headers: Headers) -> None:
    assert fingerprint(html, headers=headers).platform == platform


def test_headless_shopify_is_seen_in_the_data() -> None:
    found = fingerprint(
        '<div id="__next"></div><script id="__NEXT_DATA__" type="application/json">'
        '{"props":{"product":{"id":"gid://shopify/Product/1"}}}</script><script src="/_next/static/main.js"></script>'
    )
    assert found.platform == "Shopify"
    assert "Next.js" in names(found)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://friends.myshopify.com/products/mug">Buy the mug</a>',
        (
            '<script src="https://sdks.shopifycdn.com/buy-button/latest/buy-button-storefront.min.js"></script>'
            "<script>ShopifyBuy.buildClient({domain: 'friends.myshopify.com'});</script>"
        ),
        '<script src="https://cdn.shopify.com/shopifycloud/shop-js/client.js"></script><shop-pay-button>x',
        '<img src="https://cdn.shopify.com/s/files/1/1/files/mug.png">',
    ],
    ids=["link", "buy button", "shop pay", "image"],
)
def test_what_shopify_lends_to_others_is_not_shopify(html: str) -> None:
    found = fingerprint(html)
    assert "Shopify" not in names(found)
    assert found.platform is None


def test_leftover_woocommerce_styles_are_not_woocommerce() -> None:
    found = fingerprint(
        '<link rel="stylesheet" href="/wp-content/themes/shoply/css/woocommerce.css?ver=1.2">'
        "<style>.woocommerce .button{color:red} .woocommerce-page{}</style>"
        '<script src="/wp-includes/js/wp-embed.min.js"></script>'
    )
    assert "WooCommerce" not in names(found)
    assert found.platform == "WordPress"


def test_any_el_class_is_not_element_ui() -> None:
    assert "Element UI" not in names(
        fingerprint('<div class="el-title el-row el-button"><i class="el-icon"></i></div>')
    )
    assert "Element UI" in names(fingerprint('<div class="el-button--primary el-input__inner el-menu-item">x</div>'))


def test_a_folder_named_static_frontend_is_not_magento() -> None:
    assert "Magento" not in names(fingerprint('<script src="/static/frontend/main.js"></script>'))


@pytest.mark.parametrize(
    "html",
    [
        (
            "<article><p>Shopify.theme cdn.shopify.com/shopifycloud/storefront/ /wp-content/themes/ Drupal.settings</p>"
            '<pre>&lt;script src="https://example.test/wp-includes/js/jquery.js"&gt;&lt;/script&gt;</pre></article>'
        ),
        '<script type="application/json">{"body":"Shopify.theme, /wp-content/plugins/, jQuery.noConflict"}</script>',
        '<script>self.__next_f.push([1,"'
        + "x" * 400
        + "Learn Shopify.theme and Drupal.settings and ga('create' here\"])</script>",
        '<button data-copy="&lt;script src=&quot;https://static.hotjar.com/c/hotjar-1.js&quot;&gt;">Copy</button>',
    ],
    ids=["text", "data", "streamed text", "copied code"],
)
def test_writing_about_a_technology_does_not_detect_it(html: str) -> None:
    found = names(fingerprint(f"<html><body>{html}</body></html>"))
    assert not found & {"Shopify", "WordPress", "Drupal", "jQuery", "Google Analytics", "Hotjar"}


def test_one_weak_sign_is_not_enough_and_two_are() -> None:
    assert "MUI" not in names(fingerprint('<div class="MuiGrid-root">x</div>'))
    found = fingerprint('<div class="MuiGrid-root MuiPaper-root">x</div>')
    mui = next(technology for technology in found.technologies if technology.name == "MUI")
    assert mui.confidence == pytest.approx(0.75)


def test_a_connection_hint_alone_does_not_detect() -> None:
    assert "Hotjar" not in names(fingerprint('<link rel="dns-prefetch" href="//static.hotjar.com">'))


def test_a_loader_snippet_detects_what_it_loads() -> None:
    html = "<script>(function(s){s.src='https:\\/\\/embed.tawk.to\\/a1';})()</script>"
    assert "Tawk.to" in names(fingerprint(html))


def test_versions() -> None:
    found = versions(fingerprint(WOOCOMMERCE, headers=(("server", "nginx/1.25.3"), ("x-powered-by", "PHP/8.2.1"))))
    assert (found["WordPress"], found["WooCommerce"], found["jQuery"]) == ("6.5.2", "8.9.1", "3.7.1")
    assert (found["nginx"], found["PHP"]) == ("1.25.3", "8.2.1")
    assert versions(fingerprint('<app-root ng-version="17.3.0"></app-root>'))["Angular"] == "17.3.0"


def test_headers_and_cookies() -> None:
    found = names(
        fingerprint(
            "<p>x</p>", headers=(("cf-ray", "8-FRA"), ("set-cookie", "__cf_bm=1; path=/"), ("server", "cloudflare"))
        )
    )
    assert {"Cloudflare", "Cloudflare Bot Management"} <= found


def test_implied_technologies_say_by_what() -> None:
    found = fingerprint('<script src="/_next/static/chunks/main.js"></script>')
    react = next(technology for technology in found.technologies if technology.name == "React")
    assert [(item.kind, item.detail) for item in react.evidence] == [("implied", "Next.js is built on it")]


def test_evidence_is_there_and_bounded() -> None:
    page = Page("https://shop.example/a", SHOPIFY)
    for technology in default_fingerprinter().site([page, page, page]).technologies:
        assert 1 <= len(technology.evidence) <= MAX_EVIDENCE
        assert all(len(item.detail) <= 200 for item in technology.evidence)
        assert THRESHOLD <= technology.confidence <= 0.99


def test_a_site_is_surer_than_a_page_and_shops_come_before_content() -> None:
    html = '<script src="/_next/static/chunks/main.js"></script>'
    pages = [Page(f"https://shop.example/{number}", html) for number in range(4)]
    fingerprinter = default_fingerprinter()

    def confidence(found: Fingerprint) -> float:
        return next(item.confidence for item in found.technologies if item.name == "Next.js")

    assert confidence(fingerprinter.site(pages)) > confidence(fingerprinter.page(pages[0]))
    blog = Page("https://shop.example/blog", '<meta name="generator" content="TYPO3 CMS">')
    assert fingerprinter.site([blog, Page("https://shop.example/", SHOPIFY)]).platform == "Shopify"


def test_weak_signs_do_not_grow_strong_by_repetition() -> None:
    pages = [Page(f"https://shop.example/{number}", '<div class="MuiGrid-root">x</div>') for number in range(30)]
    assert "MUI" not in names(default_fingerprinter().site(pages))


def test_robots_txt_counts_for_a_site() -> None:
    page = Page("https://shop.example/", "<p>x</p>")
    robots = "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n"
    assert default_fingerprinter().site([page], robots).platform == "WordPress"


def test_the_order_is_by_group_confidence_and_name_and_repeats() -> None:
    first = fingerprint(WOOCOMMERCE)
    keys = [(item.group, -item.confidence, item.name) for item in first.technologies]
    assert keys == sorted(keys)
    assert msgspec.json.encode(first) == msgspec.json.encode(fingerprint(WOOCOMMERCE))


@pytest.mark.parametrize("html", [SHOPIFY, WOOCOMMERCE])
def test_the_prefilter_finds_what_trying_every_literal_finds(html: str) -> None:
    matcher = default_fingerprinter().matcher
    page = Page("https://shop.example/", html, headers=(("server", "nginx"), ("x-shopid", "1")))
    text = sections_of(page)
    found = {match.rule for match in matcher.match(page, text)}
    assert found == {match.rule for match in matcher.match_hits(page, text, matcher.brute_force_hits(text))}
    assert found


@pytest.mark.parametrize(
    "html", ["", "<", "<script", "<!--", "<a b='", "\x00\x00", "<script>" * 500, "<a " * 20_000, "\ud800"]
)
def test_broken_pages_are_no_trouble(html: str) -> None:
    assert fingerprint(html).platform is None
