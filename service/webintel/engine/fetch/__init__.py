"""Fetching from strangers' sites, politely and safely: one fetcher per visit."""

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
