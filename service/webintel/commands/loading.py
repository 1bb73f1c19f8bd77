"""Running a load test from the command line."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import click
import msgspec
import uvloop

from webintel.commands.files import require_place, write_whole
from webintel.load.actions import check_action
from webintel.load.cleaning import Cleaned, check, clean
from webintel.load.credentials import Credentials, find_credentials
from webintel.load.errors import LoadError
from webintel.load.measured import Measured
from webintel.load.plan import Plan, Stage
from webintel.load.planfile import check_plan, read_plan
from webintel.load.processes import Test, run_test
from webintel.load.report import html
from webintel.load.scenarios import SCENARIOS
from webintel.load.summary import Outcome, as_json, lines, show_time
from webintel.load.targets import Target, read_target
from webintel.load.thresholds import Threshold, read_threshold

EXIT_NOTHING_WORKED = 1
EXIT_THRESHOLD = 3
EXIT_LEFT_OVER = 4
CLEANING_AFTER_SIGNAL = 15.0
"""Seconds: less than what whoever sent the signal waits before it kills."""
SECONDS_OF_PATHS = 10.0


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """What the command was called with, under click's names."""

    scenario: str | None
    list_scenarios: bool
    target: str
    owned: tuple[str, ...]
    ca_file: str | None
    plan_file: Path | None
    paths: tuple[str, ...]
    users: int | None
    rate: float | None
    seconds: float | None
    requests: int | None
    think: str | None
    ramp: float | None
    timeout: float | None
    connections: int | None
    processes: int
    api_key_file: Path | None
    token_file: Path | None
    conditions: tuple[str, ...]
    report: Path | None
    json_file: Path | None
    keep: bool
    clean_up: bool
    clean_up_timeout: float


def load(arguments: Arguments) -> int:
    """Run it; give the exit code."""
    if arguments.list_scenarios:
        for name, (what, _) in SCENARIOS.items():
            click.echo(f"{name:12} {what}")
        return 0
    try:
        target = read_target(arguments.target, arguments.owned, arguments.ca_file)
        credentials = find_credentials(arguments.api_key_file, arguments.token_file)
        if arguments.clean_up:
            return _clean_up(target, credentials, arguments.clean_up_timeout)
        thresholds = [read_threshold(text) for text in arguments.conditions]
        test = Test(plan=choose_plan(arguments), target=target, credentials=credentials, processes=arguments.processes)
        for file in (arguments.report, arguments.json_file):
            if file is not None:
                require_place(file)
        return uvloop.run(_Session(test, arguments, thresholds).run())
    except LoadError as error:
        raise click.ClickException(str(error)) from error


def _clean_up(target: Target, credentials: Credentials, seconds: float) -> int:
    cleaned = uvloop.run(clean(target, credentials, "", seconds))
    click.echo(f"{cleaned.removed} sites of load tests removed.")
    if cleaned.problem:
        raise LoadError(f"Some are left: {cleaned.problem}. Try again.")
    return 0


def choose_plan(arguments: Arguments) -> Plan:
    """Make the plan from the arguments.

    Raises:
        LoadError: they do not say what to do, or contradict each other.
    """
    if arguments.users is not None and arguments.rate is not None:
        raise LoadError("--users and --rate exclude each other: clients that wait, or arrivals that do not.")
    plan = _sized(_base(arguments), arguments)
    changes = {
        "timeout": arguments.timeout,
        "ramp": arguments.ramp,
        "most_requests": arguments.requests,
        "most_in_flight": arguments.connections,
        "think": _think(arguments.think),
    }
    plan = msgspec.structs.replace(plan, **{name: value for name, value in changes.items() if value is not None})
    check_plan(plan)
    if round(plan.peak) < arguments.processes and plan.model == "closed":
        raise LoadError(f"{plan.peak:g} clients do not fill {arguments.processes} --processes.")
    return plan


def _base(arguments: Arguments) -> Plan:
    given = [bool(arguments.scenario), bool(arguments.plan_file), bool(arguments.paths)]
    if sum(given) != 1:
        raise LoadError("Name one scenario (`webintel load --list` names them), one --plan file, or paths to --get.")
    if arguments.plan_file:
        return read_plan(arguments.plan_file)
    if arguments.paths:
        mix = {f"GET {path}": 1 for path in arguments.paths}
        for name in mix:
            check_action(name)
        return Plan(name="get", model="closed", stages=(Stage(SECONDS_OF_PATHS, 1),), mix=mix)
    if arguments.scenario not in SCENARIOS:
        raise LoadError(f"There is no scenario {arguments.scenario}: take {', '.join(SCENARIOS)}.")
    return SCENARIOS[arguments.scenario][1]


