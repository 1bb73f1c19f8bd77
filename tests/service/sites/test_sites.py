"""Sites, through the API."""

import asyncio
import uuid

import httpx
import pytest

from tests.service.api_fixtures import People, check_problem
from webintel.api.pagination import Cursor
from webintel.db import Database
from webintel.engine.model import Fingerprint, Technology
from webintel.sites.services import SiteService


async def register(client: httpx.AsyncClient, domain: str = "shop.example", **fields: object) -> dict[str, object]:
    response = await client.post("/api/v1/sites", json={"domain": domain, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def test_creating_a_site_starts_its_fingerprint_and_its_discovery(admin: httpx.AsyncClient) -> None:
    response = await admin.post(
        "/api/v1/sites", json={"domain": "Shop.Example", "business_value_score": 0.7, "notes": "x"}
    )
    site = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/v1/sites/{site['id']}"
    assert uuid.UUID(site["id"]).version == 7
    assert (site["domain"], site["status"], site["business_value_score"]) == ("shop.example", "pending", 0.7)
    assert site["blueprint_version"] is None
    jobs = (await admin.get("/api/v1/jobs", params={"site_id": site["id"]})).json()["items"]
    assert sorted(job["job_type"] for job in jobs) == ["discovery", "fingerprint"]
    assert {job["status"] for job in jobs} == {"queued"}
    first = (await admin.get(f"/api/v1/jobs/{site['job_id']}")).json()
    assert first["job_type"] == "fingerprint"


async def test_a_name_with_and_without_www_is_one_site(admin: httpx.AsyncClient) -> None:
    await register(admin, "shop.example")
    check_problem(await admin.post("/api/v1/sites", json={"domain": "www.shop.example"}), 409, "domain-taken")
    await register(admin, "www.other.example")
    check_problem(await admin.post("/api/v1/sites", json={"domain": "other.example"}), 409, "domain-taken")
    await register(admin, "blog.shop.example")


async def test_international_names_are_stored_in_ascii_and_shown_in_both(admin: httpx.AsyncClient) -> None:
    site = await register(admin, "Bücher.example")
    assert (site["domain"], site["domain_unicode"]) == ("xn--bcher-kva.example", "bücher.example")
    found = (await admin.get("/api/v1/sites", params={"search": "büch"})).json()["items"]
    assert [item["id"] for item in found] == [site["id"]]
    check_problem(await admin.post("/api/v1/sites", json={"domain": "xn--bcher-kva.example"}), 409, "domain-taken")


@pytest.mark.parametrize(
    "domain",
    ["localhost", "127.0.0.1", "10.0.0.1", "[::1]", "not a domain", "shop", "https://shop.example/path",
     "shop.example:8080", "user@shop.example", "-x.example", "xn--zzzzzz--99.example", "a" * 64 + ".example"],
)  # fmt: skip
async def test_what_is_no_public_domain_is_refused(admin: httpx.AsyncClient, domain: str) -> None:
    problem = check_problem(await admin.post("/api/v1/sites", json={"domain": domain}), 400, "invalid-input")
    assert [error["field"] for error in problem["errors"]] == ["domain"]
    assert (await admin.get("/api/v1/sites")).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"domain": "shop.example", "status": "ready"},
        {"domain": "shop.example", "id": str(uuid.uuid4())},
        {"domain": "shop.example", "business_value_score": 1.5},
        {"domain": "shop.example", "priority": 101},
        {"domain": "shop.example", "notes": "a\x00b"},
        {"domain": 5},
        {},
        [],
    ],
)
async def test_bodies_that_do_not_fit_are_refused(admin: httpx.AsyncClient, body: object) -> None:
    problem = check_problem(await admin.post("/api/v1/sites", json=body), 400, "invalid-input")
    assert problem["errors"]


