"""Signing in, staying signed in, signing out."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from sqlalchemy import select, text

from tests.service.api_fixtures import People, check_problem, connect_to, new_address, running
from tests.service.conftest import SECRET_KEY
from webintel.accounts.models import RefreshToken
from webintel.accounts.roles import Role
from webintel.accounts.schemas import NewUser
from webintel.accounts.services import UserService, ensure_first_admin
from webintel.accounts.tokens import AccessTokens, token_hash
from webintel.db import Database
from webintel.serving.observe import Application
from webintel.settings import load_settings

PASSWORD = "correct horse battery"


class Ada(NamedTuple):
    """Somebody who can sign in, with an address of each test's own: the limits remember addresses."""

    id: UUID
    email: str


@pytest.fixture
async def ada(database: Database) -> Ada:
    email = f"ada-{uuid4().hex[:12]}@shop.example"
    async with database.transaction() as session:
        user = await UserService(session=session).add(NewUser(email=email, password=PASSWORD, role=Role.ADMIN))
    return Ada(user.id, email)


@pytest.fixture
async def visitor(app: Application, ada: Ada) -> AsyncIterator[httpx.AsyncClient]:
    async with connect_to(app) as client:
        yield client


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"email": email, "password": password})


async def me(client: httpx.AsyncClient, access_token: str) -> httpx.Response:
    return await client.get("/api/v1/me", headers={"Authorization": f"Bearer {access_token}"})


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def test_a_password_gives_tokens_that_say_who_one_is(visitor: httpx.AsyncClient, ada: Ada) -> None:
    response = await log_in(visitor, ada.email.upper())
    tokens = response.json()
    assert response.status_code == 200
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    account = (await me(visitor, tokens["access_token"])).json()
    assert (account["id"], account["email"], account["role"]) == (str(ada.id), ada.email, "admin")
    assert "manage_users" in account["permissions"]
    assert "password" not in str(account)
    assert response.headers["cache-control"] == "no-store"


async def test_nobody_learns_whether_an_address_is_known(visitor: httpx.AsyncClient, ada: Ada) -> None:
    wrong = check_problem(await log_in(visitor, ada.email, "wrong password"), 401, "wrong-credentials")
    unknown = check_problem(await log_in(visitor, "nobody@shop.example"), 401, "wrong-credentials")
    assert wrong["detail"] == unknown["detail"]


