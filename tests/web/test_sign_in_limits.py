"""Failed attempts to sign in, through web UI and API together: one visitor's are no other's."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import SECRET_KEY, MakeDatabase
from tests.web.platform import StillPlatform, running

LIMIT = 3
GUESSER, COLLEAGUE = "198.51.100.1", "198.51.100.2"


@pytest.fixture
async def web(make_database: MakeDatabase, template: str, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a web UI behind a proxy, as in a cluster."""
    settings = {"WEBINTEL_TRUSTED_PROXY_HOPS": "1", "WEBINTEL_LOGIN_LIMIT_PER_MINUTE": str(LIMIT)}
    async with running(StillPlatform(await make_database(template), SECRET_KEY, 9, tmp_path, settings)) as platform:
        yield platform.web.url


async def test_who_guesses_passwords_is_stopped_and_locks_nobody_else_out(web: str) -> None:
    async with httpx.AsyncClient(base_url=web, timeout=120) as proxy:

        async def sign_in(account: str, forwarded: str) -> httpx.Response:
            form = {"email": f"{account}@shop.example", "password": "wrong"}
            return await proxy.post("/login", data=form, headers={"Origin": web, "X-Forwarded-For": forwarded})

        # Another account each time, so that only the address is left to count by.
        guesses = [await sign_in(f"ada-{number}", GUESSER) for number in range(LIMIT + 1)]
        assert [guess.status_code for guess in guesses] == [401] * LIMIT + [429]
        assert "Too many failed attempts to sign in" in guesses[-1].text
        assert (await sign_in("bob", f"{COLLEAGUE}, {GUESSER}")).status_code == 429
        assert (await sign_in("bob", COLLEAGUE)).status_code == 401
