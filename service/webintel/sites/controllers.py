"""The calls about sites."""

from typing import Annotated, Any
from uuid import UUID

from asyncpg import Connection
from litestar import Controller, Response, Router, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.queries import Caller
from webintel.accounts.roles import Permission
from webintel.api.access import allow
from webintel.api.answers import Answer
from webintel.api.openapi import SECURITY
from webintel.api.pagination import Page
from webintel.api.parameters import DEFAULT_LIMIT, CursorText, Limit
from webintel.api.problems import documented
from webintel.api.requests import IfMatchHeader, Once, etag, expected_revision
from webintel.jobs.queries import JobQueries
from webintel.jobs.schemas import JobSummary
from webintel.sites.models import Site, SiteStatus
from webintel.sites.queries import SiteFilter, SiteQueries
from webintel.sites.registration import register
from webintel.sites.schemas import NewSite, SiteChange, SiteCreated, SiteDetail, SiteOrder, SiteSummary
from webintel.sites.services import SiteService

ScoreFilter = Annotated[
    float | None, QueryParameter(ge=0, le=1, schema_extra={"minimum": 0})
]  # Litestar drops a bound of 0
TextFilter = Annotated[str | None, QueryParameter(min_length=1, max_length=253, pattern=r"^[^\x00]*$")]

_ETAG = ResponseHeader(
    name="ETag", description="Send it as `If-Match` to change only this state.", documentation_only=True
)
_LOCATION = ResponseHeader(name="Location", description="The new site.", documentation_only=True)


def provide_sites(session: NamedDependency[AsyncSession]) -> SiteService:
    """Give the service that changes sites."""
    return SiteService(session)


class SiteController(Controller):
    """Sites."""

    path = "/sites"
    tags = ("Sites",)
    security = SECURITY

    @post(
        "/",
        operation_id="CreateSite",
        summary="Register a site",
        opt=allow(Permission.CHANGE_SITES),
        responses=documented(409, 413, 415, 422),
        response_headers=[_LOCATION],
    )
    async def create_site(
        self,
        data: JSONBody[NewSite],
        caller: NamedDependency[Caller],
        once: NamedDependency[Once],
    ) -> Response[SiteCreated]:
        """Register a site by its domain, and start its fingerprint and its discovery."""

        async def create(connection: Connection) -> tuple[str, SiteCreated]:
            site = await register(connection, data, caller.user_id)
            return f"/api/v1/sites/{site.id}", site

        return await once.create(create)

    @get("/", operation_id="ListSites", summary="List sites", opt=allow(Permission.READ), responses=documented())
    async def list_sites(  # noqa: PLR0913, PLR0917 - the filters of the list
        self,
        site_queries: NamedDependency[SiteQueries],
        status: FromQuery[SiteStatus | None] = None,
        platform: TextFilter = None,
        search: TextFilter = None,
        min_score: ScoreFilter = None,
        min_complexity: ScoreFilter = None,
        max_complexity: ScoreFilter = None,
        sort: FromQuery[SiteOrder] = "-created_at",
        limit: Limit = DEFAULT_LIMIT,
        page_cursor: CursorText = None,
        include_total: FromQuery[bool] = False,
    ) -> Page[SiteSummary]:
        """List sites, a page at a time; `search` looks for a part of the domain, `min_score` at the business value."""
        chosen = SiteFilter(
            status=status,
            platform=platform,
            search=search,
            min_score=min_score,
            min_complexity=min_complexity,
            max_complexity=max_complexity,
        )
        return await site_queries.list(
            chosen, order=sort, limit=limit, cursor_text=page_cursor, include_total=include_total
        )

    @get(
        "/{site_id:uuid}",
        operation_id="GetSite",
        summary="Read a site",
        opt=allow(Permission.READ),
        responses=documented(404),
        response_headers=[_ETAG],
    )
    async def get_site(
        self, site_id: FromPath[UUID], site_queries: NamedDependency[SiteQueries]
    ) -> Response[SiteDetail]:
        """Give a site with its fingerprint and its last job. The ETag stands for the site itself, not for the job."""
        site, revision = await site_queries.one(site_id)
        return Answer(site, headers={"ETag": etag(revision)})

    @patch(
        "/{site_id:uuid}",
        operation_id="ChangeSite",
        summary="Change a site's notes, scores or priority",
        opt=allow(Permission.CHANGE_SITES),
        responses=documented(404, 412, 413, 415),
        response_headers=[_ETAG],
    )
    async def change_site(
        self,
        site_id: FromPath[UUID],
        data: JSONBody[SiteChange],
        sites: NamedDependency[SiteService],
        job_queries: NamedDependency[JobQueries],
        if_match: IfMatchHeader = None,
    ) -> Response[SiteDetail]:
        """Change what the body names; with `If-Match` only when nobody has changed the site since."""
        # Read first: a request that held one connection while it waited for another could lock up the pool.
        last_job = await job_queries.last_of(site_id)
        site = await sites.change(site_id, data, expected_revision(if_match))
        return Response(_detail(site, last_job=last_job), headers={"ETag": etag(site.revision)})

    @delete(
        "/{site_id:uuid}",
        operation_id="DeleteSite",
        summary="Delete a site",
        opt=allow(Permission.DELETE_SITES),
        responses=documented(404, 412),
    )
    async def delete_site(
        self, site_id: FromPath[UUID], sites: NamedDependency[SiteService], if_match: IfMatchHeader = None
    ) -> None:
        """Cancel the site's jobs, and delete it together with its blueprints."""
        await sites.remove(site_id, expected_revision(if_match))


def _detail(site: Site, last_job: JobSummary | None) -> SiteDetail:
    return SiteDetail(**_fields(site), last_job=last_job)


def _fields(site: Site) -> dict[str, Any]:
    return {name: getattr(site, name) for name in SiteDetail.__struct_fields__ if name != "last_job"}


router = Router(
    "/",
    route_handlers=[SiteController],
    dependencies={"sites": Provide(provide_sites, sync_to_thread=False)},
)
