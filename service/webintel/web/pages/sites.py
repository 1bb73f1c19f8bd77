"""The list of sites, and the state of each as it changes."""

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Template

from webintel.problems import InvalidInput
from webintel.web.areas import Area
from webintel.web.pages import new_sites
from webintel.web.views.jobs import JobState
from webintel.web.views.page import Page
from webintel.web.views.sites import STATUSES, SiteRow
from webintel.web.visit import Visit

ROWS = 50
_MOST_JOBS = 100
_MAX_TEXT = 1000
NEWEST_FIRST = "-created_at"


class Search(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which sites to list, and in which order; as text, because people can write anything into an address."""

    search: str = ""
    status: str = ""
    platform: str = ""
    min_score: str = ""
    sort: str = NEWEST_FIRST
    cursor: str = ""

    @classmethod
    def of(cls, request: Request[Any, Any, Any]) -> "Search":
        """Read it from the address."""
        names = [field.name for field in msgspec.structs.fields(cls)]
        given = {name: request.query_params.get(name, "").strip()[:_MAX_TEXT] for name in names}
        return cls(**{name: value for name, value in given.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether some sites may be left out."""
        return any((self.search, self.status, self.platform, self.min_score))

    def query(self, **changes: str) -> str:
        """Write it as the query of an address; what changes the list leads to its first page."""
        changed = msgspec.structs.replace(self, **{"cursor": "", **changes})
        return urlencode(msgspec.to_builtins(changed))

    def here(self) -> str:
        """Write it as the query of this very page."""
        return self.query(cursor=self.cursor)

    def order(self, column: str, *, descending: bool = False) -> str:
        """Write the query of the link that sorts by a column; a second use turns the order round."""
        first, second = (f"-{column}", column) if descending else (column, f"-{column}")
        return self.query(sort=second if self.sort == first else first)

    def sorted_as(self, column: str) -> str | None:
        """Give the direction in which a column is sorted now."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort)


@get("/sites")
async def list_sites(visit: NamedDependency[Visit]) -> Template:
    """Show the sites that somebody looks for."""
    search = Search.of(visit.request)
    problem = None
    try:
        found, jobs = await _read(visit, search, include_total=True)
    except InvalidInput as error:
        problem, found, jobs = error, Page[SiteRow](items=[], next_cursor=None, total=0), {}
    values = {"search": search, "found": found, "jobs": jobs, "problem": problem, "statuses": STATUSES}
    return await visit.page("sites/list.html", status_code=problem.status if problem else 200, **values)


@get("/sites/rows")
async def rows(visit: NamedDependency[Visit]) -> Template:
    """Show the same sites as they are now."""
    search = Search.of(visit.request)
    found, jobs = await _read(visit, search)
    return await visit.fragment("sites/table.html", search=search, found=found, jobs=jobs)


async def _read(
    visit: Visit, search: Search, *, include_total: bool = False
) -> tuple[Page[SiteRow], dict[UUID, JobState]]:
    """Give a page of sites, and the jobs that run for any of them."""
    params: dict[str, str | int] = {name: value for name, value in msgspec.structs.asdict(search).items() if value}
    params["limit"] = ROWS
    if include_total:
        params["include_total"] = "true"
    running: dict[str, str | int] = {"status": "running", "limit": _MOST_JOBS}
    found, under_way = await asyncio.gather(
        visit.api.get("/api/v1/sites", Page[SiteRow], params),
        visit.api.get("/api/v1/jobs", Page[JobState], running),
    )
    return found, {job.site_id: job for job in under_way.items}


AREA = Area(title="Sites", path="/sites", routes=[list_sites, rows, *new_sites.ROUTES])
