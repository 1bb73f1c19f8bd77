"""`webintel user`."""

import asyncio

import httpx
import pytest
from click.testing import CliRunner, Result

from tests.service.api_fixtures import connect_to
from webintel.commands.user import command
from webintel.db import Database
from webintel.serving.observe import Application
from webintel.settings import Settings

PASSWORD = "correct horse battery"


class Terminal:
    """Runs the command against the tests' database."""

    def __init__(self, settings: Settings) -> None:
        assert settings.database_url
        self._environment = {"WEBINTEL_DATABASE_URL": settings.database_url.get_secret_value()}

    async def run(self, *arguments: str, typed: str = "") -> Result:
        return await asyncio.to_thread(
            CliRunner().invoke, command, arguments, input=typed, env=self._environment, standalone_mode=False
        )


@pytest.fixture
def terminal(settings: Settings, database: Database) -> Terminal:
    return Terminal(settings)


async def log_in(app: Application, email: str, password: str) -> int:
    async with connect_to(app) as client:
        response: httpx.Response = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
    return response.status_code


async def test_people_are_added_listed_and_kept_out(app: Application, terminal: Terminal) -> None:
    email = "grace@shop.example"
    added = await terminal.run("add", "Grace@shop.example", "--role", "admin", "--name", "Grace", typed=f"{PASSWORD}\n")
    assert added.output == f"Added {email} as admin.\n"
    assert await log_in(app, email, PASSWORD) == 200
    assert (await terminal.run("list")).output == f"{email}\tadmin\tactive\tGrace\n"

    await terminal.run("add", "alan@shop.example", "--role", "admin", "--generate")
    await terminal.run("disable", email)
    assert await log_in(app, email, PASSWORD) == 401
    assert f"{email}\tadmin\tdisabled\tGrace" in (await terminal.run("list")).output
    await terminal.run("enable", email)
    assert await log_in(app, email, PASSWORD) == 200

    changed = await terminal.run("password", email, "--generate")
    generated = changed.output.splitlines()[-1].removeprefix("Password: ")
    assert await log_in(app, email, PASSWORD) == 401
    assert await log_in(app, email, generated) == 200


@pytest.mark.parametrize(
    ("arguments", "typed", "message"),
    [
        (("add", "nobody"), f"{PASSWORD}\n", "email"),
        (("add", "a@shop.example"), "short\n", "password"),
        (("disable", "nobody@shop.example"), "", "There is no user with the address nobody@shop.example."),
    ],
)
async def test_failures_are_one_sentence(
    terminal: Terminal, arguments: tuple[str, ...], typed: str, message: str
) -> None:
    result = await terminal.run(*arguments, typed=typed)
    assert message in str(result.exception.format_message())  # type: ignore[union-attr]


async def test_the_last_admin_stays(terminal: Terminal) -> None:
    await terminal.run("add", "only@shop.example", "--role", "admin", "--generate")
    result = await terminal.run("disable", "only@shop.example")
    assert "last active admin" in str(result.exception.format_message())  # type: ignore[union-attr]
