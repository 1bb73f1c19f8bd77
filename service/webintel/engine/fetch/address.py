"""Which IP addresses may be connected to, and how an address may be written."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

IPAddress = IPv4Address | IPv6Address

# The IANA special-purpose registries, written out: `is_global` is wrong for many of these up to Python 3.13.0, and
# ranges that IANA calls reachable but that hold no public web site (anycast sinks, relays) are refused as well.
_SPECIAL_IPV4: Final = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112 sink"),
        ("192.52.193.0/24", "multicast relay"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112 sink"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_SPECIAL_IPV6: Final = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard-only"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112 sink"),
        ("3ffe::/16", "returned 6bone"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# An interface identifier of this form carries an IPv4 address that a router on the way may unpack.
_ISATAP_MARKS: Final = (0x00005EFE, 0x02005EFE)

_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")


def refusal(address: IPAddress) -> str | None:
    """Say why an address is not public.

    Returns:
        The kind of address, such as "loopback"; none for a public one.
    """
    if isinstance(address, IPv4Address):
        return next((name for network, name in _SPECIAL_IPV4 if address in network), None)
    for network, name in _SPECIAL_IPV6:
        if address in network:
            return name
    if address not in _GLOBAL_UNICAST:
        return "reserved"
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        return "ISATAP"
    return None


def parse_networks(networks: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read CIDRs or single addresses; a ValueError says which one is wrong and what it should be."""
    parsed = []
    for text in networks:
        try:
            parsed.append(ip_network(text))
        except ValueError:
            try:
                suggestion = f"; did you mean {ip_network(text, strict=False)}?"
            except ValueError:
                suggestion = "; give a network such as 127.0.0.0/8"
            raise ValueError(f"{text!r} is not a network{suggestion}") from None
    return tuple(parsed)


def parse_ipv4(host: str) -> IPv4Address | None:
    """Read an IPv4 address in every notation that some resolver understands: 127.1, 0x7f.1, 0177.0.0.1, 2130706433.

    Args:
        host: lower-case ASCII without a trailing dot.

    Returns:
        The address, or none for a name.

    Raises:
        ValueError: the host ends in a number, so it cannot be a name, but is no address either.
    """
    labels = host.split(".")
    if not _NUMBER.fullmatch(labels[-1]):
        return None
    if len(labels) > 4 or not all(_NUMBER.fullmatch(label) and len(label) <= 40 for label in labels):
        raise ValueError(f"{host} is not an IPv4 address")
    *front, last = (_number(label) for label in labels)
    if any(value > 255 for value in front) or last >= 256 ** (4 - len(front)):
        raise ValueError(f"{host} is not an IPv4 address")
    return IPv4Address(sum(value << (8 * (3 - place)) for place, value in enumerate(front)) + last)


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    if len(label) > 1 and label.startswith("0"):
        return int(label, 8)
    return int(label)
