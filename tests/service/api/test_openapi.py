"""The OpenAPI document and its UI."""

import json
import re
from typing import Any

import httpx
import pytest

from tests.service.api.test_gate import MATRIX, PUBLIC
from tests.service.api_fixtures import connect_to
from webintel.serving.observe import Application

PROMISED = {
    "POST /api/v1/sites",
    "GET /api/v1/sites",
    "GET /api/v1/sites/{site_id}",
    "PATCH /api/v1/sites/{site_id}",
    "DELETE /api/v1/sites/{site_id}",
    "GET /api/v1/sites/{site_id}/blueprint",
    "GET /api/v1/sites/{site_id}/blueprints",
    "POST /api/v1/jobs",
    "GET /api/v1/jobs",
    "GET /api/v1/jobs/{job_id}",
    "GET /api/v1/jobs/{job_id}/events",
    "POST /api/v1/jobs/{job_id}/cancel",
    "POST /api/v1/jobs/{job_id}/retry",
    "GET /api/v1/blueprints",
    "GET /api/v1/blueprints/{blueprint_id}",
    "GET /api/v1/blueprints/{blueprint_id}/export",
    "GET /api/v1/blueprints/{blueprint_id}/diff/{other_id}",
    "POST /api/v1/blueprints/{blueprint_id}/rollback",
    "GET /api/v1/analytics/dashboard",
    "GET /api/v1/analytics/sites/{site_id}",
    "GET /api/v1/analytics/methods",
    "GET /api/v1/analytics/selectors",
    "GET /",
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "GET /health/startup",
    "GET /metrics",
}


@pytest.fixture(scope="session")
async def document(app: Application) -> dict[str, Any]:
    async with connect_to(app) as client:
        return (await client.get("/schema/openapi.json")).json()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict)
    }


def test_every_promised_call_is_documented(document: dict[str, Any]) -> None:
    assert operations(document).keys() >= PROMISED


def test_operations_are_described_and_named_once(document: dict[str, Any]) -> None:
    described = operations(document)
    for call, operation in described.items():
        assert operation.get("summary"), call
        assert operation.get("description"), call
        assert operation.get("tags"), call
    ids = [operation["operationId"] for operation in described.values()]
    assert len(set(ids)) == len(ids)
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for operation in described.values() for tag in operation["tags"]} == tags


def test_errors_and_credentials_are_documented(document: dict[str, Any]) -> None:
    for call, operation in operations(document).items():
        if not call.split()[1].startswith("/api/"):
            continue
        protected = MATRIX[call] != PUBLIC
        assert document["components"]["securitySchemes"].keys() == {"bearer", "api_key"}
        codes = {code for code in operation["responses"] if code >= "400"}
        assert {"400", "429", "500", "503"} <= codes, call
        assert ({"401", "403"} <= codes) is protected or call.endswith(("login", "refresh")), call
        assert bool(operation.get("security")) is protected, call
        assert ("404" in codes) is ("{" in call or call == "POST /api/v1/jobs"), call
        if "requestBody" in operation:
            assert {"413", "415"} <= codes, call
        for code in codes:
            assert list(operation["responses"][code]["content"]) == ["application/problem+json"], (call, code)


def test_bodies_let_no_unknown_field_through(document: dict[str, Any]) -> None:
    bodies = [operation["requestBody"] for operation in operations(document).values() if "requestBody" in operation]
    names = {body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1] for body in bodies}
    assert len(names) == 10
    for name in names:
        assert document["components"]["schemas"][name].get("additionalProperties") is False, name
    score = document["components"]["schemas"]["NewSite"]["properties"]["business_value_score"]
    assert {"type": "number", "minimum": 0, "maximum": 1} in score["anyOf"]


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references
    assert references <= document["components"]["schemas"].keys()


def test_parameters_say_what_they_take(document: dict[str, Any]) -> None:
    parameters = {
        parameter["name"]: parameter["schema"] for parameter in document["paths"]["/api/v1/sites"]["get"]["parameters"]
    }
    assert parameters["min_score"] == {"type": "number", "minimum": 0, "maximum": 1}
    assert parameters["limit"]["maximum"] == 100
    assert parameters["status"] == {"$ref": "#/components/schemas/SiteStatus"}
    assert "null" not in json.dumps(parameters)


def test_downloads_name_every_format(document: dict[str, Any]) -> None:
    export = document["paths"]["/api/v1/blueprints/{blueprint_id}/export"]["get"]
    assert set(export["responses"]["200"]["content"]) == {"application/json", "application/yaml", "text/csv"}
    follow = document["paths"]["/api/v1/jobs/{job_id}/events"]["get"]
    assert set(follow["responses"]["200"]["content"]) == {"text/event-stream"}


async def test_the_ui_takes_everything_from_its_own_origin(anonymous: httpx.AsyncClient) -> None:
    page = await anonymous.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    references = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(references) == 5
    assert "<script>" not in page.text
    for reference in references:
        assert re.match(r"/[^/]", reference), reference
        response = await anonymous.get(reference)
        assert response.status_code == 200, reference
        if "static" in reference:
            assert "immutable" in response.headers["cache-control"]
    bundle = await anonymous.get(references[3], headers={"Accept-Encoding": "gzip"})
    assert bundle.headers["content-encoding"] == "gzip"
    assert "SwaggerUIBundle" in bundle.text
    css = (await anonymous.get(references[1])).text
    assert not re.search(r"(@import|url\(['\"]?(?!data:|['\"]data:))", css)
    assert (await anonymous.get("/docs/static/LICENSE")).status_code == 404
