"""The list of jobs, and each job as it goes on."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage, Template

from webintel.problems import Conflict, InvalidInput, Problem
from webintel.serving.compression import UNCOMPRESSED
from webintel.web.areas import Area
from webintel.web.flash import Tone
from webintel.web.following import Following
from webintel.web.formats import words
from webintel.web.health import Health
from webintel.web.site_names import SiteNames
from webintel.web.views.accounts import Me
from webintel.web.views.jobs import STATUSES, TYPES, JobDetail, JobRow, JobState
from webintel.web.views.page import Page
from webintel.web.visit import Visit

ROWS = 50
_MAX_TEXT = 1000
_RECONNECT_MILLISECONDS = 5000
_KEEP_ALIVE_SECONDS = 15.0


class Search(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which jobs to list; as text, because people can write anything into an address."""

    status: str = ""
    job_type: str = ""
    cursor: str = ""

    @classmethod
    def of(cls, request: Request[Any, Any, Any]) -> "Search":
        """Read it from the address."""
        names = [field.name for field in msgspec.structs.fields(cls)]
        return cls(**{name: request.query_params.get(name, "").strip()[:_MAX_TEXT] for name in names})

    @property
    def narrowed(self) -> bool:
        """Whether some jobs may be left out."""
        return bool(self.status or self.job_type)

    def query(self, cursor: str = "") -> str:
        """Write it as the query of an address."""
        return urlencode(msgspec.to_builtins(msgspec.structs.replace(self, cursor=cursor)))


@get("/jobs")
async def list_jobs(visit: NamedDependency[Visit], site_names: NamedDependency[SiteNames]) -> Template:
    """Show the jobs that somebody looks for, the newest first."""
    problem = None
    try:
        listed = await _listed(visit, site_names, include_total=True)
    except InvalidInput as error:
        problem = error
        listed = {"search": Search.of(visit.request), "found": Page[JobRow](items=[], next_cursor=None), "sites": {}}
    values = {"statuses": STATUSES, "types": TYPES, "problem": problem, **listed}
    return await visit.page("jobs/list.html", status_code=problem.status if problem else 200, **values)


@get("/jobs/rows")
async def rows(visit: NamedDependency[Visit], site_names: NamedDependency[SiteNames]) -> Template:
    """Show the same jobs as they are now."""
    return await visit.fragment("jobs/table.html", **await _listed(visit, site_names))


@get("/jobs/{job_id:uuid}")
async def job_page(
    visit: NamedDependency[Visit], job_id: FromPath[UUID], site_names: NamedDependency[SiteNames]
) -> Template:
    """Show one job."""
    job = await visit.api.get(f"/api/v1/jobs/{job_id}", JobDetail)
    sites = await site_names.of(visit.api, [job.site_id])
    return await visit.page("jobs/page.html", job=job, site=sites.get(job.site_id, "its site"))


@get("/jobs/{job_id:uuid}/state")
async def state(visit: NamedDependency[Visit], job_id: FromPath[UUID]) -> Template:
    """Show how a job is now, for those whose stream is broken."""
    return await visit.fragment("jobs/state.html", job=await visit.api.get(f"/api/v1/jobs/{job_id}", JobDetail))


@get("/jobs/{job_id:uuid}/events", opt={UNCOMPRESSED: True})
async def events(
    visit: NamedDependency[Visit], job_id: FromPath[UUID], health: NamedDependency[Health]
) -> ServerSentEvent:
    """Show how a job is whenever it changes, then `done`."""
    # What changes about the sign-in goes into the headers, so it is asked before there are any.
    messages = _shown(visit, await visit.me(), Following(visit.api, job_id, health.draining))
    # A refusal is told as one, and a generator that has begun cleans up whenever the visitor leaves.
    await anext(messages)
    return ServerSentEvent(messages)


@post("/jobs/{job_id:uuid}/cancel")
async def cancel(visit: NamedDependency[Visit], job_id: FromPath[UUID]) -> Response[Any]:
    """End a job."""
    try:
        job = await visit.api.post(f"/api/v1/jobs/{job_id}/cancel", JobState)
    except Conflict as problem:
        return visit.redirect(f"/jobs/{job_id}", problem.detail, Tone.INFO)
    return visit.redirect(f"/jobs/{job_id}", f"{words(job.job_type)} is cancelled.")


@post("/jobs/{job_id:uuid}/retry")
async def retry(visit: NamedDependency[Visit], job_id: FromPath[UUID]) -> Response[Any]:
    """Start a new job like one that failed, and go there."""
    try:
        job = await visit.api.post(f"/api/v1/jobs/{job_id}/retry", JobState)
    except Conflict as problem:
        return visit.redirect(f"/jobs/{job_id}", problem.detail, Tone.INFO)
    return visit.redirect(f"/jobs/{job.id}", f"{words(job.job_type)} begins anew, as a job of its own.")


async def _listed(visit: Visit, site_names: SiteNames, *, include_total: bool = False) -> dict[str, Any]:
    search = Search.of(visit.request)
    params: dict[str, str | int] = {name: value for name, value in msgspec.structs.asdict(search).items() if value}
    params["limit"] = ROWS
    if include_total:
        params["include_total"] = "true"
    found = await visit.api.get("/api/v1/jobs", Page[JobRow], params)
    return {
        "search": search,
        "found": found,
        "sites": await site_names.of(visit.api, (job.site_id for job in found.items)),
    }


async def _shown(visit: Visit, me: Me, following: Following) -> AsyncIterator[ServerSentEventMessage]:
    with following:
        job = await following.next(_KEEP_ALIVE_SECONDS)
        yield ServerSentEventMessage(comment="following", data=None)
        while not (job is None and following.over):
            if job is None:
                yield ServerSentEventMessage(comment="still here", data=None)
            else:
                text = visit.rendered("jobs/state.html", me=me, job=job)
                yield ServerSentEventMessage(data=text, retry=_RECONNECT_MILLISECONDS)
                if not job.under_way:
                    yield ServerSentEventMessage(event="done", data="")
                    return
            try:
                job = await following.next(_KEEP_ALIVE_SECONDS)
            except Problem:
                # The page asks again; what is wrong is told then.
                return


AREA = Area(title="Jobs", path="/jobs", routes=[list_jobs, rows, job_page, state, events, cancel, retry])
