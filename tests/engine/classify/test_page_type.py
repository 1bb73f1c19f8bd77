# ruff: noqa: E501 - markup reads better unbroken
import pytest

from webintel.engine.classify import classify_page
from webintel.engine.page import Page

PROSE = (
    "The morning was cold, and because nobody had lit the stove, we stood in our coats and spoke of the harvest. "
    "However, as it turned out, the year had been good for apples, and according to the miller it would stay so. "
)
PRODUCT = """<html><head><title>Oak table - Shop</title><meta property="og:type" content="product">
<script type="application/ld+json">{"@type": "Product", "name": "Oak table", "sku": "T-1",
"offers": {"@type": "Offer", "price": "199.00", "priceCurrency": "EUR"}}</script></head><body>
<nav class="breadcrumb"><a href="/">Home</a><a href="/tables">Tables</a></nav><main class="product-detail">
<h1 class="product-title">Oak table</h1><p class="product-price">199,00 €</p><p class="stock">In stock</p><p>SKU: T-1</p>
<form class="product-form"><label>Quantity <input name="quantity"></label><button class="add-to-cart">Add to cart</button>
</form><h2>Product details</h2><p>Dimensions 120 x 80 cm. Materials: oak. Warranty of two years.</p>
<h2>You may also like</h2></main></body></html>"""
COLLECTION = (
    "<html><head><title>Tables</title></head><body><nav class=breadcrumb><a href=/>Home</a></nav><main><h1>Tables</h1>"
    "<div class=filters>Filter Sort by <select><option>Price</select></div><p>24 products</p><ul class=product-grid>"
    + "".join(
        f"<li class=product-card><a href=/p/table-{i}><img src=/i/{i}.jpg><h3 class=product-title>Table number {i}</h3></a>"
        f"<span class=price>€ {i}99.00</span><button class=add-to-cart>Add to cart</button></li>"
        for i in range(1, 25)
    )
    + "</ul><div class=pagination><a href=?page=2>2</a></div></main></body></html>"
)
LISTING = (
    "<html><head><title>News</title></head><body><main><h1>Latest news</h1><div class=feed>"
    + "".join(
        f"<article class=teaser><img src=/i/{i}.jpg><h2><a href=/news/2024/05/{i}-story-about-the-town>Story about the town,"
        f" part {i}</a></h2><time datetime=2024-05-{i:02d}>May {i}, 2024</time><p>What happened on day {i} of the month.</p>"
        "<a href=#>Read more</a></article>"
        for i in range(1, 21)
    )
    + "</div><a class=load-more href=/news/page/2>Older posts</a></main></body></html>"
)
ARTICLE = (
    "<html><head><title>Seven tips for a cold harvest</title><meta property=og:type content=article>"
    "<meta property=article:published_time content=2024-05-01><meta name=author content='Ann Smith'></head><body>"
    "<article class=post-content><h1>Seven tips for a cold harvest</h1><p class=byline>By Ann Smith, 5 min read</p>"
    + f"<p>{PROSE}</p><h2>First</h2><p>{PROSE * 2}</p>" * 6
    + "<p>Share this</p></article></body></html>"
)
FORUM = (
    "<html><head><title>Stove smokes - Forum</title><meta name=generator content=phpBB></head><body><h1>Stove smokes</h1>"
    + "".join(
        f"<div class=post><div class=postprofile><a class=username href=/u/{i}>user{i}</a> Posts: {i} Joined: 2020</div>"
        f"<div class=postbody><p>I think the chimney is too cold, thanks for asking. Reply {i}</p></div>"
        "<a href=#>Quote</a> <a href=#>Reply</a></div>"
        for i in range(1, 15)
    )
    + "<p>Log in to reply to this topic</p></body></html>"
)
DOCUMENTATION = (
    "<html><head><title>Configuration - Stove 2.0 documentation</title><meta name=generator content='Docusaurus'></head>"
    "<body><nav class=sidebar-nav>"
    + "".join(f"<a href=/docs/page-{i}>Chapter {i}</a>" for i in range(20))
    + "</nav><main class=docs><h1>Configuration</h1><div class=toc>On this page</div>"
    + "".join(
        f"<h2 id=s{i}>Parameter {i}<a class=headerlink href=#s{i}>#</a></h2><p>Sets the default of the function. Example:</p>"
        f"<pre class=highlight><code>stove.configure(option_{i}='string')\nreturns server.api()</code></pre>"
        for i in range(8)
    )
    + "<p>Edit this page</p><p>Previous Next</p></main></body></html>"
)
SERVICE = (
    "<html><head><title>Chimney services for business</title></head><body><section class=hero><h1>Chimney services</h1>"
    "<a class=cta href=/contact>Get a free quote</a></section>"
    + "".join(
        f"<section class=features><h2>Our solutions, part {i}</h2><p>We help companies. Our team has experience.</p>"
        "<a class=cta href=/contact>Learn more</a></section>"
        for i in range(6)
    )
    + "<section class=testimonials><h2>Trusted by businesses</h2><p>Testimonials of our customers</p></section>"
    "<section class=cta><a href=/contact>Contact us</a> <a href=/demo>Request a demo</a></section></body></html>"
)
PAGES = {
    "product": ("https://shop.example/products/oak-table", PRODUCT),
    "collection": ("https://shop.example/collections/tables", COLLECTION),
    "listing": ("https://paper.example/news/", LISTING),
    "article": ("https://blog.example/2024/05/01/seven-tips-for-a-cold-harvest/", ARTICLE),
    "forum": ("https://forum.example/viewtopic.php?t=12", FORUM),
    "documentation": ("https://docs.example/docs/configuration", DOCUMENTATION),
    "service": ("https://chimney.example/services/", SERVICE),
}


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_plain_pages_of_each_type_are_told_apart(kind: str) -> None:
    found, confidence = classify_page(Page(*PAGES[kind]))
    assert found == kind
    assert 0.3 < confidence <= 1


def test_a_sign_in_form_is_a_login_page() -> None:
    page = Page(
        "https://shop.example/account/login", "<h1>Sign in</h1><form><input type=password><button>Go</button></form>"
    )
    assert classify_page(page)[0] == "login"


def test_results_of_a_query_are_a_search_page() -> None:
    html = "<h1>Your search</h1>" + "".join(f"<p><a href=/x/{i}>A page about tables</a></p>" for i in range(20))
    assert classify_page(Page("https://shop.example/search?q=table", html))[0] == "search"


def test_a_page_without_content_is_not_claimed_to_be_anything() -> None:
    assert classify_page(Page("https://shop.example/x", "<p>ok</p>"))[0] == "other"


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_the_same_page_always_gets_the_same_answer(kind: str) -> None:
    assert classify_page(Page(*PAGES[kind])) == classify_page(Page(*PAGES[kind]))
