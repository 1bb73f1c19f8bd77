"""Starting jobs for a site, and deleting it."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from webintel.problems import Conflict, InvalidInput
from webintel.web.flash import Tone
from webintel.web.formats import words
from webintel.web.pages.site_shared import api_path, site_head
from webintel.web.views.jobs import JobState
from webintel.web.visit import Visit

DELETE_SITES = "delete_sites"


class JobForm(msgspec.Struct):
    """What to do."""

    job_type: str = ""


class DeleteForm(msgspec.Struct):
    """The domain, typed by hand."""

    domain: str = ""


@post("/sites/{site_id:uuid}/jobs")
async def start_job(
    visit: NamedDependency[Visit], site_id: FromPath[UUID], data: URLEncodedBody[JobForm]
) -> Response[Any]:
    """Start a job."""
    jobs = f"/sites/{site_id}/jobs"
    try:
        job = await visit.api.post("/api/v1/jobs", JobState, {"site_id": str(site_id), "job_type": data.job_type})
    except Conflict as problem:
        return visit.redirect(jobs, problem.detail, Tone.INFO)
    except InvalidInput as problem:
        return visit.redirect(jobs, problem.detail, Tone.BAD)
    return visit.redirect(jobs, f"{words(job.job_type)} is queued.")


@get("/sites/{site_id:uuid}/delete")
async def delete_form(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Response[Any]:
    """Ask whether it is meant."""
    await visit.require(DELETE_SITES)
    return await visit.page("site/delete.html", site=await site_head(visit, site_id), typed="", problem=None)


@post("/sites/{site_id:uuid}/delete")
async def delete(
    visit: NamedDependency[Visit], site_id: FromPath[UUID], data: URLEncodedBody[DeleteForm]
) -> Response[Any]:
    """Delete the site, if the domain is the one."""
    site = await site_head(visit, site_id)
    if data.domain.strip().casefold() not in {site.domain.casefold(), site.domain_unicode.casefold()}:
        problem = InvalidInput.of("domain", "This is another name; nothing was deleted.")
        return await visit.page(
            "site/delete.html", status_code=problem.status, site=site, typed=data.domain, problem=problem
        )
    await visit.api.send("DELETE", api_path(site_id))
    return visit.redirect("/sites", f"{site.domain_unicode} is deleted, with its blueprints and jobs.")


ROUTES = [start_job, delete_form, delete]
