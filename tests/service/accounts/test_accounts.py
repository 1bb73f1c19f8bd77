"""People and API keys."""

import uuid
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import update

from tests.service.api_fixtures import People, bearer, check_problem, connect_to
from webintel.accounts.models import ApiKey
from webintel.db import Database
from webintel.serving.observe import Application

PASSWORD = "correct horse battery"


async def add(admin: httpx.AsyncClient, **fields: object) -> dict[str, object]:
    body = {"email": "ada@shop.example", "password": PASSWORD, **fields}
    response = await admin.post("/api/v1/users", json=body)
    assert response.status_code == 201, response.text
    assert response.headers["location"] == f"/api/v1/users/{response.json()['id']}"
    return response.json()


async def log_in(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"email": "ada@shop.example", "password": PASSWORD})


async def test_admins_manage_people(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    ada = await add(admin, role="viewer", name="Ada")
    assert (ada["email"], ada["role"], ada["is_active"], ada["last_login_at"]) == (
        "ada@shop.example",
        "viewer",
        True,
        None,
    )
    url = f"/api/v1/users/{ada['id']}"
    check_problem(
        await admin.post("/api/v1/users", json={"email": "ADA@shop.example", "password": PASSWORD}), 409, "email-taken"
    )
    tokens = (await log_in(anonymous)).json()
    signed_in = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await admin.get(url)).json()["last_login_at"]
    assert (await anonymous.get("/api/v1/sites", headers=signed_in)).status_code == 200
    check_problem(await anonymous.get("/api/v1/users", headers=signed_in), 403, "not-allowed")

    assert (await admin.patch(url, json={"role": "admin", "name": "Countess"})).json()["name"] == "Countess"
    assert (await anonymous.get("/api/v1/users", headers=signed_in)).status_code == 200

    assert (await admin.patch(url, json={"is_active": False})).json()["is_active"] is False
    assert (await anonymous.get("/api/v1/me", headers=signed_in)).status_code == 401
    assert (await log_in(anonymous)).status_code == 401
    refused = await anonymous.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refused.status_code == 401

    assert (await admin.delete(url)).status_code == 204
    check_problem(await admin.get(url), 404, "not-found")
    check_problem(await admin.delete(url), 404, "not-found")


async def test_bad_people_are_refused(admin: httpx.AsyncClient) -> None:
    for body in (
        {"email": "no address", "password": PASSWORD},
        {"email": "ada@shop.example", "password": "short"},
        {"email": "ada@shop.example", "password": PASSWORD, "role": "root"},
        {"email": "ada@shop.example", "password": PASSWORD, "is_admin": True},
        {"email": "ada@shop.example", "password": PASSWORD, "token_version": 7},
    ):
        check_problem(await admin.post("/api/v1/users", json=body), 400, "invalid-input")


async def test_somebody_can_always_administer(admin: httpx.AsyncClient, people: People) -> None:
    url = f"/api/v1/users/{people['admin'].id}"
    check_problem(await admin.patch(url, json={"role": "viewer"}), 409, "last-admin")
    check_problem(await admin.patch(url, json={"is_active": False}), 409, "last-admin")
    check_problem(await admin.delete(url), 409, "own-account")
    await add(admin, role="admin")
    assert (await admin.patch(url, json={"role": "viewer"})).status_code == 200


async def test_people_are_listed_in_pages(admin: httpx.AsyncClient) -> None:
    await add(admin)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await admin.get("/api/v1/users", params={"limit": 2, **cursor})).json()
        seen += [user["email"] for user in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 5
    assert seen[0] == "ada@shop.example"


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(
    viewer: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    created = await viewer.post("/api/v1/me/api-keys", json={"name": "nightly export"})
    key = created.json()
    assert created.status_code == 201
    assert key["key"].startswith(key["prefix"])
    listed = (await viewer.get("/api/v1/me/api-keys")).json()["items"]
    assert [item["id"] for item in listed] == [key["id"]]
    assert key["key"] not in str(listed)

    headers = {"X-API-Key": key["key"]}
    assert (await anonymous.get("/api/v1/sites", headers=headers)).status_code == 200
    assert (await viewer.get("/api/v1/me/api-keys")).json()["items"][0]["last_used_at"]
    check_problem(
        await anonymous.post("/api/v1/me/api-keys", json={"name": "more"}, headers=headers), 403, "not-allowed"
    )
    check_problem(
        await anonymous.post("/api/v1/sites", json={"domain": "a.example"}, headers=headers), 403, "not-allowed"
    )
    typing_error = {"X-API-Key": key["key"][:-1] + ("0" if key["key"][-1] != "0" else "1")}
    check_problem(await anonymous.get("/api/v1/sites", headers=typing_error), 401, "not-signed-in")

    for _ in range(2):
        assert (await viewer.delete(f"/api/v1/me/api-keys/{key['id']}")).status_code == 204
    check_problem(await anonymous.get("/api/v1/sites", headers=headers), 401, "not-signed-in")
    assert (await viewer.get("/api/v1/me/api-keys")).json()["items"][0]["revoked_at"]


async def test_keys_are_stored_as_hashes_and_expire(
    viewer: httpx.AsyncClient, anonymous: httpx.AsyncClient, database: Database
) -> None:
    key = (await viewer.post("/api/v1/me/api-keys", json={"name": "short", "expires_in_days": 1})).json()
    async with database.transaction() as session:
        stored = await session.get(ApiKey, uuid.UUID(key["id"]))
        assert stored is not None
        assert key["key"].encode() not in stored.key_hash
        await session.execute(update(ApiKey).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    check_problem(await anonymous.get("/api/v1/me", headers={"X-API-Key": key["key"]}), 401, "not-signed-in")


async def test_keys_of_others_are_for_admins_only(
    admin: httpx.AsyncClient, viewer: httpx.AsyncClient, people: People, app: Application
) -> None:
    url = f"/api/v1/users/{people['scraper_engineer'].id}/api-keys"
    key = (await admin.post(url, json={"name": "crawler"})).json()
    async with connect_to(app, headers={"X-API-Key": key["key"]}) as script:
        assert (await script.get("/api/v1/me")).json()["role"] == "scraper_engineer"
        assert [item["id"] for item in (await admin.get(url)).json()["items"]] == [key["id"]]
        check_problem(await viewer.get(url), 403, "not-allowed")
        check_problem(await viewer.delete(f"/api/v1/me/api-keys/{key['id']}"), 404, "not-found")
        assert (await admin.delete(f"{url}/{key['id']}")).status_code == 204
        assert (await script.get("/api/v1/me")).status_code == 401
    async with connect_to(app, headers=bearer(people["scraper_engineer"])) as owner:
        assert (await owner.get("/api/v1/me/api-keys")).json()["items"][0]["revoked_at"]
    nobody = f"/api/v1/users/{uuid.uuid4()}/api-keys"
    check_problem(await admin.post(nobody, json={"name": "x"}), 404, "not-found")
    check_problem(await admin.get(nobody), 404, "not-found")
