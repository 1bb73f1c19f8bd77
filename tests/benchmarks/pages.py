"""How many pages the engine reads in a second: pages of the demo shop, from memory."""

import statistics
import time

from tests.sites.shop import TRUTH
from webintel.demo.server import Request
from webintel.demo.shop import DOMAIN, demo_shop
from webintel.engine.analyze import analyze_page
from webintel.engine.page import Page


def stored_pages() -> list[tuple[str, bytes]]:
    """Every page of the shop, with its address."""
    pages = []
    for path in dict.fromkeys(path for paths in TRUTH.kinds.values() for path in paths):
        body = demo_shop(Request("GET", DOMAIN, path, {}, {})).body
        if isinstance(body, bytes):
            pages.append((f"https://{DOMAIN}{path}", body))
    return pages


def measure(rounds: int) -> str:
    """Analyse every page in each round, beside only parsing it: by the CPU's time, in one process."""
    pages = stored_pages()
    analysed, parsed = [], []
    for _ in range(rounds):
        began = time.process_time()
        for url, body in pages:
            _ = Page.from_bytes(url, body).tree
        between = time.process_time()
        for url, body in pages:
            analyze_page(Page.from_bytes(url, body))
        parsed.append(between - began)
        analysed.append(time.process_time() - between)
    each = statistics.median(analysed) / len(pages)
    size = sum(len(body) for _, body in pages) / len(pages) / 1024
    ratio = statistics.median(a / p for a, p in zip(analysed, parsed, strict=True))
    return (
        f"engine: {1 / each:.0f} pages/s of one CPU ({len(pages)} pages of {size:.1f} KiB on average, each analysed "
        f"whole; {ratio:.0f} times as long as only parsing it)"
    )
