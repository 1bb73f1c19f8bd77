"""The calls about blueprints."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, Router, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.queries import Caller
from webintel.accounts.roles import Permission
from webintel.api.access import allow
from webintel.api.openapi import SECURITY
from webintel.api.pagination import Page
from webintel.api.parameters import DEFAULT_LIMIT, CursorText, Limit
from webintel.api.problems import documented
from webintel.blueprints.queries import BlueprintQueries, summary_of
from webintel.blueprints.schemas import (
    BlueprintDetail,
    BlueprintDiff,
    BlueprintSummary,
    ExportFormat,
    Rollback,
)
from webintel.blueprints.services import BlueprintService
from webintel.engine import export
from webintel.sites.queries import SiteQueries

_PARTS = "|".join(export.SECTIONS)
Include = Annotated[
    str | None,
    QueryParameter(
        max_length=300,
        pattern=f"^({_PARTS})(,({_PARTS}))*$",
        description=f"Which parts, separated by commas; all of them by default. Parts: {', '.join(export.SECTIONS)}.",
    ),
]
_WRITERS = {
    "json": (export.to_json, "application/json"),
    "yaml": (export.to_yaml, "application/yaml"),
    "csv": (export.to_csv, "text/csv"),
}
_LOCATION = ResponseHeader(name="Location", description="The new version.", documentation_only=True)
_FILE_NAME = ResponseHeader(
    name="Content-Disposition", description="The file's name, made of domain and version.", documentation_only=True
)


@dataclass
class ExportOperation(Operation):
    """Documents a download that comes in several formats, of which a route can name only one."""

    def __post_init__(self) -> None:
        """Name every format."""
        response = (self.responses or {}).get("200")
        if isinstance(response, OpenAPIResponse):
            schemas = {"json": Schema(type=OpenAPIType.OBJECT)}
            text = Schema(type=OpenAPIType.STRING)
            response.content = {
                media_type.split(";")[0]: OpenAPIMediaType(schema=schemas.get(name, text))
                for name, (_, media_type) in _WRITERS.items()
            }


class SiteBlueprintController(Controller):
    """The blueprints of one site."""

    path = "/sites/{site_id:uuid}"
    tags = ("Sites", "Blueprints")
    security = SECURITY
    opt = allow(Permission.READ)

    @get(
        "/blueprint", operation_id="GetNewestBlueprint", summary="Read the newest blueprint", responses=documented(404)
    )
    async def newest(
        self, site_id: FromPath[UUID], blueprint_queries: NamedDependency[BlueprintQueries]
    ) -> BlueprintDetail:
        """Give the newest version; 404 until the first discovery has succeeded."""
        return await blueprint_queries.newest(site_id)

    @get(
        "/blueprints",
        operation_id="ListSiteBlueprints",
        summary="List a site's blueprints",
        responses=documented(404),
    )
    async def versions(
        self,
        site_id: FromPath[UUID],
        site_queries: NamedDependency[SiteQueries],
        blueprint_queries: NamedDependency[BlueprintQueries],
        limit: Limit = DEFAULT_LIMIT,
        page_cursor: CursorText = None,
    ) -> Page[BlueprintSummary]:
        """List every version, newest first, each with what changed since the one before."""
        await site_queries.require(site_id)
        return await blueprint_queries.list(site_id, limit=limit, cursor_text=page_cursor)


class BlueprintController(Controller):
    """Blueprints."""

    path = "/blueprints"
    tags = ("Blueprints",)
    security = SECURITY

    @get(
        "/",
        operation_id="ListBlueprints",
        summary="List blueprints",
        opt=allow(Permission.READ),
        responses=documented(),
    )
    async def blueprints(
        self,
        blueprint_queries: NamedDependency[BlueprintQueries],
        site_id: FromQuery[UUID | None] = None,
        limit: Limit = DEFAULT_LIMIT,
        page_cursor: CursorText = None,
    ) -> Page[BlueprintSummary]:
        """List versions of one site or of all, newest first."""
        return await blueprint_queries.list(site_id, limit=limit, cursor_text=page_cursor)

    @get(
        "/{blueprint_id:uuid}",
        operation_id="GetBlueprint",
        summary="Read a blueprint",
        opt=allow(Permission.READ),
        responses=documented(404),
    )
    async def blueprint(
        self, blueprint_id: FromPath[UUID], blueprint_queries: NamedDependency[BlueprintQueries]
    ) -> BlueprintDetail:
        """Give one version, whole."""
        return await blueprint_queries.one(blueprint_id)

    @get(
        "/{blueprint_id:uuid}/export",
        operation_id="ExportBlueprint",
        summary="Download a blueprint",
        opt=allow(Permission.READ),
        responses=documented(404),
        response_headers=[_FILE_NAME],
        operation_class=ExportOperation,
    )
    async def export_blueprint(
        self,
        blueprint_id: FromPath[UUID],
        blueprint_queries: NamedDependency[BlueprintQueries],
        file_format: Annotated[ExportFormat, QueryParameter(name="format")] = "json",
        include: Include = None,
    ) -> Response[str]:
        """Give one version as a file that `webintel extract` and other tools read."""
        content, version = await blueprint_queries.content(blueprint_id)
        write, media_type = _WRITERS[file_format]
        file_name = f"{content.domain}-v{version}.{file_format}"
        return Response(
            write(content, include.split(",") if include else None),
            media_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
        )

    @get(
        "/{blueprint_id:uuid}/diff/{other_id:uuid}",
        operation_id="CompareBlueprints",
        summary="Compare two blueprints",
        opt=allow(Permission.READ),
        responses=documented(404),
    )
    async def diff(
        self,
        blueprint_id: FromPath[UUID],
        other_id: FromPath[UUID],
        blueprint_queries: NamedDependency[BlueprintQueries],
    ) -> BlueprintDiff:
        """Say which categories, endpoints and selectors the other one adds, lacks and has in another form."""
        return await blueprint_queries.difference(blueprint_id, other_id)

    @post(
        "/{blueprint_id:uuid}/rollback",
        operation_id="RollBackBlueprint",
        summary="Bring an old blueprint back",
        opt=allow(Permission.ROLL_BACK_BLUEPRINTS),
        responses=documented(404, 413, 415),
        response_headers=[_LOCATION],
    )
    async def roll_back(
        self,
        blueprint_id: FromPath[UUID],
        data: JSONBody[Rollback],
        session: NamedDependency[AsyncSession],
        caller: NamedDependency[Caller],
    ) -> Response[BlueprintSummary]:
        """Publish a new version with the content of an old one; nothing is overwritten."""
        blueprint = await BlueprintService().roll_back(
            session, blueprint_id=blueprint_id, reason=data.reason, by=caller.user_id
        )
        return Response(summary_of(blueprint), headers={"Location": f"/api/v1/blueprints/{blueprint.id}"})


router = Router(
    "/",
    route_handlers=[SiteBlueprintController, BlueprintController],
)
