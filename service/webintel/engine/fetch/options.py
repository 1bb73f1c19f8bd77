"""What a visit may do: caps, pace, and where connections may go."""

import re
from typing import Final, Self

import msgspec

from webintel import __version__
from webintel.engine.fetch.address import parse_networks
from webintel.engine.fetch.gate import parse_host

DEFAULT_USER_AGENT: Final = f"WebIntelBot/{__version__} (+https://webintel.example/bot)"

_CONNECT_TO: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*):([0-9]*):(\[[^\[\]]*\]|[^:\[\]]*):([0-9]*)")
_PRODUCT_TOKEN: Final = re.compile(r"[A-Za-z_-]+")
_COMPATIBLE_TOKEN: Final = re.compile(r"compatible;\s*([A-Za-z_-]+)", re.IGNORECASE)
_HEADER_TEXT: Final = re.compile(r"[\x20-\x7e]{1,256}")


class ConnectTo(msgspec.Struct, frozen=True):
    """Connect somewhere else for a host and port; the URL, the Host header and the certificate's name stay."""

    host: str | None
    """None for any host."""
    port: int | None
    """None for any port."""
    address: str | None
    """Name or IP address to connect to; none for the URL's own."""
    target_port: int | None
    """None for the URL's own."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST:PORT:ADDRESS:PORT` as curl does: an empty part stands for any, or for the original."""
        match = _CONNECT_TO.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not HOST:PORT:ADDRESS:PORT, for example shop.example:443:127.0.0.1:8443")
        try:
            host, address = (parse_host(part) if part else None for part in (match[1], match[3]))
        except ValueError as error:
            raise ValueError(f"{text!r} names an invalid host: {error}") from None
        port, target_port = (int(part) if part else None for part in (match[2], match[4]))
        return cls(host, port, address, target_port)

    def __post_init__(self) -> None:
        for port in (self.port, self.target_port):
            if port is not None and not 0 < port < 65536:
                raise ValueError(f"{port} is not a port; give a number from 1 to 65535")

    def matches(self, host: str, port: int) -> bool:
        """Tell whether the rule is meant for a parsed host and port."""
        return self.host in (None, host) and self.port in (None, port)


class FetchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and manners of one visit; a ValueError says which one is wrong.

    Ports 80 and 443 are always open, further ones by `allow_ports` or as the explicit target of a connect-to rule. A
    connect-to rule does not open private networks: that takes `allow_private` as well.
    """

    user_agent: str = DEFAULT_USER_AGENT
    max_pages: int = 150
    max_seconds: float = 600.0
    max_bytes: int = 8 * 1024 * 1024
    """Per response, after decompression."""
    max_redirects: int = 10
    delay: float = 1.0
    """Seconds from the start of one request to a host to the start of the next."""
    request_timeout: float = 20.0
    """Seconds for one request from connecting to the last byte."""
    retries: int = 2
    """Further attempts after a failure that may pass."""
    backoff: float = 1.0
    """Seconds before the first retry; doubled for each further one."""
    max_retry_after: float = 60.0
    """The longest `Retry-After` that is waited for; a longer one fails at once."""
    connect_to: tuple[ConnectTo, ...] = ()
    allow_private: tuple[str, ...] = ()
    allow_ports: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not _HEADER_TEXT.fullmatch(self.user_agent) or not _PRODUCT_TOKEN.match(self.user_agent):
            raise ValueError("user_agent must be printable ASCII that begins with a product name such as MyBot/1.0")
        for name in ("max_pages", "max_bytes", "max_seconds", "request_timeout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be greater than 0, not {getattr(self, name)}")
        for name in ("max_redirects", "delay", "retries", "backoff", "max_retry_after"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, not {getattr(self, name)}")
        for port in self.allow_ports:
            if not 0 < port < 65536:
                raise ValueError(f"allow_ports: {port} is not a port; give a number from 1 to 65535")
        parse_networks(self.allow_private)

    @property
    def robots_token(self) -> str:
        """The product name that robots.txt groups are matched against."""
        match = _COMPATIBLE_TOKEN.search(self.user_agent)
        if match is not None:
            return match[1]
        match = _PRODUCT_TOKEN.match(self.user_agent)
        return match[0] if match is not None else ""
