"""The strict gate for URLs and domain names from strangers: what passes has exactly one reading."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, NoReturn
from urllib.parse import quote, urljoin

import idna
import msgspec

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch.address import IPAddress, parse_ipv4

MAX_URL_LENGTH: Final = 8_000
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# A backslash is a slash to browsers only, and white space or control characters end the host for some parsers.
_FORBIDDEN_CHARACTER: Final = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
)
_URL: Final = re.compile(r"(https?)://([^/?#]+)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:@%]+)(?::([0-9]{0,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
_STRICT_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DOT_SEGMENT: Final = re.compile(r"\.|%2e", re.IGNORECASE)
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_KEPT_IN_PATH: Final = "/%:@!$&'()*+,;=~[]|"
_KEPT_IN_QUERY: Final = _KEPT_IN_PATH + "?{}^`"

# Names that only mean something inside a network. `test`, `example` and `invalid` are left out: they lead nowhere by
# themselves, and a site under construction is visited under them through a connect-to rule.
_INTERNAL_SUFFIXES: Final = frozenset(
    {
        "localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "localdomain", "onion", "i2p",
        "alt", "arpa", "consul",
    }
)  # fmt: skip


class Target(msgspec.Struct, frozen=True):
    """A URL that has passed the gate, in the one form in which it is sent."""

    scheme: str
    host: str
    """ASCII, lower case, without a trailing dot; an IP address in its canonical form without brackets."""
    port: int
    path: str
    """Path and query, percent-encoded, without dot segments: what robots.txt judges is what is sent."""

    @property
    def origin(self) -> str:
        """Scheme, host and, unless it is the default one, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")

    @property
    def url(self) -> str:
        """The whole URL."""
        return self.origin + self.path


class Domain(msgspec.Struct, frozen=True):
    """A public domain name as a person gives it."""

    ascii: str
    unicode: str
    port: int | None = None


def parse_url(url: str) -> Target:
    """Read an absolute http or https URL strictly.

    Raises:
        EngineError: INVALID_URL, with the reason.
    """
    if len(url) > MAX_URL_LENGTH:
        _invalid(url, f"is longer than {MAX_URL_LENGTH} characters")
    if _FORBIDDEN_CHARACTER.search(url):
        _invalid(url, "holds a space, a backslash or a control character")
    match = _URL.fullmatch(url)
    if match is None:
        _invalid(url, "is not an absolute http or https URL")
    scheme, authority, path, query = match[1].lower(), match[2], match[3], match[4] or ""
    if "@" in authority:
        _invalid(url, "carries credentials")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        _invalid(url, "has a malformed host or port")
    port = int(parts[2]) if parts[2] else _DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        _invalid(url, "has an impossible port")
    try:
        host = parse_host(parts[1])
    except ValueError as error:
        _invalid(url, f"has an invalid host: {error}")
    return Target(
        scheme, host, port, _encode(_without_dot_segments(path), _KEPT_IN_PATH) + _encode(query, _KEPT_IN_QUERY)
    )


def resolve_location(base: Target, location: str) -> Target:
    """Read the target of a redirect, which servers may write relative and with unencoded spaces."""
    location = location.strip(" \t").replace(" ", "%20")
    try:
        joined = urljoin(base.url, location)
    except ValueError:
        _invalid(location, "is no valid target of a redirect")
    return parse_url(joined)


@lru_cache(maxsize=4096)
def parse_host(text: str) -> str:
    """Bring a host into its one ASCII form, whatever notation it comes in.

    Raises:
        ValueError: it is neither a valid name nor an IP address.
    """
    if text.startswith("["):
        return str(IPv6Address(text.strip("[]")))
    host = text.lower() if text.isascii() else idna.uts46_remap(text, std3_rules=False, transitional=False)
    host = host.removesuffix(".")
    address = parse_ipv4(host)
    if address is not None:
        return str(address)
    if not host.isascii():
        host = idna.encode(host).decode("ascii")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{text[:80]!r} is not a host name")
    for label in labels:
        if label.startswith("xn--"):
            idna.ulabel(label)
    return host


def host_address(host: str) -> IPAddress | None:
    """Give the IP address that a parsed host spells out, or none for a name."""
    if ":" not in host and not host[-1].isdigit():
        return None
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_internal_name(host: str) -> bool:
    """Tell whether a parsed host is a name that public DNS does not know: one label, or below a reserved suffix."""
    front, _, suffix = host.rpartition(".")
    return not front or suffix in _INTERNAL_SUFFIXES


def parse_domain(text: str) -> Domain:
    """Read a domain as a person types it: `example.com`, `Bücher.example`, `shop.example:8443`, `https://example.com/`.

    Raises:
        EngineError: INVALID_DOMAIN, with the reason.
    """
    given = text.strip()
    bare = re.sub(r"^https?://", "", given, flags=re.IGNORECASE).removesuffix("/")
    if not bare:
        _invalid_domain(text, "is empty")
    if _FORBIDDEN_CHARACTER.search(bare) or len(bare) > 512:
        _invalid_domain(text, "is not a domain name")
    if re.search(r"[/?#]", bare):
        _invalid_domain(text, "is more than a domain")
    parts = _AUTHORITY.fullmatch(bare)
    if parts is None or bare.startswith("["):
        _invalid_domain(text, "is not a domain name")
    if parts[2] is not None and not (parts[2] and 0 < int(parts[2]) < 65536):
        _invalid_domain(text, "has an impossible port")
    try:
        host = parse_host(parts[1])
    except ValueError:
        _invalid_domain(text, "is not a domain name")
    if host_address(host) is not None:
        _invalid_domain(text, "is an address, not a domain name")
    if is_internal_name(host):
        _invalid_domain(text, "is not a public domain name")
    if not all(_STRICT_LABEL.fullmatch(label) for label in host.split(".")):
        _invalid_domain(text, "is not a domain name")
    return Domain(host, idna.decode(host) if "xn--" in host else host, int(parts[2]) if parts[2] else None)


def _without_dot_segments(path: str) -> str:
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        plain = _DOT_SEGMENT.sub(".", segment)
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(segment)
    if segments and _DOT_SEGMENT.sub(".", segments[-1]) in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _encode(text: str, kept: str) -> str:
    if "%" in text:
        text = _STRAY_PERCENT.sub("%25", text)
    return quote(text, kept, errors="replace")


def _invalid(url: str, reason: str) -> NoReturn:
    raise EngineError(ErrorCode.INVALID_URL, f"{url[:200]!r} {reason}.")


def _invalid_domain(text: str, reason: str) -> NoReturn:
    raise EngineError(ErrorCode.INVALID_DOMAIN, f"{text[:200]!r} {reason}.")
