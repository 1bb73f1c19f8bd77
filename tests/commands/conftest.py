"""Running commands as a user does: arguments in; exit code, output and errors out."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.sites.player import play
from tests.sites.shop import SHOP_DOMAIN, shop
from webintel import cli


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def error_lines(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("webintel: ")]


Run = Callable[..., Outcome]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: object) -> Outcome:
        code = cli.run([str(argument) for argument in arguments])
        return Outcome(code, *capfd.readouterr())

    return run_command


@pytest.fixture(scope="session")
def shop_options() -> Iterator[list[str]]:
    with play(shop) as site:
        yield ["--delay", "0", "--connect-to", site.connect_to(SHOP_DOMAIN), "--allow-private", "127.0.0.0/8"]
