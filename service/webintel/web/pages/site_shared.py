"""What the pages of one site have in common."""

from typing import TypeVar
from uuid import UUID

from webintel.problems import NotFound
from webintel.web.views.site import SiteHead
from webintel.web.visit import Visit

Kind = TypeVar("Kind")

RUN_JOBS = "run_jobs"
JOB_TYPES = {
    "discovery": "Discovery: visit the site and write a blueprint",
    "blueprint_update": "Blueprint update: visit it again for a new version",
    "fingerprint": "Fingerprint: find out what it runs on",
    "extraction": "Extraction: try the selectors on the example pages",
}
_NEED_BLUEPRINT = frozenset({"blueprint_update", "extraction"})


def api_path(site_id: UUID, *more: str) -> str:
    """Give the address of a site in the API."""
    return "/".join(("/api/v1/sites", str(site_id), *more))


async def site_head(visit: Visit, site_id: UUID) -> SiteHead:
    """Give what stands above every page of a site.

    Raises:
        NotFound: there is no such site.
    """
    return await visit.api.get(api_path(site_id), SiteHead)


async def or_none(visit: Visit, path: str, kind: type[Kind]) -> Kind | None:
    """Read something that may not be there yet."""
    try:
        return await visit.api.get(path, kind)
    except NotFound:
        return None


def startable(blueprint_version: int | None) -> list[tuple[str, str]]:
    """Give the types of job that make sense now, the likeliest first."""
    if blueprint_version is None:
        return [(name, text) for name, text in JOB_TYPES.items() if name not in _NEED_BLUEPRINT]
    return sorted(JOB_TYPES.items(), key=lambda one: one[0] != "blueprint_update")
