"""Blueprints: publishing, and the calls about them."""

import asyncio
import csv
import io
import uuid

import httpx
import msgspec
import pytest
import yaml
from sqlalchemy import select

from tests.service.api_fixtures import People, check_problem
from tests.service.conftest import MakeSite
from webintel.blueprints.models import Blueprint
from webintel.blueprints.schemas import BlueprintDetail
from webintel.blueprints.services import BlueprintService
from webintel.db import Database
from webintel.engine.export import load_blueprint
from webintel.engine.model import (
    Blueprint as Content,
)
from webintel.engine.model import (
    Category,
    Endpoint,
    Fingerprint,
    PageType,
    Pagination,
    RenderHints,
    Selector,
)


def category(name: str, confidence: float = 0.9) -> Category:
    url = f"https://shop.example/{name}"
    return Category(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, url)),
        name=name.title(),
        slug=name,
        url=url,
        parent_id=None,
        depth=0,
        example_url=None,
        confidence=confidence,
    )


def selector(field: str, css: str) -> Selector:
    return Selector(
        field_name=field,
        page_type="detail",
        css=css,
        xpath="//h1",
        attribute=None,
        sample_values=["7,99 €", "\x00"],
        confidence=0.9,
        test_pass_rate=1.0,
        method="repeated_structure",
    )


def content(*names: str, css: str = "h1", confidence: float = 0.8) -> Content:
    return Content(
        domain="shop.example",
        start_url="https://shop.example/",
        discovery_method="static",
        confidence_score=confidence,
        fingerprint=Fingerprint(
            platform="shopware",
            requires_js=False,
            requires_js_confidence=1.0,
            requires_js_reasons=[],
            technologies=[],
            complexity_score=0.2,
            complexity_reasons=[],
        ),
        categories=[category(name) for name in names],
        page_types=[
            PageType(
                name="detail",
                kind="product",
                url_pattern="^https://shop\\.example/p/",
                example_urls=[],
                page_count=3,
                confidence=1.0,
            )
        ],
        selectors=[selector("title", css)],
        endpoints=[
            Endpoint(
                url="https://shop.example/api",
                method="GET",
                kind="rest",
                params=[],
                response_schema=None,
                confidence=0.5,
            )
        ],
        pagination=Pagination(kind="none", url_pattern=None, next_selector=None),
        filters=[],
        render_hints=RenderHints(requires_js=False, wait_for_selector=None, infinite_scroll=False, timeout_seconds=10),
    )


async def publish(database: Database, site_id: uuid.UUID, what: Content, job_id: uuid.UUID | None = None) -> Blueprint:
    async with database.transaction() as session:
        return await BlueprintService().publish(session, site_id=site_id, content=what, job_id=job_id)


async def versions(database: Database) -> list[int]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Blueprint.version).order_by(Blueprint.version)))


async def test_versions_have_no_gap_and_no_double_whatever_fails(database: Database, make_site: MakeSite) -> None:
    site = await make_site()

    async def attempt(number: int) -> None:
        async with database.transaction() as session:
            await BlueprintService().publish(session, site_id=site.id, content=content(f"c{number}"))
            if number % 3 == 0:
                raise RuntimeError("after publishing, before the commit")

    outcomes = await asyncio.gather(*(attempt(number) for number in range(20)), return_exceptions=True)
    assert len([outcome for outcome in outcomes if isinstance(outcome, RuntimeError)]) == 7
    assert [outcome for outcome in outcomes if outcome is not None and not isinstance(outcome, RuntimeError)] == []
    assert await versions(database) == list(range(1, 14))


async def test_a_job_publishes_once(database: Database, make_site: MakeSite) -> None:
    site = await make_site()
    job_id = uuid.uuid4()
    published = await asyncio.gather(*(publish(database, site.id, content("a"), job_id) for _ in range(5)))
    assert len({blueprint.id for blueprint in published}) == 1
    assert await versions(database) == [1]


@pytest.mark.parametrize(("confidence", "status"), [(0.8, "ready"), (0.3, "review")])
async def test_publishing_moves_the_site_on(
    admin: httpx.AsyncClient, database: Database, make_site: MakeSite, confidence: float, status: str
) -> None:
    site_id = (await make_site()).id
    before = (await admin.get(f"/api/v1/sites/{site_id}")).headers["etag"]
    await publish(database, site_id, content("a", confidence=confidence))
    response = await admin.get(f"/api/v1/sites/{site_id}")
    site = response.json()
    assert (site["status"], site["blueprint_version"], site["discovery_method"]) == (status, 1, "static")
    assert site["platform"] == "shopware"
    assert site["last_discovered_at"]
    assert response.headers["etag"] != before


async def test_a_blueprint_comes_back_as_it_was_published(
    viewer: httpx.AsyncClient, database: Database, make_site: MakeSite
) -> None:
    site = await make_site()
    check_problem(await viewer.get(f"/api/v1/sites/{site.id}/blueprint"), 404, "not-found")
    published = await publish(database, site.id, content("a", "b"))
    newest = await viewer.get(f"/api/v1/sites/{site.id}/blueprint")
    by_id = await viewer.get(f"/api/v1/blueprints/{published.id}")
    assert newest.json() == by_id.json()
    blueprint = msgspec.json.decode(by_id.content, type=BlueprintDetail)
    assert blueprint.version == 1
    assert blueprint.categories == [category("a"), category("b")]
    assert blueprint.selectors[0].sample_values == ["7,99 €", "\ufffd"]
    documented = {field.name for field in msgspec.structs.fields(BlueprintDetail)}
    assert by_id.json().keys() == documented


