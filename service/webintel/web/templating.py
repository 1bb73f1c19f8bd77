"""Templates: escaped, strict about names, and with the same helpers everywhere."""

import json
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from webintel import __version__
from webintel.web.areas import Area
from webintel.web.assets import Assets
from webintel.web.form_sizes import DOMAIN_LENGTH, NOTES_LENGTH
from webintel.web.formats import FILTERS
from webintel.web.links import path_in, web_url

TEMPLATES = Path(__file__).parent / "templates"
_MOST_JSON = 4_000


def environment(assets: Assets, areas: Sequence[Area]) -> Environment:
    """Everything that a template shows is escaped; a name that nobody gave is a mistake and not an empty place."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    lengths = {"domain": DOMAIN_LENGTH, "notes": NOTES_LENGTH}
    made.globals.update({"version": __version__, "static": assets.url, "areas": list(areas), "lengths": lengths})
    made.filters.update({**FILTERS, "web_url": web_url, "path_in": path_in, "pretty": pretty})
    return made


def pretty(value: object) -> str:
    """Write data as JSON that people read, cut where it grows long."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= _MOST_JSON else f"{text[:_MOST_JSON]}\n…"
