"""Addresses that other sites' pages gave us: shown always, followed only where that is safe."""

from urllib.parse import urlsplit

_SCHEMES = frozenset({"http", "https"})


def web_url(text: str | None) -> str | None:
    """Give the address back if it leads to a web page; `javascript:` and the like do not."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return None
    return text if parts.scheme in _SCHEMES and parts.netloc else None


def path_in(text: str) -> str:
    """Give what follows the host of an address, which is the same for all pages of a site."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
