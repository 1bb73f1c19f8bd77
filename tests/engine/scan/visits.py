"""Scanning played sites, and comparing what was found with what is true."""

from typing import Any

from tests.sites.player import play
from webintel.demo.server import Site
from webintel.engine.fetch import ConnectTo, FetchOptions
from webintel.engine.model import Blueprint
from webintel.engine.progress import OnProgress
from webintel.engine.scan import ScanResult, scan


def options_for(domain: str, port: int, **limits: Any) -> FetchOptions:
    settings: dict[str, Any] = {"delay": 0.0, "backoff": 0.01, "request_timeout": 3.0, "max_seconds": 30.0, **limits}
    rules = (ConnectTo.parse(f"{domain}:80:127.0.0.1:{port}"), ConnectTo.parse(f"elsewhere.test:80:127.0.0.1:{port}"))
    return FetchOptions(connect_to=rules, allow_private=("127.0.0.0/8",), **settings)


async def visit(site: Site, domain: str, on_progress: OnProgress | None = None, **limits: Any) -> ScanResult:
    with play(site) as running:
        return await scan(f"http://{domain}", options_for(domain, running.port, **limits), on_progress)


def category_paths(blueprint: Blueprint) -> set[str]:
    return {category.url.removeprefix(f"http://{blueprint.domain}") for category in blueprint.categories}


def f1(found: set[str], true: frozenset[str]) -> float:
    hits = len(found & true)
    return 2 * hits / (len(found) + len(true)) if hits else 0.0
