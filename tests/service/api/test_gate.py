"""Who may call what: every route, every kind of caller."""

import uuid
from typing import Any

import httpx
import pytest
from litestar import get

from tests.service.api_fixtures import People, bearer, check_problem, connect_to
from webintel.accounts.roles import PERMISSIONS, Permission, Role
from webintel.api.app import create_app
from webintel.serving.observe import Application
from webintel.settings import Settings

EVERYONE = {"admin", "product_lead", "scraper_engineer", "viewer"}
LEADS = {"admin", "product_lead"}
DOERS = {"admin", "product_lead", "scraper_engineer"}
ADMINS = {"admin"}
PUBLIC = {*EVERYONE, "anonymous"}

MATRIX: dict[str, set[str]] = {
    "GET /": PUBLIC,
    "GET /metrics": PUBLIC,
    "GET /health": PUBLIC,
    "GET /health/live": PUBLIC,
    "GET /health/ready": PUBLIC,
    "GET /health/startup": PUBLIC,
    "GET /docs": PUBLIC,
    "GET /docs/static/{name}": PUBLIC,
    "GET /schema": PUBLIC,
    "GET /schema/openapi.json": PUBLIC,
    "GET /schema/{path}": PUBLIC,
    "POST /api/v1/auth/login": PUBLIC,
    "POST /api/v1/auth/refresh": PUBLIC,
    "POST /api/v1/auth/logout": PUBLIC,
    "GET /api/v1/me": EVERYONE,
    "PATCH /api/v1/me/password": EVERYONE,
    "GET /api/v1/me/api-keys": EVERYONE,
    "POST /api/v1/me/api-keys": EVERYONE,
    "DELETE /api/v1/me/api-keys/{key_id}": EVERYONE,
    "GET /api/v1/users": ADMINS,
    "POST /api/v1/users": ADMINS,
    "GET /api/v1/users/{user_id}": ADMINS,
    "PATCH /api/v1/users/{user_id}": ADMINS,
    "DELETE /api/v1/users/{user_id}": ADMINS,
    "GET /api/v1/users/{user_id}/api-keys": ADMINS,
    "POST /api/v1/users/{user_id}/api-keys": ADMINS,
    "DELETE /api/v1/users/{user_id}/api-keys/{key_id}": ADMINS,
    "GET /api/v1/sites": EVERYONE,
    "POST /api/v1/sites": LEADS,
    "GET /api/v1/sites/{site_id}": EVERYONE,
    "PATCH /api/v1/sites/{site_id}": LEADS,
    "DELETE /api/v1/sites/{site_id}": ADMINS,
    "GET /api/v1/sites/{site_id}/blueprint": EVERYONE,
    "GET /api/v1/sites/{site_id}/blueprints": EVERYONE,
    "GET /api/v1/jobs": EVERYONE,
    "POST /api/v1/jobs": DOERS,
    "GET /api/v1/jobs/{job_id}": EVERYONE,
    "GET /api/v1/jobs/{job_id}/events": EVERYONE,
    "POST /api/v1/jobs/{job_id}/cancel": DOERS,
    "POST /api/v1/jobs/{job_id}/retry": DOERS,
    "GET /api/v1/blueprints": EVERYONE,
    "GET /api/v1/blueprints/{blueprint_id}": EVERYONE,
    "GET /api/v1/blueprints/{blueprint_id}/export": EVERYONE,
    "GET /api/v1/blueprints/{blueprint_id}/diff/{other_id}": EVERYONE,
    "POST /api/v1/blueprints/{blueprint_id}/rollback": DOERS,
    "GET /api/v1/analytics/dashboard": EVERYONE,
    "GET /api/v1/analytics/sites/{site_id}": EVERYONE,
    "GET /api/v1/analytics/methods": EVERYONE,
    "GET /api/v1/analytics/selectors": EVERYONE,
}


def routes_of(app: Application) -> set[str]:
    served = set()
    for route in app.routes:
        path = route.path_format
        methods: Any = getattr(route, "methods", ())
        served |= {f"{method} {path}" for method in methods if method != "OPTIONS"}
    return served


def test_every_route_has_an_entry(app: Application) -> None:
    assert routes_of(app) == MATRIX.keys()


@pytest.mark.parametrize("call", sorted(MATRIX))
async def test_only_those_who_may_are_let_in(app: Application, people: People, call: str) -> None:
    method, template = call.split(" ")
    path = template.replace("{path}", "openapi.json").replace("{name}", "docs.js")
    while "{" in path:
        path = f"{path[: path.index('{')]}{uuid.uuid4()}{path[path.index('}') + 1 :]}"
    outcomes = {}
    for caller in ("anonymous", *(role.value for role in Role)):
        headers = bearer(people[caller]) if caller in people else {}
        async with connect_to(app, headers=headers) as client:
            # No body: whoever is let in and has to send one is told so with 400.
            response = await client.request(method, path)
        outcomes[caller] = response.status_code
    allowed = MATRIX[call]
    expected_refusal = {caller: 401 if caller == "anonymous" else 403 for caller in PUBLIC - allowed}
    assert {caller: code for caller, code in outcomes.items() if caller not in allowed} == expected_refusal
    assert {outcomes[caller] for caller in allowed} <= {200, 204, 400, 404}


async def test_a_route_that_names_nobody_is_closed_to_everybody(settings: Settings, people: People) -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "secret"

    app = create_app(settings)
    app.register(forgotten)
    async with connect_to(app, headers=bearer(people["admin"])) as client:
        check_problem(await client.get("/forgotten"), 403, "not-allowed")


def test_admins_may_everything() -> None:
    assert PERMISSIONS[Role.ADMIN] == set(Permission) - {Permission.PUBLIC}


async def test_credentials_of_another_kind_are_refused(anonymous: httpx.AsyncClient) -> None:
    for header in ("Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer ", "wip_abc"):
        response = await anonymous.get("/api/v1/me", headers={"Authorization": header})
        check_problem(response, 401, "not-signed-in")


async def test_options_names_every_method_and_nothing_else(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.options("/api/v1/sites")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, OPTIONS, POST"
    assert (await anonymous.options("/nowhere")).status_code == 404
