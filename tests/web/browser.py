"""A real browser, and what every page must be: without errors, accessible, whole at every width, and light."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (360, 1920)
SCHEMES = ("light", "dark")
MOST_BYTES = 100_000
ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "screens"
_AXE = (Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js").read_text()


def find_chromium() -> str | None:
    """The browser that the system has."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


class Watch:
    """Everything about a page that should not happen."""

    def __init__(self, page: Page, origin: str) -> None:
        self.origins = [origin]
        self.problems: list[str] = []
        self.expected: set[int] = set()
        """Statuses that a test provokes; browsers write each failed request to the console."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        forgiven = any(f"status of {status} " in message.text for status in self.expected)
        if message.type in {"error", "warning"} and not forgiven:
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((*self.origins, "data:", "about:", "blob:")):
            self.problems.append(f"loaded from elsewhere: {request.url}")


class Weight(NamedTuple):
    """What a visit with an empty cache costs."""

    octets: int
    shift: float


async def check_accessible(page: Page) -> None:
    """Find what people with disabilities would stumble over; axe reports nothing."""
    # Through the debugger, which the page's policy does not bind.
    await page.evaluate(_AXE)
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    told = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: "
        + "; ".join(f"{node['html'][:160]} [{node.get('failureSummary', '')[:200]}]" for node in violation["nodes"][:3])
        for violation in found["violations"]
    ]
    assert not told, f"{page.url}\n" + "\n".join(told)


async def check_fits(page: Page) -> None:
    """No page is wider than its window; tables scroll by themselves."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


async def check_light(page: Page) -> None:
    """What came over the wire for a page is little, whatever state it is in; what was in the cache counts too."""
    octets = await page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".filter((one) => one.initiatorType !== 'fetch').reduce((sum, one) => sum + one.encodedBodySize + 300, 0)"
    )
    assert 5_000 < octets < MOST_BYTES, f"{page.url} takes {octets} octets"


async def inspect(page: Page, name: str) -> None:
    """Check a page as it is now at both widths, in light and dark, and leave pictures of it."""
    await check_light(page)
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800 if width == 360 else 1080})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            await check_fits(page)
            await page.screenshot(path=ARTEFACTS / f"{name}-{width}-{scheme}.png", full_page=True)
            await check_accessible(page)
    await page.emulate_media(color_scheme=None, reduced_motion=None)
    if before:
        await page.set_viewport_size(before)


async def weigh(context: BrowserContext, url: str) -> Weight:
    """Load a page with an empty cache: bytes over the wire, headers included, and how far things moved."""
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    octets = 0

    def finished(event: dict[str, Any]) -> None:
        nonlocal octets
        octets += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) "
        "if (!entry.hadRecentInput) window.shift += entry.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    await page.goto(url, wait_until="load")
    await page.wait_for_timeout(500)
    shift = float(await page.evaluate("window.shift"))
    await page.close()
    return Weight(octets, shift)