async def later(database: Database) -> None:
    """Let so much time pass that nobody can have meant the same moment."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE refresh_tokens SET used_at = used_at - interval '5 minutes'"))


async def test_refreshing_gives_new_tokens_and_a_late_second_use_ends_the_sign_in(
    visitor: httpx.AsyncClient, ada: Ada, database: Database
) -> None:
    first = (await log_in(visitor, ada.email)).json()["refresh_token"]
    elsewhere = (await log_in(visitor, ada.email)).json()["refresh_token"]
    second = (await refresh(visitor, first)).json()
    assert (await me(visitor, second["access_token"])).status_code == 200
    await later(database)
    check_problem(await refresh(visitor, first), 401, "refresh-token-refused")
    check_problem(await refresh(visitor, second["refresh_token"]), 401, "refresh-token-refused")
    assert (await refresh(visitor, elsewhere)).status_code == 200


async def test_those_who_refresh_at_once_all_stay_signed_in(
    visitor: httpx.AsyncClient, ada: Ada, database: Database
) -> None:
    token = (await log_in(visitor, ada.email)).json()["refresh_token"]
    answers = await asyncio.gather(*(refresh(visitor, token) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    successors = [answer.json()["refresh_token"] for answer in answers]
    assert len(set(successors)) == 5
    for successor in successors:
        assert (await refresh(visitor, successor)).status_code == 200
    # They are one sign-in still: a stolen token that comes back later ends them all.
    await later(database)
    for ended in (token, *successors):
        assert (await refresh(visitor, ended)).status_code == 401


async def test_a_second_use_does_not_prolong_the_leeway(
    visitor: httpx.AsyncClient, ada: Ada, database: Database
) -> None:
    async def used_at() -> datetime | None:
        async with database.transaction() as session:
            return await session.scalar(
                select(RefreshToken.used_at).where(RefreshToken.token_hash == token_hash(token))
            )

    token = (await log_in(visitor, ada.email)).json()["refresh_token"]
    await refresh(visitor, token)
    first_use = await used_at()
    assert first_use is not None
    assert (await refresh(visitor, token)).status_code == 200
    assert await used_at() == first_use


async def test_the_leeway_does_not_outlive_signing_out(visitor: httpx.AsyncClient, ada: Ada) -> None:
    token = (await log_in(visitor, ada.email)).json()["refresh_token"]
    successor = (await refresh(visitor, token)).json()["refresh_token"]
    await visitor.post("/api/v1/auth/logout", json={"refresh_token": successor})
    assert (await refresh(visitor, token)).status_code == 401


async def test_signing_out_ends_the_refresh_token(visitor: httpx.AsyncClient, ada: Ada) -> None:
    token = (await log_in(visitor, ada.email)).json()["refresh_token"]
    for given in (token, token, "unknown"):
        assert (await visitor.post("/api/v1/auth/logout", json={"refresh_token": given})).status_code == 204
    assert (await refresh(visitor, token)).status_code == 401


async def test_five_failures_a_minute_are_all_that_an_account_has(app: Application, ada: Ada) -> None:
    answers = []
    for _ in range(7):
        async with connect_to(app) as client:
            answers.append(await log_in(client, ada.email, "wrong password"))
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    async with connect_to(app) as client:
        refused = await log_in(client, ada.email)
    check_problem(refused, 429, "too-many-requests")
    assert int(refused.headers["retry-after"]) >= 1


async def test_guessing_in_parallel_gains_nothing(app: Application, ada: Ada) -> None:
    async def guess() -> int:
        async with connect_to(app) as client:
            return (await log_in(client, ada.email, "wrong password")).status_code

    codes = await asyncio.gather(*(guess() for _ in range(12)))
    assert (codes.count(401), codes.count(429)) == (5, 7)


async def test_five_failures_a_minute_are_all_that_an_address_has(app: Application, ada: Ada) -> None:
    async with connect_to(app, address=new_address()) as client:
        emails = [f"person-{number}@shop.example" for number in range(8)]
        answers = await asyncio.gather(*(log_in(client, email, "wrong password") for email in emails))
        assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 3
        assert (await log_in(client, ada.email)).status_code == 429
    async with connect_to(app) as client:
        assert (await log_in(client, ada.email)).status_code == 200


async def test_successes_are_not_counted(app: Application, ada: Ada) -> None:
    async with connect_to(app) as client:
        for _ in range(7):
            assert (await log_in(client, ada.email)).status_code == 200


def _key(secret: str = SECRET_KEY) -> bytes:
    return hmac.digest(secret.encode(), b"webintel access token", hashlib.sha256)


async def test_tokens_that_are_not_exactly_ours_are_refused(visitor: httpx.AsyncClient, ada: Ada) -> None:
    good = AccessTokens(SECRET_KEY, lifetime=timedelta(minutes=5)).issue(ada.id, 1)
    assert (await me(visitor, good)).status_code == 200
    kid = jwt.get_unverified_header(good)["kid"]
    claims = jwt.decode(good, options={"verify_signature": False})
    now = datetime.now(UTC)
    forged = {
        "another key": jwt.encode(claims, b"x" * 32, "HS256", headers={"kid": kid}),
        "no signature": jwt.encode(claims, None, "none", headers={"kid": kid}),
        "another algorithm": jwt.encode(claims, _key() * 2, "HS512", headers={"kid": kid}),
        "another kid": jwt.encode(claims, _key(), "HS256", headers={"kid": "other"}),
        "no kid": jwt.encode(claims, _key(), "HS256"),
        "expired": jwt.encode({**claims, "exp": now - timedelta(seconds=1)}, _key(), "HS256", headers={"kid": kid}),
        "not yet": jwt.encode({**claims, "nbf": now + timedelta(hours=1)}, _key(), "HS256", headers={"kid": kid}),
        "another audience": jwt.encode({**claims, "aud": "other"}, _key(), "HS256", headers={"kid": kid}),
        "another issuer": jwt.encode({**claims, "iss": "other"}, _key(), "HS256", headers={"kid": kid}),
        "no expiry": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, _key(), "HS256", headers={"kid": kid}),
        "nobody": jwt.encode({**claims, "sub": "x"}, _key(), "HS256", headers={"kid": kid}),
        "an older version": jwt.encode({**claims, "ver": 0}, _key(), "HS256", headers={"kid": kid}),
        "garbage": "a.b.c",
    }
    for what, token in forged.items():
        response = await me(visitor, token)
        assert response.status_code == 401, what
        assert response.headers["www-authenticate"].startswith("Bearer")
    check_problem(await me(visitor, "garbage"), 401, "not-signed-in")


async def test_tokens_of_the_previous_key_are_accepted(people: People) -> None:
    user = people["viewer"]
    old = AccessTokens("an old secret of at least 32 characters", lifetime=timedelta(minutes=5))
    rotated = AccessTokens(SECRET_KEY, "an old secret of at least 32 characters", lifetime=timedelta(minutes=5))
    token = old.issue(user.id, 1)
    claims = rotated.read(token)
    assert claims is not None
    assert claims.user_id == user.id
    assert AccessTokens(SECRET_KEY, lifetime=timedelta(minutes=5)).read(token) is None


@pytest.mark.parametrize("previous", [SECRET_KEY, "", None], ids=["kept", "empty", "dropped"])
async def test_a_sign_in_outlives_a_rotation_of_the_key(
    database_url: str, visitor: httpx.AsyncClient, ada: Ada, previous: str | None
) -> None:
    token = (await log_in(visitor, ada.email)).json()["access_token"]
    strange = AccessTokens("a third secret of at least 32 characters", lifetime=timedelta(minutes=5)).issue(ada.id, 1)
    new = "the next secret, of at least 32 characters"
    settings = load_settings(database_url=database_url, secret_key=new, secret_key_previous=previous)
    async with running(settings) as rotated, connect_to(rotated) as client:
        assert (await me(client, token)).status_code == (200 if previous else 401)
        assert (await me(client, strange)).status_code == 401
        fresh = (await log_in(client, ada.email)).json()["access_token"]
        assert (await me(client, fresh)).status_code == 200
    # One that has not been restarted yet does not know the new key: that is why a rotation announces it first.
    assert (await me(visitor, fresh)).status_code == 401


async def test_a_new_password_ends_every_sign_in(visitor: httpx.AsyncClient, ada: Ada) -> None:
    tokens = (await log_in(visitor, ada.email)).json()
    signed_in = {"Authorization": f"Bearer {tokens['access_token']}"}

    async def change(current: str, new: str) -> httpx.Response:
        body = {"current_password": current, "new_password": new}
        return await visitor.patch("/api/v1/me/password", json=body, headers=signed_in)

    check_problem(await change("wrong", "another long password"), 400, "invalid-input")
    check_problem(await change(PASSWORD, "short"), 400, "invalid-input")
    assert (await change(PASSWORD, "another long password")).status_code == 204
    assert (await me(visitor, tokens["access_token"])).status_code == 401
    assert (await refresh(visitor, tokens["refresh_token"])).status_code == 401
    assert (await log_in(visitor, ada.email)).status_code == 401
    assert (await log_in(visitor, ada.email, "another long password")).status_code == 200


async def test_the_first_admin_is_made_once(database: Database) -> None:
    async def make() -> str | None:
        async with database.transaction() as session:
            return await ensure_first_admin(session, "admin@localhost")

    passwords = await asyncio.gather(*(make() for _ in range(4)))
    assert len([password for password in passwords if password]) == 1
