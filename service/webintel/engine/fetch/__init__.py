"""Fetching from strangers' sites, politely and safely: one fetcher per visit."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webintel.engine.fetch.fetcher import Fetcher, Purpose
    from webintel.engine.fetch.gate import Domain, parse_domain, parse_url
    from webintel.engine.fetch.ledger import Ledger
    from webintel.engine.fetch.network import Resolver
    from webintel.engine.fetch.options import DEFAULT_USER_AGENT, ConnectTo, FetchOptions
    from webintel.engine.fetch.response import Response
    from webintel.engine.fetch.robots import RobotsPolicy

__all__ = [
    "DEFAULT_USER_AGENT",
    "ConnectTo",
    "Domain",
    "FetchOptions",
    "Fetcher",
    "Ledger",
    "Purpose",
    "Resolver",
    "Response",
    "RobotsPolicy",
    "parse_domain",
    "parse_url",
]
_MODULES = {
    "fetcher": ("Fetcher", "Purpose"),
    "gate": ("Domain", "parse_domain", "parse_url"),
    "ledger": ("Ledger",),
    "network": ("Resolver",),
    "options": ("DEFAULT_USER_AGENT", "ConnectTo", "FetchOptions"),
    "response": ("Response",),
    "robots": ("RobotsPolicy",),
}


def __getattr__(name: str) -> Any:
    """Load a part when it is asked for: the API reads domains and has no use for an HTTP client."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(name)
