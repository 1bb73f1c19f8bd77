"""A blueprint to read: how to scrape the site, part by part."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from webintel.problems import NotFound
from webintel.web.category_tree import CategoryTree
from webintel.web.pages import export
from webintel.web.pages.site_shared import api_path, or_none, site_head, startable
from webintel.web.slices import cut, start_of
from webintel.web.views.blueprints import Blueprint, Categories
from webintel.web.views.site import SiteHead
from webintel.web.visit import Visit

_ROWS = 50
_MAX_TEXT = 100


@get("/sites/{site_id:uuid}/blueprint")
async def newest(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Template:
    """Show the newest version."""
    site, blueprint = await asyncio.gather(
        site_head(visit, site_id), or_none(visit, api_path(site_id, "blueprint"), Blueprint)
    )
    if blueprint is None:
        return await visit.page("site/no_blueprint.html", site=site, startable=startable(None))
    return await _page(visit, site, blueprint)


@get("/sites/{site_id:uuid}/blueprint/{blueprint_id:uuid}")
async def one_version(visit: NamedDependency[Visit], site_id: FromPath[UUID], blueprint_id: FromPath[UUID]) -> Template:
    """Show one version."""
    site, blueprint = await asyncio.gather(
        site_head(visit, site_id), visit.api.get(f"/api/v1/blueprints/{blueprint_id}", Blueprint)
    )
    require_of_site(blueprint.site_id, site_id)
    return await _page(visit, site, blueprint)


@get("/sites/{site_id:uuid}/blueprint/{blueprint_id:uuid}/branch")
async def branch(visit: NamedDependency[Visit], site_id: FromPath[UUID], blueprint_id: FromPath[UUID]) -> Template:
    """Show a branch of the category tree, or some more of it."""
    found = await visit.api.get(f"/api/v1/blueprints/{blueprint_id}", Categories)
    require_of_site(found.site_id, site_id)
    base = f"/sites/{site_id}/blueprint/{blueprint_id}"
    return await visit.fragment("site/branch.html", base=base, **_categories(visit, CategoryTree(found.categories)))


def require_of_site(owner_id: UUID, site_id: UUID) -> None:
    """Refuse to show a blueprint under another site's name.

    Raises:
        NotFound: it is not this site's.
    """
    if owner_id != site_id:
        raise NotFound("This site has no such blueprint.")


async def _page(visit: Visit, site: SiteHead, blueprint: Blueprint) -> Template:
    request = visit.request
    selectors = sorted(blueprint.selectors, key=lambda selector: selector.page_type)
    return await visit.page(
        "site/blueprint.html",
        site=site,
        blueprint=blueprint,
        base=f"/sites/{site.id}/blueprint/{blueprint.id}",
        formats=export.FORMATS,
        page_types=cut(request, "page_types", blueprint.page_types, _ROWS),
        selectors=cut(request, "selectors", selectors, _ROWS),
        endpoints=cut(request, "endpoints", blueprint.endpoints, _ROWS),
        filters=cut(request, "filters", blueprint.filters, _ROWS),
        **_categories(visit, CategoryTree(blueprint.categories)),
    )


def _categories(visit: Visit, tree: CategoryTree) -> dict[str, Any]:
    """Give the branch that the address asks for, with the way to it; without one, the top."""
    wanted = visit.request.query_params.get("category", "")[:_MAX_TEXT]
    category = tree.get(wanted) if wanted else None
    if wanted and category is None:
        raise NotFound("This version has no such category.")
    return {
        "tree_size": len(tree),
        "branch_path": tree.path(category) if category else [],
        "branch_parent": wanted,
        "branch": tree.branch(category, start_of(visit.request, "from")),
    }


ROUTES = [newest, one_version, branch, *export.ROUTES]
