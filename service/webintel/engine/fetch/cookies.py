"""Cookies of one visit: some shops redirect for ever without them. They never leave the host that set them."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

_MAX_HOSTS: Final = 32
_MAX_COOKIES: Final = 40
_MAX_LENGTH: Final = 4_096
_MAX_HEADER: Final = 8_192
_PAIR: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+=[\x20-\x3a\x3c-\x7e]*")
_EXPIRED: Final = re.compile(r";\s*(?:max-age\s*=\s*(?:0+|-\d+)\s*(?:;|$)|expires\s*=[^;]*\b19\d\d\b)", re.IGNORECASE)
_SECURE: Final = re.compile(r";\s*secure\s*(?:;|$)", re.IGNORECASE)


class _Cookie(msgspec.Struct, frozen=True):
    value: str
    secure: bool


class Cookies:
    """A small jar per host, without domains and paths: what a host sets, that host alone gets back."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, OrderedDict[str, _Cookie]] = OrderedDict()

    def store(self, host: str, headers: Iterable[str]) -> None:
        """Take over the Set-Cookie headers of an answer; broken and oversized ones are dropped."""
        for header in headers:
            pair = header.partition(";")[0].strip()
            if len(header) > _MAX_LENGTH or not _PAIR.fullmatch(pair):
                continue
            name, _, value = pair.partition("=")
            jar = self._hosts.setdefault(host, OrderedDict())
            jar.pop(name, None)
            if not _EXPIRED.search(header):
                jar[name] = _Cookie(value.strip(), _SECURE.search(header) is not None)
            while len(jar) > _MAX_COOKIES:
                jar.popitem(last=False)
        while len(self._hosts) > _MAX_HOSTS:
            self._hosts.popitem(last=False)

    def header(self, scheme: str, host: str) -> str:
        """Give the Cookie header for a request; empty where there is nothing to send."""
        jar = self._hosts.get(host)
        if not jar:
            return ""
        pairs: list[str] = []
        length = 0
        for name, cookie in jar.items():
            if cookie.secure and scheme != "https":
                continue
            length += len(name) + len(cookie.value) + 3
            if length > _MAX_HEADER:
                break
            pairs.append(f"{name}={cookie.value}")
        return "; ".join(pairs)
