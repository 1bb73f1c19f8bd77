"""Limits: exact, per caller, and not to be dodged."""

import asyncio
import os
import uuid

import httpx
import pytest

from tests.service.api.test_responses import variant
from tests.service.api_fixtures import People, bearer, check_problem, connect_to
from webintel.api.limits import Limits
from webintel.problems import Unavailable
from webintel.serving.address import client_address
from webintel.settings import Settings

LIMIT = 10
REDIS_URL = os.environ.get("WEBINTEL_TEST_REDIS_URL", "")


async def test_exactly_the_limit_passes_and_the_rest_is_told_when_to_come_back(
    settings: Settings, people: People
) -> None:
    async with variant(settings, rate_limit_per_minute=LIMIT) as app:
        async with connect_to(app, headers=bearer(people["viewer"])) as client:
            answers = await asyncio.gather(*(client.get("/api/v1/me") for _ in range(40)))
            assert [answer.status_code for answer in answers].count(200) == LIMIT
            refused = next(answer for answer in answers if answer.status_code == 429)
            check_problem(refused, 429, "too-many-requests")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert refused.headers["ratelimit-policy"] == f'"default";q={LIMIT};w=60'
            assert refused.headers["ratelimit"].startswith('"default";r=0;t=')
            assert (await client.get("/health/live")).status_code == 200
        async with connect_to(app, headers=bearer(people["admin"])) as other:
            first = await other.get("/api/v1/me")
            assert first.headers["ratelimit"].startswith(f'"default";r={LIMIT - 1};t=')


async def test_strangers_are_counted_by_address_also_when_their_credentials_are_wrong(settings: Settings) -> None:
    async with variant(settings, rate_limit_per_minute=LIMIT) as app:
        async with connect_to(app, address="192.0.2.1") as client:
            codes = [
                (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {number}"})).status_code
                for number in range(LIMIT + 2)
            ]
        assert codes == [401] * LIMIT + [429] * 2
        async with connect_to(app, address="192.0.2.2") as client:
            assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_forged_forwarding_header_gains_nothing(settings: Settings) -> None:
    async with variant(settings, rate_limit_per_minute=LIMIT) as app, connect_to(app, address="127.0.0.1") as client:
        codes = [
            (await client.get("/", headers={"X-Forwarded-For": f"198.51.100.{number}"})).status_code
            for number in range(LIMIT + 2)
        ]
    assert codes == [200] * LIMIT + [429] * 2


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "198.51.100.1", "10.9.9.9"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "forged, 198.51.100.1", "198.51.100.1"),
        (2, "forged, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "10.9.9.9"),
        (1, "nonsense", "10.9.9.9"),
        (1, "", "10.9.9.9"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_address_is_counted_from_the_right(hops: int, forwarded: str, address: str) -> None:
    scope = {"client": ("10.9.9.9", 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert client_address(scope, hops) == address  # type: ignore[arg-type]


@pytest.fixture
def away() -> Limits:
    """Limits whose Redis does not answer."""
    return Limits(requests_per_minute=1, failed_logins_per_minute=1, redis_url="redis://127.0.0.1:1/0")


async def test_without_its_counter_the_service_goes_on_but_nobody_can_sign_in(away: Limits) -> None:
    assert await away.count_request("somebody") is None
    with pytest.raises(Unavailable):
        async with away.login("ada@shop.example", "192.0.2.1"):
            pytest.fail("let in")


async def test_signing_in_without_the_counter_is_a_503(settings: Settings) -> None:
    async with variant(settings, redis_url="redis://127.0.0.1:1/0") as app, connect_to(app) as client:
        assert (await client.get("/")).status_code == 200
        response: httpx.Response = await client.post(
            "/api/v1/auth/login", json={"email": "a@b.example", "password": "x"}
        )
        check_problem(response, 503, "unavailable")
        assert response.headers["retry-after"] == "5"


@pytest.mark.skipif(not REDIS_URL, reason="WEBINTEL_TEST_REDIS_URL names no Redis")
async def test_several_processes_share_one_limit() -> None:
    processes = [Limits(requests_per_minute=LIMIT, failed_logins_per_minute=5, redis_url=REDIS_URL) for _ in range(4)]
    somebody = uuid.uuid4().hex
    allowances = await asyncio.gather(*(limits.count_request(somebody) for limits in processes * 25))
    assert len([allowance for allowance in allowances if allowance and allowance.allowed]) == LIMIT


async def test_a_limit_is_exact_where_a_minute_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0 - 0.1
    monkeypatch.setattr("time.time", lambda: now)
    limits = Limits(requests_per_minute=LIMIT, failed_logins_per_minute=5)
    before = await limits.count_request("somebody")
    now += 0.2
    after = [await limits.count_request("somebody") for _ in range(LIMIT)]
    assert before is not None
    assert [allowance.allowed for allowance in after if allowance] == [True] * (LIMIT - 1) + [False]
