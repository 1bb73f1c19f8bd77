"""How hard a site is to scrape, 0 to 1, as a sum of reasons."""

import re
from collections.abc import Sequence

from webintel.engine.model import Reason, Technology
from webintel.engine.page import Page

_BASE = 0.25
_CLASS = re.compile(r"class=[\"']([^\"']{1,400})")
# Names that a build makes, such as css-1x2y3z, sc-AxjAm, Card_title__3kX9a or _3kX9a: gone with the next release.
_GENERATED = re.compile(
    r"^(?:css|sc|jss|emotion|makeStyles|svelte|astro)-?[a-zA-Z]*-?[a-z0-9]{5,}$"
    r"|(?:__|--|_)(?=[a-zA-Z0-9-]*\d)[a-zA-Z0-9-]{5,6}$"
    r"|^(?=[a-z]*[A-Z0-9])(?=\w*\d)[a-zA-Z0-9_]{5,8}$"
)
_MAX_CLASSES = 300
_SAMPLE = 300_000
_LARGE_PAGE = 1_500_000


class Traits:
    """What the pages have in common that makes scraping easy or hard."""

    def __init__(self) -> None:
        self.pages = 0
        self.with_items = 0
        self.with_states = 0
        self.with_headings = 0
        self.large = 0
        self.classes = 0
        self.generated_classes = 0

    def add(self, page: Page) -> None:
        """Takes note of one page."""
        self.pages += 1
        self.with_items += any(_describes_content(item) for item in page.structured.items)
        self.with_states += any(isinstance(state.data, dict | list) and state.data for state in page.structured.states)
        self.with_headings += page.tree.css_first("h1, main, article, [role=main]") is not None
        self.large += len(page.html) > _LARGE_PAGE
        names = dict.fromkeys(
            name for value in dict.fromkeys(_CLASS.findall(page.html[:_SAMPLE])) for name in value.split()
        )
        sample = list(names)[:: 1 + len(names) // _MAX_CLASSES]
        self.classes += len(sample)
        self.generated_classes += sum(1 for name in sample if _GENERATED.search(name))


def score(
    traits: Traits, technologies: Sequence[Technology], platform: str | None, *, requires_js: bool
) -> tuple[float, list[Reason]]:
    """The score and what it is made of; each reason's weight is what it adds or takes away."""
    pages = max(1, traits.pages)
    guards = [technology.name for technology in technologies if technology.group == "anti_bot"]
    generated = traits.generated_classes / max(1, traits.classes)
    items, states, headings = (n / pages for n in (traits.with_items, traits.with_states, traits.with_headings))
    reasons = [_reason("baseline", _BASE, "Every site has templates of its own to learn.")]
    if requires_js:
        reasons.append(
            _reason("javascript", 0.3, "Content shows only after scripts ran: a browser or the site's API is needed.")
        )
    if guards:
        weight = min(0.3, 0.15 + 0.05 * len(guards))
        reasons.append(_reason("anti_bot", weight, f"Visitors are checked by {', '.join(guards[:4])}."))
    if items < 0.5:
        reasons.append(
            _reason("no_structured_data", 0.15 * (1 - items), "Pages say little about themselves in structured data.")
        )
    else:
        reasons.append(_reason("structured_data", -0.1 * items, "Structured data names the content."))
    if generated > 0.25:
        reasons.append(
            _reason(
                "generated_class_names",
                min(0.2, 0.4 * generated),
                f"{generated:.0%} of class names are made by a build and will change.",
            )
        )
    if headings < 0.5:
        reasons.append(
            _reason("no_semantic_markup", 0.1 * (1 - headings), "Pages mark neither headings nor a main part.")
        )
    if states >= 0.5:
        reasons.append(_reason("embedded_json", -0.1 * states, "Pages carry their data as embedded JSON."))
    if platform is not None:
        reasons.append(_reason("known_platform", -0.1, f"{platform} has well-known templates and addresses."))
    if traits.large:
        reasons.append(_reason("large_pages", 0.05 * traits.large / pages, "Pages are larger than 1.5 MB."))
    total = sum(reason.weight for reason in reasons)
    return round(min(1.0, max(0.0, total)), 4), reasons


def _describes_content(item: dict[str, object]) -> bool:
    kind = str(item.get("@type", "")).lower()
    return bool(kind) and not any(
        name in kind for name in ("website", "organization", "webpage", "breadcrumb", "opengraph")
    )


def _reason(factor: str, weight: float, detail: str) -> Reason:
    return Reason(factor=factor, weight=round(weight, 4), detail=detail)
