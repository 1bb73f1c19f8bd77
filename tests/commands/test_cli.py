import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tests.commands.conftest import Run
from webintel import __version__, cli

SERVE = [sys.executable, "-m", "webintel", "demo", "--serve"]


def test_version(run: Run) -> None:
    assert run("--version").out == f"webintel {__version__}\n"


def test_help_names_every_command(run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    assert all(f"  {name} " in outcome.out for name in cli.COMMANDS)


@pytest.mark.parametrize("name", ["scan", "analyze", "extract", "demo"])
def test_a_command_that_needs_no_service_loads_none(name: str) -> None:
    code = (
        "import sys; from webintel import cli; assert cli.run([sys.argv[1], '--help']) == 0;"
        "print({'litestar', 'sqlalchemy', 'asyncpg'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "set()\n"
    assert done.stdout.startswith(f"Usage: webintel {name}")


def test_no_command_shows_the_help(run: Run) -> None:
    outcome = run()
    assert outcome.code == 2
    assert "Commands:" in outcome.err + outcome.out


@pytest.mark.parametrize("arguments", [["fly"], ["scan"], ["scan", "shop.example", "--max-pages", "many"], ["--fast"]])
def test_wrong_arguments_are_one_line(run: Run, arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert "--help" in outcome.err


def test_an_unexpected_failure_is_one_line_and_a_traceback_on_request(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def broken() -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: broken)
    outcome = run("scan")
    assert outcome.code == 1
    assert outcome.error_lines == [outcome.err.removesuffix("\n")]
    assert "first line second line" in outcome.err
    assert "--debug" in outcome.err
    with pytest.raises(RuntimeError):
        cli.run(["--debug", "scan"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_its_own_code(number: signal.Signals, code: int) -> None:
    with started(SERVE) as process:
        assert process.stdout is not None
        assert "until Ctrl-C" in process.stdout.readline()
        ends(process, number, code)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_visit_under_way(shop_options: list[str], number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "webintel", "scan", "demo-shop.example", *shop_options, "--delay", "5"]
    with started(command) as process:
        assert process.stderr is not None
        assert "connecting" in process.stderr.readline()
        ends(process, number, code)


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a command as a terminal does; what a shell starts in the background is deaf to SIGINT, tests included."""
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, heard)
    with process:
        try:
            yield process
        finally:
            process.kill()


def ends(process: subprocess.Popen[str], number: signal.Signals, code: int) -> None:
    process.send_signal(number)
    assert process.wait(timeout=30) == code
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