async def test_a_domain_is_registered_once_even_at_the_same_moment(admin: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(admin.post("/api/v1/sites", json={"domain": "shop.example"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len((await admin.get("/api/v1/jobs")).json()["items"]) == 2


async def test_lists_are_filtered_sorted_and_complete_over_pages(admin: httpx.AsyncClient) -> None:
    scores = [0.1, None, 0.9, 0.5, 0.5, None, 0.3]
    for number, score in enumerate(scores):
        await register(admin, f"shop-{number}.example", business_value_score=score)

    async def domains(**params: object) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            query = {key: value for key, value in {**params, "limit": 2, "cursor": cursor}.items() if value is not None}
            page = (await admin.get("/api/v1/sites", params=query)).json()
            assert len(page["items"]) <= 2
            found += [item["domain"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    everything = [f"shop-{number}.example" for number in range(7)]
    assert await domains() == everything[::-1]
    assert await domains(sort="created_at") == everything
    assert await domains(sort="-domain") == everything[::-1]
    assert set(await domains(sort="updated_at")) == set(everything)
    by_score = await domains(sort="-business_value_score")
    assert by_score[0] == "shop-2.example"
    assert set(by_score[-2:]) == {"shop-1.example", "shop-5.example"}
    assert sorted(by_score) == everything
    assert sorted(await domains(min_score=0.5)) == ["shop-2.example", "shop-3.example", "shop-4.example"]
    assert await domains(status="ready") == []
    assert await domains(search="SHOP-3") == ["shop-3.example"]
    assert await domains(search="%") == []
    page = (await admin.get("/api/v1/sites", params={"limit": 2, "include_total": True})).json()
    assert page["total"] == 7
    assert (await admin.get("/api/v1/sites")).json()["total"] is None


@pytest.mark.parametrize(
    "params",
    [{"cursor": "nonsense"}, {"cursor": "WzEsMl0"}, {"limit": 0}, {"limit": 101}, {"sort": "password_hash"},
     {"status": "odd"}, {"min_score": "x"}, {"search": "a\x00"}],
)  # fmt: skip
async def test_queries_that_do_not_fit_are_refused(admin: httpx.AsyncClient, params: dict[str, str]) -> None:
    problem = check_problem(await admin.get("/api/v1/sites", params=params), 400, "invalid-input")
    assert [error["field"] for error in problem["errors"]] == list(params)


@pytest.mark.parametrize(
    ("sort", "value"),
    [("priority", 10**12), ("-updated_at", "0001-01-01T00:00:00+14:00"), ("domain", "a\x00b"), ("created_at", "no id")],
)
async def test_a_cursor_with_a_value_that_no_site_can_have_is_refused(
    admin: httpx.AsyncClient, sort: str, value: str | int
) -> None:
    cursor = Cursor(sort, value, uuid.uuid4()).encode()
    check_problem(await admin.get("/api/v1/sites", params={"cursor": cursor, "sort": sort}), 400, "invalid-input")


async def test_a_cursor_belongs_to_its_order(admin: httpx.AsyncClient) -> None:
    for number in range(2):
        await register(admin, f"shop-{number}.example")
    cursor = (await admin.get("/api/v1/sites", params={"limit": 1, "sort": "domain"})).json()["next_cursor"]
    check_problem(await admin.get("/api/v1/sites", params={"cursor": cursor, "sort": "-domain"}), 400, "invalid-input")


async def test_a_site_shows_its_fingerprint_and_its_last_job(
    admin: httpx.AsyncClient, people: People, database: Database
) -> None:
    created = await register(admin)
    fingerprint = Fingerprint(
        platform="shopware",
        requires_js=False,
        requires_js_confidence=0.9,
        requires_js_reasons=["the text is in the HTML"],
        technologies=[Technology(name="nginx\x00", group="server", confidence=1.0, evidence=[])],
        complexity_score=0.25,
        complexity_reasons=[],
    )
    async with database.transaction() as session:
        await SiteService(session).record_fingerprint(uuid.UUID(str(created["id"])), fingerprint)
    site = (await admin.get(f"/api/v1/sites/{created['id']}")).json()
    assert (site["status"], site["platform"], site["complexity_score"]) == ("fingerprinted", "shopware", 0.25)
    assert site["fingerprint"]["technologies"][0]["name"] == "nginx\ufffd"
    assert site["last_job"]["job_type"] == "discovery"
    assert (await admin.get("/api/v1/sites", params={"platform": "Shopware", "max_complexity": 0.25})).json()["items"]
    assert not (await admin.get("/api/v1/sites", params={"min_complexity": 0.26})).json()["items"]


async def test_changing_needs_the_state_that_was_read(admin: httpx.AsyncClient) -> None:
    site = await register(admin)
    url = f"/api/v1/sites/{site['id']}"
    tag = (await admin.get(url)).headers["etag"]
    changed = await admin.patch(url, json={"notes": "first", "priority": 90}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert (changed.json()["notes"], changed.json()["priority"]) == ("first", 90)
    assert changed.headers["etag"] != tag
    check_problem(await admin.patch(url, json={"notes": "second"}, headers={"If-Match": tag}), 412, "stale")
    check_problem(await admin.patch(url, json={"notes": "x"}, headers={"If-Match": "abc"}), 400, "invalid-input")
    check_problem(await admin.delete(url, headers={"If-Match": tag}), 412, "stale")
    assert (await admin.patch(url, json={"notes": None})).json()["notes"] is None
    assert (await admin.get(url)).json()["priority"] == 90
    check_problem(await admin.patch(url, json={"domain": "other.example"}), 400, "invalid-input")


async def test_of_a_hundred_changes_to_one_state_exactly_one_wins(admin: httpx.AsyncClient) -> None:
    site = await register(admin)
    url = f"/api/v1/sites/{site['id']}"
    tag = (await admin.get(url)).headers["etag"]
    answers = await asyncio.gather(
        *(admin.patch(url, json={"notes": str(number)}, headers={"If-Match": tag}) for number in range(100))
    )
    codes = [answer.status_code for answer in answers]
    assert codes.count(200) == 1
    assert codes.count(412) == 99
    winner = next(number for number, code in enumerate(codes) if code == 200)
    assert (await admin.get(url)).json()["notes"] == str(winner)


async def test_deleting_takes_jobs_along(admin: httpx.AsyncClient) -> None:
    site = await register(admin)
    response = await admin.delete(f"/api/v1/sites/{site['id']}")
    assert (response.status_code, response.content) == (204, b"")
    check_problem(await admin.get(f"/api/v1/sites/{site['id']}"), 404, "not-found")
    check_problem(await admin.delete(f"/api/v1/sites/{site['id']}"), 404, "not-found")
    check_problem(await admin.get(f"/api/v1/jobs/{site['job_id']}"), 404, "not-found")
    assert (await admin.get("/api/v1/jobs")).json()["items"] == []
    await register(admin)


@pytest.mark.parametrize("call", ["GET", "PATCH", "DELETE"])
async def test_unknown_sites_are_not_found(admin: httpx.AsyncClient, call: str) -> None:
    body = {"json": {}} if call == "PATCH" else {}
    check_problem(await admin.request(call, f"/api/v1/sites/{uuid.uuid4()}", **body), 404, "not-found")
    assert (await admin.request(call, "/api/v1/sites/17", **body)).status_code == 404
