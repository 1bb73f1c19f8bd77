"""Signing in and out, and staying signed in: cookies, renewals, the way back, and what other sites may not do."""

import asyncio
import base64

import httpx
import pytest

from tests.web.test_web import HERE, ME, NO_SITES, SIGNED_IN, visitor, working
from webintel.web.returning import safe_path, sign_in_path

REFUSED = (401, {"detail": "No.", "type": "urn:webintel:problem:not-signed-in"})
SIGN_IN = {"email": "ada@shop.example", "password": "correct horse battery", "next": "/sites?status=ready"}


def cookies_of(response: httpx.Response) -> dict[str, str]:
    """Every cookie that an answer sets, with its attributes."""
    return {line.split("=")[0]: line for line in response.headers.get_list("set-cookie")}


async def test_signing_in_gives_cookies_that_scripts_and_other_sites_cannot_use_and_leads_back() -> None:
    async with visitor(working(), environment="production") as client:
        done = await client.post("/login", data=SIGN_IN, headers={"Sec-Fetch-Site": "same-origin"})
    assert (done.status_code, done.headers["location"]) == (303, "/sites?status=ready")
    assert set(cookies_of(done)) == {"__Host-access", "__Host-refresh"}
    for line in cookies_of(done).values():
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line
    assert "Max-Age=870" in cookies_of(done)["__Host-access"]


async def test_without_tls_cookies_have_plain_names() -> None:
    async with visitor(working()) as client:
        done = await client.post("/login", data=SIGN_IN, headers=HERE)
    assert set(cookies_of(done)) == {"access", "refresh"}
    assert "Secure" not in str(cookies_of(done))


@pytest.mark.parametrize(
    ("status", "problem", "sentence"),
    [
        (401, {"detail": "The e-mail address or the password is wrong."}, "the password is wrong."),
        (429, {"detail": "Too many failed attempts to sign in."}, "Too many failed attempts to sign in."),
        (503, {"detail": "The database does not answer at the moment."}, "The database does not answer"),
        (500, b"<html>", "it is not the API."),
    ],
)  # fmt: skip
async def test_a_refused_sign_in_says_why_and_keeps_the_address(status: int, problem: object, sentence: str) -> None:
    api = working(**{"auth/login": (status, problem)})
    async with visitor(api) as client:
        page = await client.post("/login", data=SIGN_IN, headers=HERE)
    assert page.status_code == (503 if status >= 500 else status)
    assert sentence in page.text
    assert 'value="ada@shop.example"' in page.text
    assert 'value="/sites?status=ready"' in page.text
    assert SIGN_IN["password"] not in page.text
    assert "set-cookie" not in page.headers


async def test_who_has_not_signed_in_is_led_to_the_form_and_back() -> None:
    async with visitor(working()) as client:
        page = await client.get("/sites?search=a%26b&sort=domain")
        assert page.status_code == 303
        form = await client.get(page.headers["location"])
        assert 'value="/sites?search=a%26b&amp;sort=domain"' in form.text
        part = await client.get(
            "/sites/rows", headers={"HX-Request": "true", "HX-Current-URL": "http://app.test/sites?status=ready"}
        )
        assert part.headers["hx-redirect"] == "/login?next=/sites%3Fstatus%3Dready"
        change = await client.post("/sites/new", data={}, headers={**HERE, "Referer": "http://app.test/sites/new"})
        assert change.headers["location"] == "/login?next=/sites/new"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "evil", "",
     "javascript:alert(1)", "/login?next=/login", " /sites", "/sites\r\nSet-Cookie: a=b", "/" + "a" * 3000, "/a\\b"],
)  # fmt: skip
async def test_signing_in_leads_to_no_other_site(target: str) -> None:
    assert safe_path(target) == "/"
    assert sign_in_path(target) == "/login"
    async with visitor(working()) as client:
        done = await client.post("/login", data={**SIGN_IN, "next": target}, headers=HERE)
        assert done.headers["location"] == "/"


async def test_an_expired_sign_in_is_renewed_on_the_way() -> None:
    api = working()
    async with visitor(api, cookies={"refresh": "old"}) as client:
        page = await client.get("/sites")
    assert page.status_code == 200
    assert "access=new" in cookies_of(page)["access"]
    assert "refresh=next" in cookies_of(page)["refresh"]
    assert [headers["authorization"] for path, headers in api.asked if path == "/api/v1/sites"] == ["Bearer new"]


async def test_requests_at_once_renew_once() -> None:
    api = working()
    async with visitor(api) as client:
        pages = await asyncio.gather(*(client.get("/sites", headers={"Cookie": "refresh=old"}) for _ in range(10)))
    assert [page.status_code for page in pages] == [200] * 10
    assert [path for path, _ in api.asked].count("/api/v1/auth/refresh") == 1


