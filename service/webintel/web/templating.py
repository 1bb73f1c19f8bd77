"""Templates: escaped, strict about names, and with the same helpers everywhere."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from webintel import __version__
from webintel.web.areas import Area
from webintel.web.assets import Assets
from webintel.web.formats import FILTERS

TEMPLATES = Path(__file__).parent / "templates"


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
    made.globals.update({"version": __version__, "static": assets.url, "areas": list(areas)})
    made.filters.update(FILTERS)
    return made
