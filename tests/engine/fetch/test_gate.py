"""One reading for each URL and domain."""

import pytest

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch import parse_domain, parse_url
from webintel.engine.fetch.gate import resolve_location


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("http://shop.example", "http://shop.example/"),
        ("HTTPS://Shop.EXAMPLE:443/A?b=C#d", "https://shop.example/A?b=C"),
        ("http://shop.example:80?x", "http://shop.example/?x"),
        ("http://shop.example:/", "http://shop.example/"),
        ("https://shop.example:8443/", "https://shop.example:8443/"),
        ("http://shop.example./", "http://shop.example/"),
        ("http://my_shop.example/", "http://my_shop.example/"),
        ("https://BÜCHER.example/süß?q=ä", "https://xn--bcher-kva.example/s%C3%BC%C3%9F?q=%C3%A4"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("http://0x5db8d822/", "http://93.184.216.34/"),
        ("http://93.184.55330/", "http://93.184.216.34/"),
        ("http://[2606:4700:0::1111]/", "http://[2606:4700::1111]/"),
        ("http://shop.example/a/./b/../c", "http://shop.example/a/c"),
        ("http://shop.example/open/%2e%2E/private/%2e", "http://shop.example/private/"),
        ("http://shop.example/../../x", "http://shop.example/x"),
        ("http://shop.example/a//b/", "http://shop.example/a//b/"),
        ("http://shop.example/50%", "http://shop.example/50%25"),
        ("http://shop.example/a@b:c", "http://shop.example/a@b:c"),
        ("http://shop.example/?next=http://x.example/", "http://shop.example/?next=http://x.example/"),
        ('http://shop.example/"<x>"', "http://shop.example/%22%3Cx%3E%22"),
    ],
)
def test_a_url_has_one_form(given: str, normal: str) -> None:
    assert parse_url(given).url == normal
    assert parse_url(normal).url == normal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "/path",
        "mailto:someone@shop.example",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/",
        "http://shop..example/",
        "http://shop!.example/",
        "http://xn--zzzzzzzzz9.example/",
        "http://sh\ud800op.example/",
        "http://shop.example/" + "a" * 9000,
    ],
)
def test_a_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(EngineError) as caught:
        parse_url(url)
    assert caught.value.code == ErrorCode.INVALID_URL
    assert len(caught.value.message) < 400


def test_redirects_may_be_relative_and_carry_spaces() -> None:
    base = parse_url("https://shop.example/a/b?c")
    for location, url in {
        "d": "https://shop.example/a/d",
        "/d e?f g": "https://shop.example/d%20e?f%20g",
        "?x=1": "https://shop.example/a/b?x=1",
        " //cdn.example/y ": "https://cdn.example/y",
        "http://shop.example": "http://shop.example/",
        "#top": "https://shop.example/a/b?c",
    }.items():
        assert resolve_location(base, location).url == url


@pytest.mark.parametrize(
    ("given", "ascii_name", "unicode_name", "port"),
    [
        ("example.com", "example.com", "example.com", None),
        ("  Shop.Example.COM. ", "shop.example.com", "shop.example.com", None),
        ("https://example.com/", "example.com", "example.com", None),
        ("http://example.com", "example.com", "example.com", None),
        ("HTTP://example.com:8080/", "example.com", "example.com", 8080),
        ("shop.example:8443", "shop.example", "shop.example", 8443),
        ("shop.test", "shop.test", "shop.test", None),
        ("nowhere.invalid", "nowhere.invalid", "nowhere.invalid", None),
        ("Bücher.example", "xn--bcher-kva.example", "bücher.example", None),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", "bücher.example", None),
        ("straße.example", "xn--strae-oqa.example", "straße.example", None),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト", None),
        ("a-b.co.uk", "a-b.co.uk", "a-b.co.uk", None),
    ],
)
def test_domains(given: str, ascii_name: str, unicode_name: str, port: int | None) -> None:
    domain = parse_domain(given)
    assert (domain.ascii, domain.unicode, domain.port) == (ascii_name, unicode_name, port)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "/", "https://", "example", "localhost", "localhost:8000", "foo.localhost", "printer.local",
        "db.internal",
        "x.onion", "1.0.0.10.in-addr.arpa", "router.lan", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "1.2.3.4.5",
        "8.8.8.8", "[::1]", "::1", "[2606:4700::1111]", "example.com/path", "https://example.com/path",
        "https://example.com//", "example.com?x", "example.com#x", "user@example.com", "https://user:pass@example.com/",
        "ftp://example.com", "https:example.com", "https:/example.com", "http://https://example.com", "//example.com",
        "exa mple.com", "example.com\\x", "example..com", ".example.com", "-example.com", "example-.com", "my_shop.com",
        "a" * 64 + ".com", "a." * 130 + "com", "example.com:0", "example.com:99999", "example.com:",
        "example.com:80:80",
        "example.com:\uff18\uff10", "exa\x00mple.com", "example.com\u202e", "*.example.com", "example.123",
        "xn--zzzzzzzzz9.com",
        "%65xample.com", "<script>.com", "'; drop table sites; --", "example.com,example.org",
    ],
)  # fmt: skip
def test_what_is_no_public_domain_is_refused(text: str) -> None:
    with pytest.raises(EngineError) as caught:
        parse_domain(text)
    assert caught.value.code == ErrorCode.INVALID_DOMAIN
    assert caught.value.recovery_action