async def test_a_sign_in_that_has_ended_is_forgotten() -> None:
    api = working(**{"auth/refresh": REFUSED})
    async with visitor(api, cookies={"refresh": "old"}) as client:
        page = await client.get("/sites")
    assert page.headers["location"] == "/login?next=/sites"
    assert all("Max-Age=0" in line for line in cookies_of(page).values())
    assert set(cookies_of(page)) == {"access", "refresh"}


async def test_a_token_that_the_api_refuses_early_is_renewed_too() -> None:
    api = working(me=REFUSED, sites=REFUSED, jobs=REFUSED)
    async with visitor(api, cookies=SIGNED_IN) as client:
        page = await client.get("/sites")
    assert page.headers["location"] == "/login?next=/sites"
    assert "/api/v1/auth/refresh" in [path for path, _ in api.asked]


async def test_an_api_that_is_away_signs_nobody_out() -> None:
    async with visitor(None, cookies={"refresh": "old"}) as client:
        page = await client.get("/sites")
    assert page.status_code == 503
    assert "set-cookie" not in page.headers


async def test_signing_out_tells_the_api_and_forgets() -> None:
    api = working(**{"auth/logout": (204, b"")})
    async with visitor(api, cookies=SIGNED_IN) as client:
        done = await client.post("/logout", headers=HERE)
        assert done.headers["location"] == "/login"
        assert "Max-Age=0" in cookies_of(done)["access"]
        assert "Max-Age=0" in cookies_of(done)["refresh"]
        assert "You have signed out." in (await client.get("/login")).text
    assert "/api/v1/auth/logout" in [path for path, _ in api.asked]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://app.test"}, False),
        ({"Origin": "http://app.test"}, True),
        ({"Origin": "http://app.test:80"}, True),
        ({"Origin": "http://app.test:8080"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://app.test.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://[app.test"}, False),
        ({"Referer": "http://app.test/login"}, False),
        ({}, False),
    ],
)
async def test_only_our_own_pages_change_anything(headers: dict[str, str], allowed: bool) -> None:
    api = working(**{"auth/logout": (204, b"")})
    async with visitor(api, cookies=SIGNED_IN) as client:
        for path in ("/logout", "/theme", "/login", "/sites/import"):
            cookie = "access=token; refresh=old"
            answer = await client.post(path, data={"theme": "dark"}, headers={**headers, "Cookie": cookie})
            assert (answer.status_code == 403) is not allowed, path
    assert allowed or api.asked == []


@pytest.mark.parametrize(
    ("hops", "sent", "passed_on"),
    [
        (0, "198.51.100.1", None),
        (1, "forged, 198.51.100.1", "198.51.100.1"),
        (1, None, "192.0.2.7"),
        (2, "forged, 198.51.100.1, 10.0.0.1", "198.51.100.1, 198.51.100.1"),
    ],
)
async def test_the_api_hears_whose_sign_in_fails(hops: int, sent: str | None, passed_on: str | None) -> None:
    api = working(**{"auth/login": REFUSED})
    async with visitor(api, trusted_proxy_hops=hops) as client:
        headers = {**HERE, **({"X-Forwarded-For": sent} if sent else {})}
        await client.post("/login", data=SIGN_IN, headers=headers)
    ((_, heard),) = [asked for asked in api.asked if asked[0] == "/api/v1/auth/login"]
    assert heard.get("x-forwarded-for") == passed_on


async def test_messages_are_shown_once_and_nothing_foreign_is_shown() -> None:
    said = base64.urlsafe_b64encode(b'["good","<b>It is done.</b>"]').decode().rstrip("=")
    async with visitor(working(), cookies={**SIGNED_IN, "flash": said}) as client:
        page = await client.get("/sites")
        assert "&lt;b&gt;It is done.&lt;/b&gt;" in page.text
        assert "Max-Age=0" in cookies_of(page)["flash"]
        for foreign in ("x", "%%%", base64.urlsafe_b64encode(b'{"a":1}').decode()):
            client.cookies.set("flash", foreign, domain="app.test")
            assert (await client.get("/sites")).status_code == 200


async def test_the_theme_is_kept() -> None:
    async with visitor(working(), cookies=SIGNED_IN) as client:
        done = await client.post("/theme", data={"theme": "dark"}, headers={**HERE, "Referer": "http://app.test/sites"})
        assert done.headers["location"] == "/sites"
        assert 'data-theme="dark"' in (await client.get("/sites")).text
        await client.post("/theme", data={"theme": "<x>"}, headers=HERE)
        assert "data-theme" not in (await client.get("/sites")).text


async def test_a_role_is_offered_only_what_it_may_do() -> None:
    for permissions, offered in ((["read"], False), (["read", "change_sites"], True)):
        api = working(me=(200, {**ME, "permissions": permissions}), sites=(200, NO_SITES))
        async with visitor(api, cookies=SIGNED_IN) as client:
            assert ('href="/sites/new"' in (await client.get("/sites")).text) is offered
            assert (await client.get("/sites/new")).status_code == (200 if offered else 403)
