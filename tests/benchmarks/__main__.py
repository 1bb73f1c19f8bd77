"""`make bench`: ratios from one interleaved run on one machine. `ARGS=--help` lists how to do less."""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop

from tests.benchmarks import clicking, history, pages, queue, seeding
from tests.benchmarks.client import BadAnswerError
from tests.benchmarks.endpoints import GOALS, KINDS, SECRET, Compared, Side, compare, growth, soak
from tests.benchmarks.programs import ANY_ANSWER, cpu, free_port, program, resident, say
from webintel.db.embedded import TEST_OPTIONS, EmbeddedServer
from webintel.db.engine import driver_dsn
from webintel.db.migrate import migrate
from webintel.logs import configure_logging
from webintel.settings import load_settings

HERE = Path(__file__).parent
READY_GOAL = 3.0


async def run(options: argparse.Namespace, url: str) -> tuple[list[str], list[Compared]]:
    """Measure everything that is asked for."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WEBINTEL_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"WEBINTEL_DATABASE_URL": url, "WEBINTEL_SECRET_KEY": SECRET, "WEBINTEL_LOG_LEVEL": "INFO"}
    environment |= {"WEBINTEL_RATE_LIMIT_PER_MINUTE": "30000", "WEBINTEL_ENVIRONMENT": "production"}
    settings = load_settings(
        database_url=url, log_level="ERROR", log_format="json", worker_port=0, worker_poll_seconds=0.1
    )
    configure_logging(settings, role="benchmark")
    await migrate(settings)
    connection, lines, results = await asyncpg.connect(driver_dsn(url)), [], []
    for done, sites in zip([0, *options.sites], options.sites, strict=False):
        say(f"seeding {sites} sites")
        await seeding.seed(connection, done, sites)
        more, compared = await endpoints(options, environment, sites)
        lines += more
        results += compared
        await connection.execute("DELETE FROM sites WHERE domain LIKE 'new-%'")
        await connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
        await connection.execute("VACUUM ANALYZE")
    await connection.close()
    if grown := growth(results):
        lines.append(grown)
    lines += roles(environment)
    if options.clicking:
        lines.append(await clicking.measure(environment, url, options.people, options.clicking))
    longer = max(1, min(9, options.rounds // 3))
    lines.append(await queue.measure(settings, longer, options.jobs))
    lines.append(pages.measure(longer))
    return lines, results


async def endpoints(
    options: argparse.Namespace, environment: dict[str, str], sites: int
) -> tuple[list[str], list[Compared]]:
    """Measure the endpoints at one size."""
    lines, results = [], []
    port, bare_port = free_port(), free_port()
    keys = [str(seeding.identifier(kind, 1)) for kind in KINDS.values()]
    with (
        program(["webintel", "api", "--port", str(port)], environment, port, "/health/ready") as api,
        program(["tests.benchmarks.bare", str(bare_port), *keys], environment, bare_port, ANY_ANSWER) as bare,
    ):
        sides = {"service": Side(port, api), "memory": Side(bare_port, bare), "raw": Side(bare_port, bare)}
        for name in GOALS:
            if name in options.only:
                results.append(await compare(name, sites, sides, options.rounds, options.seconds))
                lines.append(str(results[-1]))
                say(lines[-1])
        if options.requests:
            lines.append(await soak(sides["service"], options.requests, sites))
    return lines, results


def roles(environment: dict[str, str]) -> list[str]:
    """Measure what each role costs before anybody asks anything of it, compiled as it is in the image."""
    lines = []
    for role in ("api", "worker", "web"):
        port = free_port()
        command = ["webintel", role, "--port", str(port)]
        with program(command, environment, port, "/health/ready"):
            pass
        with program(command, environment, port, "/health/ready") as process:
            seconds = cpu(process)
            goal = f"  goal {READY_GOAL} {'met' if seconds < READY_GOAL else 'MISSED'}" if role == "api" else ""
            lines.append(f"{role} ready after {seconds:.2f} s CPU, {resident(process):.0f} MiB{goal}")
        say(lines[-1])
    return lines


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sites", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="rows, ascending")
    parser.add_argument("--only", nargs="*", choices=list(GOALS), default=list(GOALS), help="endpoints")
    # Short and many: a machine that others share changes its speed from one second to the next.
    parser.add_argument("--rounds", type=int, default=40, help="interleaved rounds")
    parser.add_argument("--seconds", type=float, default=0.25, help="of each variant in each round")
    parser.add_argument("--requests", type=int, default=100_000, help="of the memory test; 0 leaves it out")
    parser.add_argument("--people", type=int, default=50, help="who click through the web UI")
    parser.add_argument("--clicking", type=float, default=180.0, help="seconds that they click; 0 leaves it out")
    parser.add_argument("--jobs", type=int, default=500, help="jobs for the queue in each round")
    parser.add_argument("--quick", action="store_true", help="9 short rounds at 10,000 sites, 5,000 requests")
    parser.add_argument("--history", type=Path, default=HERE / "history", help="the folder for the results")
    options = parser.parse_args()
    if options.quick:
        options.sites, options.rounds, options.seconds = [10_000], min(options.rounds, 9), min(options.seconds, 0.25)
        options.requests, options.jobs = min(options.requests, 5_000), min(options.jobs, 200)
        options.clicking = min(options.clicking, 15.0)
    if min(options.sites) < 1000 or max(options.sites) > 2_000_000 or options.sites != sorted(set(options.sites)):
        parser.error("--sites takes ascending numbers from 1,000 to 2,000,000")
    if not 1 <= options.jobs <= min(options.sites) or options.rounds < 1 or not 0 < options.seconds <= 60:
        parser.error("--rounds is at least 1, --seconds at most 60, --jobs from 1 to the fewest sites")
    if not 1 <= options.people <= 150 or not 0 <= options.clicking <= 3600:
        parser.error("--people takes 1 to 150, --clicking at most 3600")
    return options


def main() -> int:
    """Run, print, and keep the results."""
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="webintel-bench-"))
    try:
        with EmbeddedServer(folder, options={**TEST_OPTIONS, "max_wal_size": "1GB"}) as server:
            lines, results = uvloop.run(run(options, server.url))
    except BadAnswerError as error:
        print(f"make bench: a request failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    )
    now = datetime.now(UTC)
    load = os.getloadavg()[2] / (os.cpu_count() or 1)
    head = (
        f"{now:%Y-%m-%d %H:%M} UTC, commit {commit.stdout.strip() or 'unknown'}, {os.cpu_count()} cores "
        f"(load {load:.1f} each), Python {platform.python_version()}, {options.rounds} rounds of {options.seconds} s"
    )
    text = "\n".join([head, *lines])
    history.write(options.history, now, text, results)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