def _sized(plan: Plan, arguments: Arguments) -> Plan:
    """Give the plan the size, and the model, that the arguments ask for."""
    level = arguments.rate if arguments.rate is not None else arguments.users
    model = "open" if arguments.rate is not None else "closed"
    if level is not None and model != plan.model:
        if model == "open":
            plan = msgspec.structs.replace(plan, opening=(), requests=None, think=(0.0, 0.0))
        plan = msgspec.structs.replace(plan, model=model)
    return plan.scaled(peak=level, seconds=arguments.seconds)


def _think(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        shortest, longest = (float(part) for part in text.split(","))
    except ValueError:
        raise LoadError(f"--think {text}: give two numbers of seconds, for example 1,3.") from None
    if not 0 <= shortest <= longest <= 3600:
        raise LoadError(f"--think {text}: give the shortest first, and no more than an hour.")
    return shortest, longest


class _Session:
    """One test from its first check to its report."""

    def __init__(self, test: Test, arguments: Arguments, thresholds: list[Threshold]) -> None:
        self._test = test
        self._arguments = arguments
        self._thresholds = thresholds
        self._signal: signal.Signals | None = None
        self._stopped = asyncio.Event()
        self._cleaning: asyncio.Task[Cleaned] | None = None

    async def run(self) -> int:
        """Run it; give the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        test, keep = self._test, self._arguments.keep
        await check(test.target, test.credentials, test.plan, keep=keep)
        progress = _Progress(test.plan)
        try:
            measured = await run_test(test, self._stopped, progress)
        finally:
            progress.end()
            cleaned = Cleaned() if keep or "create" not in self._makes else await self._clean()
        outcome = Outcome(
            plan=test.plan,
            url=test.target.url,
            run=test.run,
            measured=measured,
            broken=[sentence for threshold in self._thresholds if (sentence := threshold.broken(measured))],
            interrupted=self._signal.name if self._signal else None,
            removed=cleaned.removed,
            left_over=cleaned.problem,
        )
        return self._hand_over(outcome)

    @property
    def _makes(self) -> set[str]:
        # What changes or deletes a site makes one first.
        return {"create"} if self._test.plan.actions & {"create", "change", "delete"} else set()

    def _stop(self, number: signal.Signals) -> None:
        if self._signal is not None and self._cleaning is not None:
            self._cleaning.cancel()
        self._signal = self._signal or number
        self._stopped.set()

    async def _clean(self) -> Cleaned:
        seconds = self._arguments.clean_up_timeout
        if self._signal is not None:
            seconds = min(seconds, CLEANING_AFTER_SIGNAL)
        self._cleaning = asyncio.create_task(clean(self._test.target, self._test.credentials, self._test.run, seconds))
        if sys.stderr.isatty():
            click.echo("removing the sites of this test", err=True)
        try:
            return await self._cleaning
        except asyncio.CancelledError:
            return Cleaned(problem="stopped by a second signal")

    def _hand_over(self, outcome: Outcome) -> int:
        for line in lines(outcome):
            click.echo(line)
        if self._arguments.report is not None:
            write_whole(self._arguments.report, html(outcome).encode())
        if self._arguments.json_file is not None:
            write_whole(self._arguments.json_file, as_json(outcome))
        if self._signal is not None:
            return 128 + self._signal
        if not outcome.measured.all().answered:
            click.echo("webintel: No request succeeded. Is the API up, and is this its address?", err=True)
            return EXIT_NOTHING_WORKED
        if outcome.broken:
            return EXIT_THRESHOLD
        return EXIT_LEFT_OVER if outcome.left_over else 0


class _Progress:
    """One line on a terminal, nothing elsewhere."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._shown = sys.stderr.isatty()
        self._started = time.monotonic()
        self._last = (0.0, 0)

    def __call__(self, measured: Measured, in_flight: int) -> None:
        if not self._shown:
            return
        now, total = time.monotonic() - self._started, measured.all()
        then, before = self._last
        if now - then < 0.2:
            return
        self._last = (now, total.requests)
        rate = max(0, total.requests - before) / (now - then)
        p50, p95 = (show_time(total.durations.quantile(share)) for share in (0.5, 0.95))
        text = (
            f"{now:.0f} of {self._plan.seconds:.0f} s  {total.requests} requests  {rate:.0f}/s  "
            f"failed {total.failed}  p50 {p50}  p95 {p95}  {in_flight} in flight"
        )
        click.echo(f"\r\x1b[2K{text}", err=True, nl=False)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            click.echo("\r\x1b[2K", err=True, nl=False)
