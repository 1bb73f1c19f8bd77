"""Whom a load test may hit: this machine, and hosts that somebody has said are theirs."""

import ipaddress
from urllib.parse import urlsplit

import msgspec

from webintel.load.errors import LoadError


class Target(msgspec.Struct, frozen=True):
    """An API to test.

    Attributes:
        url: without a slash at the end.
        host: of the URL.
        ca_file: the certificate authority that it is checked by; none for those that everybody trusts.
    """

    url: str
    host: str
    ca_file: str | None = None


def read_target(text: str, owned: tuple[str, ...], ca_file: str | None = None) -> Target:
    """Read an address, and refuse one that may be somebody else's.

    Raises:
        LoadError: it is no address, or nobody says that it is theirs.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise LoadError(
            "The address holds a user or a password, which others could read: put an API key into "
            "WEBINTEL_LOAD_API_KEY, and leave the address without."
        )
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise LoadError(f"{text!r} is no address of an API: give one such as http://127.0.0.1:8000.")
    if not is_loopback(host) and host.lower() not in {name.lower() for name in owned}:
        raise LoadError(
            f"{host} is not this machine, and a load test of somebody else's is an attack. If it is yours, say so: "
            f"--i-own {host}."
        )
    return Target(text.rstrip("/"), host, ca_file)


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
