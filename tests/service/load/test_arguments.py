"""What cannot or must not be done is refused in one line that says how to do it right."""

from pathlib import Path

import pytest

from tests.commands.conftest import Run, run
from webintel.load.errors import LoadError
from webintel.load.planfile import read_plan
from webintel.load.scenarios import SCENARIOS
from webintel.load.targets import read_target

__all__ = ["run"]


@pytest.mark.parametrize(
    ("url", "owned"),
    [
        ("http://127.0.0.1:8000", ()),
        ("http://127.1.2.3", ()),
        ("https://localhost/base/", ()),
        ("http://[::1]:8000", ()),
        ("https://api.shop.example", ("api.shop.example",)),
        ("https://API.shop.example:8443", ("www.shop.example", "api.SHOP.example")),
        ("http://10.0.0.7:8000", ("10.0.0.7",)),
    ],
)
def test_targets_that_are_ours(url: str, owned: tuple[str, ...]) -> None:
    assert read_target(url, owned).url == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "owned"),
    [
        ("https://api.shop.example", ()),
        ("https://api.shop.example", ("shop.example",)),
        ("https://shop.example", ("api.shop.example",)),
        ("http://127.0.0.1.shop.example", ()),
        ("http://localhost.shop.example", ()),
        ("http://0.0.0.0:8000", ()),
        ("http://10.0.0.7", ()),
        ("http://2130706433", ()),
        ("http://[::ffff:8.8.8.8]", ()),
    ],
)
def test_what_may_be_somebody_elses_is_no_target(url: str, owned: tuple[str, ...]) -> None:
    with pytest.raises(LoadError, match="--i-own"):
        read_target(url, owned)


@pytest.mark.parametrize(
    "url", ["127.0.0.1", "ftp://127.0.0.1", "http://", "http://127.0.0.1/?key=1", "http://[", "http://a:b"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(LoadError, match="is no address of an API"):
        read_target(url, ())


def test_credentials_are_never_in_the_address(run: Run) -> None:
    done = run("load", "5x10", "--target", "http://admin:hidden@127.0.0.1:8000")
    assert done.code == 1
    assert "WEBINTEL_LOAD_API_KEY" in done.err
    assert "hidden" not in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name one scenario"),
        (("5x10", "--get", "/"), "Name one scenario"),
        (("no-such",), "There is no scenario no-such: take 5x10,"),
        (("5x10", "--users", "3", "--rate", "5"), "--users and --rate exclude each other"),
        (("5x10", "--think", "3"), "give two numbers of seconds"),
        (("5x10", "--think", "3,1"), "give the shortest first"),
        (("5x10", "--processes", "9"), "5 clients do not fill 9 --processes"),
        (("5x10", "--fail-if", "p95"), "is no condition: write METRIC>NUMBER"),
        (("5x10", "--report", "/no/such/folder/x.html"), "There is no folder /no/such/folder"),
        (("5x10", "--api-key-file", "/no/such/key"), "/no/such/key: No such file"),
        (("5x10", "--target", "https://shop.example"), "--i-own shop.example"),
        (("--get", "no-path"), "is nothing that can be asked for"),
        (("--get", "/a\r\nX: y"), "is nothing that can be asked for"),
    ],
)
def test_refusals(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("load", *arguments)
    assert done.code in {1, 2}
    (line,) = done.error_lines
    assert said in line
    assert done.out == ""


def test_a_key_cannot_be_an_argument(run: Run) -> None:
    assert "No such option" in run("load", "5x10", "--api-key", "hidden").err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mix: {list: 1}\nusers: 5\n  rate: 3\n", "line 3, column"),
        ("mix: {list: 1\n", "line 2"),
        ("- a\n", "Expected `object`"),
        ("", "Expected `object`"),
        ("mix: {list: 1}\nusers: many\n", "Expected `int`, got `str` - at `$.users`"),
        ("mix: {list: 1}\nusers: 0\n", "`$.users`"),
        ("mix: {list: 1}\nuser: 5\n", "unknown field `user`"),
        ("mix: {list: -1}\nusers: 5\n", "`$.mix[...]`"),
        ("mix: {list: 0}\nusers: 5\n", "at least one thing"),
        ("mix: {fly: 1}\nusers: 5\n", "'fly' is nothing that can be asked for: take health,"),
        ("users: 5\n", "`mix` is missing"),
        ("mix: {list: 1}\n", "Say who comes"),
        ("mix: {list: 1}\nusers: 5\nrate: 5\n", "`users` and `rate` exclude each other"),
        ("mix: {list: 1}\nrate: 5\nthink: [1, 2]\n", "give `users`, not `rate`"),
        ("mix: {list: 1}\nusers: 5\nthink: [2, 1]\n", "give the shortest first"),
        ("mix: {list: 1}\nstages: [{seconds: 1, users: 1}, {seconds: 1, rate: 1}]\n", "in each of them"),
        ("mix: {list: 1}\nstages: [{seconds: 1, users: 1}]\nseconds: 3\n", "leave `users`, `rate` and `seconds` out"),
        ("mix: {list: 1}\nstages: [{seconds: 1, rate: 0}]\n", "above 0"),
        ("mix: {list: 1}\nstages: [{seconds: soon, rate: 1}]\n", "`$.stages[0].seconds`"),
        ("scenario: no-such\n", "there is no 'no-such': take 5x10"),
        ("a: &a [*a]\n", "{file}"),
    ],
)
def test_a_wrong_plan_is_refused_by_line_or_field(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(LoadError) as refusal:
        read_plan(file)
    assert str(refusal.value).startswith(str(file))
    assert said.replace("{file}", str(file)) in str(refusal.value)


def test_a_plan_says_the_rest_of_a_scenario(tmp_path: Path) -> None:
    file = tmp_path / "evening.yaml"
    file.write_text("scenario: spike\nstages:\n  - {seconds: 5, rate: 10}\n  - {seconds: 5, rate: 20.5}\ntimeout: 3\n")
    plan = read_plan(file)
    assert (plan.name, plan.model, plan.seconds, plan.peak, plan.timeout) == ("evening", "open", 10, 20.5, 3)
    assert plan.mix == SCENARIOS["spike"][1].mix
    file.write_text("users: 1000\nseconds: 30\nthink: [1, 2.5]\nmix: {list: 3, 'GET /docs': 1}\nopening: [health]\n")
    plan = read_plan(file)
    assert (plan.model, plan.peak, plan.think, plan.opening) == ("closed", 1000, (1, 2.5), ("health",))


def test_shares_of_processes_add_up() -> None:
    for name, (_, plan) in SCENARIOS.items():
        parts = [plan.share(number, 3) for number in range(3)]
        assert sum(part.peak for part in parts) == pytest.approx(plan.peak), name
        assert sum(part.most_requests for part in parts) == plan.most_requests
        assert {part.seconds for part in parts} == {plan.seconds}