async def test_lists_say_what_changed(viewer: httpx.AsyncClient, database: Database, make_site: MakeSite) -> None:
    site, other = await make_site(), await make_site("other.example")
    await publish(database, site.id, content("a", "b"))
    await publish(database, site.id, content("b", "c", css="h1.title"))
    await publish(database, other.id, content())
    listed = (await viewer.get(f"/api/v1/sites/{site.id}/blueprints")).json()["items"]
    assert [item["version"] for item in listed] == [2, 1]
    assert listed[0]["changes"] == {
        "categories": {"added": 1, "removed": 1, "changed": 0},
        "endpoints": {"added": 0, "removed": 0, "changed": 0},
        "selectors": {"added": 0, "removed": 0, "changed": 1},
    }
    assert listed[1]["changes"]["categories"] == {"added": 2, "removed": 0, "changed": 0}
    assert len((await viewer.get("/api/v1/blueprints")).json()["items"]) == 3
    of_one = (await viewer.get("/api/v1/blueprints", params={"site_id": str(other.id)})).json()["items"]
    assert [item["site_id"] for item in of_one] == [str(other.id)]
    first = (await viewer.get("/api/v1/blueprints", params={"limit": 2})).json()
    rest = (await viewer.get("/api/v1/blueprints", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 3
    assert rest["next_cursor"] is None
    check_problem(await viewer.get(f"/api/v1/sites/{uuid.uuid4()}/blueprints"), 404, "not-found")


async def test_two_versions_are_compared(viewer: httpx.AsyncClient, database: Database, make_site: MakeSite) -> None:
    site = await make_site()
    old = await publish(database, site.id, content("a", "b"))
    new = await publish(database, site.id, content("b", "c", css="h1.title"))
    diff = (await viewer.get(f"/api/v1/blueprints/{old.id}/diff/{new.id}")).json()
    assert (diff["old"]["version"], diff["new"]["version"]) == (1, 2)
    assert [item["slug"] for item in diff["categories"]["added"]] == ["c"]
    assert [item["slug"] for item in diff["categories"]["removed"]] == ["a"]
    assert diff["categories"]["changed"] == diff["endpoints"]["added"] == []
    changed = diff["selectors"]["changed"]
    assert [(item["old"]["css"], item["new"]["css"]) for item in changed] == [("h1", "h1.title")]
    back = (await viewer.get(f"/api/v1/blueprints/{new.id}/diff/{old.id}")).json()
    assert [item["slug"] for item in back["categories"]["added"]] == ["a"]
    check_problem(await viewer.get(f"/api/v1/blueprints/{old.id}/diff/{uuid.uuid4()}"), 404, "not-found")


async def test_rolling_back_makes_a_new_version(
    admin: httpx.AsyncClient, viewer: httpx.AsyncClient, people: People, database: Database, make_site: MakeSite
) -> None:
    site = await make_site()
    first = await publish(database, site.id, content("a"))
    await publish(database, site.id, content("b"))
    discovered = (await admin.get(f"/api/v1/sites/{site.id}")).json()["last_discovered_at"]
    url = f"/api/v1/blueprints/{first.id}/rollback"
    check_problem(await viewer.post(url, json={"reason": "v2 fails"}), 403, "not-allowed")
    check_problem(await admin.post(url, json={"reason": " "}), 400, "invalid-input")
    check_problem(await admin.post(url, json={}), 400, "invalid-input")
    response = await admin.post(url, json={"reason": "v2 fails"})
    third = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/v1/blueprints/{third['id']}"
    assert (third["version"], third["restored_version"], third["reason"]) == (3, 1, "v2 fails")
    assert third["created_by"] == str(people["admin"].id)
    newest = (await admin.get(f"/api/v1/sites/{site.id}/blueprint")).json()
    assert [item["slug"] for item in newest["categories"]] == ["a"]
    seen = (await admin.get(f"/api/v1/sites/{site.id}")).json()
    assert (seen["blueprint_version"], seen["last_discovered_at"]) == (3, discovered)
    check_problem(
        await admin.post(f"/api/v1/blueprints/{uuid.uuid4()}/rollback", json={"reason": "x"}), 404, "not-found"
    )


async def test_exports_are_files_that_can_be_read_again(
    viewer: httpx.AsyncClient, database: Database, make_site: MakeSite
) -> None:
    site = await make_site()
    published = await publish(database, site.id, content("a"))
    url = f"/api/v1/blueprints/{published.id}/export"
    as_json = await viewer.get(url)
    assert as_json.headers["content-disposition"] == 'attachment; filename="shop.example-v1.json"'
    assert as_json.headers["content-type"] == "application/json"
    assert load_blueprint(as_json.content).categories == [category("a")]
    as_yaml = await viewer.get(url, params={"format": "yaml"})
    assert as_yaml.headers["content-disposition"].endswith('"shop.example-v1.yaml"')
    assert yaml.safe_load(as_yaml.text) == as_json.json()
    as_csv = await viewer.get(url, params={"format": "csv"})
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert "selectors" in {row["section"] for row in csv.DictReader(io.StringIO(as_csv.text))}
    part = (await viewer.get(url, params={"include": "categories,filters"})).json()
    assert "categories" in part
    assert "selectors" not in part
    for params in ({"format": "xml"}, {"include": "everything"}, {"include": "categories,"}):
        problem = check_problem(await viewer.get(url, params=params), 400, "invalid-input")
        assert [error["field"] for error in problem["errors"]] == list(params)


async def test_deleting_a_site_deletes_its_blueprints(
    admin: httpx.AsyncClient, database: Database, make_site: MakeSite
) -> None:
    site = await make_site()
    published = await publish(database, site.id, content("a"))
    assert (await admin.delete(f"/api/v1/sites/{site.id}")).status_code == 204
    check_problem(await admin.get(f"/api/v1/blueprints/{published.id}"), 404, "not-found")
