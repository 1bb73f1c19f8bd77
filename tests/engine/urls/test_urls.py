import pytest

from webintel.engine.urls import (
    MAX_URL_LENGTH,
    is_asset,
    normalize_url,
    path_tokens,
    registrable_domain,
    same_site,
    segment_shape,
    url_shape,
)

BASE = "https://shop.example/a/b?x=1"


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://shop.example", "https://shop.example/"),
        ("HTTPS://Shop.Example:443/A", "https://shop.example/A"),
        ("http://shop.example:80/", "http://shop.example/"),
        ("https://shop.example:8443/", "https://shop.example:8443/"),
        ("c#top", "https://shop.example/a/c"),
        ("/x/./y/../z/", "https://shop.example/x/z/"),
        ("https://shop.example/a/..", "https://shop.example/"),
        ("https://shop.example/../../a", "https://shop.example/a"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("?page=2", "https://shop.example/a/b?page=2"),
        ("/%7euser/%e4%bd%a0", "https://shop.example/~user/%E4%BD%A0"),
        ("/caf\u00e9 au lait", "https://shop.example/caf%C3%A9%20au%20lait"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
        (" /a\n/b\t ", "https://shop.example/a/b"),
        ("/p?utm_source=x&id=7&gclid=1&fbclid=2", "https://shop.example/p?id=7"),
        ("/p?srsltid=AfmB", "https://shop.example/p"),
        ("/p.php?products_id=3&osCsid=0123456789abcdef0123456789", "https://shop.example/p.php?products_id=3"),
        ("/p?cPath=1_2&zenid=abc", "https://shop.example/p?cPath=1_2"),
        ("/p;jsessionid=A1B2?x=1", "https://shop.example/p?x=1"),
        ("/t?sid=0f1e2d3c4b5a69788796a5b4c3d2e1f0", "https://shop.example/t"),
        ("/t?sid=12", "https://shop.example/t?sid=12"),
        ("/search?s=running-shoes-for-women", "https://shop.example/search?s=running-shoes-for-women"),
        ("/p?b=2&a=1", "https://shop.example/p?b=2&a=1"),
        ("/p?a=1&amp;b=2", "https://shop.example/p?a=1&b=2"),
        ("/p?", "https://shop.example/p"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("https://shop.example./a", "https://shop.example/a"),
    ],
)
def test_one_spelling_per_page(href: str, expected: str) -> None:
    assert normalize_url(BASE, href) == expected
    assert normalize_url(BASE, expected) == expected


@pytest.mark.parametrize(
    "href",
    [
        "mailto:a@shop.example",
        "javascript:void(0)",
        "tel:123",
        "ftp://shop.example/",
        "data:text/html,x",
        "https://user:pass@shop.example/",
        "https://",
        "http://[::1",
        "https://shop.example:99999/",
        "https://sh op.example/",
        "https://shop.example/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_links_that_lead_to_no_page(href: str) -> None:
    assert normalize_url(BASE, href) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("shop.example.co.uk", "example.co.uk"),
        ("www.example.com", "example.com"),
        ("mine.github.io", "mine.github.io"),
        ("a.b.shop.example", "shop.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("co.uk", "co.uk"),
    ],
)
def test_registrable_domain(host: str, expected: str) -> None:
    assert registrable_domain(host) == expected


def test_same_site_follows_www_subdomains_and_ports() -> None:
    assert same_site("https://www.shop.example/a", "shop.example", subdomains=False)
    assert same_site("https://blog.shop.example/", "https://shop.example/")
    assert not same_site("https://blog.shop.example/", "https://shop.example/", subdomains=False)
    assert not same_site("https://other.example/", "https://shop.example/")
    assert same_site("http://shop.example:80/", "https://shop.example/")
    assert not same_site("http://127.0.0.1:8001/", "http://127.0.0.1:8002/")
    assert not same_site("http://127.0.0.1/", "http://126.0.0.1/")
    assert not same_site("not a url", "https://shop.example/")


def test_assets_are_told_by_their_extension() -> None:
    assert is_asset("https://shop.example/a/photo.JPG?w=100")
    assert not is_asset("https://shop.example/a/photo.html")
    assert not is_asset("https://shop.example/v1.2/intro")


@pytest.mark.parametrize(
    ("segment", "shape"),
    [
        ("123", "{n}"),
        ("2026-11-23", "{n}"),
        ("red-shoe-17.html", "{slug}.html"),
        ("p17", "p{n}"),
        ("products", "products"),
        ("index.php", "index.php"),
        ("0f1e2d3c4b5a69788796a5b4", "{id}"),
        ("123e4567-e89b-12d3-a456-426614174000", "{id}"),
    ],
)
def test_segment_shape(segment: str, shape: str) -> None:
    assert segment_shape(segment) == shape


def test_url_shape_joins_the_urls_of_one_route() -> None:
    assert url_shape("https://shop.example/p/12?ref=a") == url_shape("https://shop.example/p/7?ref=b") == "/p/{n}?ref"
    assert url_shape("https://shop.example/") == "/"
    assert url_shape("https://shop.example/c/red-shoes/") == "/c/{slug}/"
    assert path_tokens("https://shop.example/a%20b//c") == ["a b", "c"]
