"""`make bench`: ratios from one interleaved run on one machine. `ARGS=--help` lists how to do less."""

import argparse
import asyncio
import itertools
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import psutil
import uvloop

from tests.benchmarks import seeding
from tests.benchmarks.client import BadAnswerError, drive, once, request
from webintel.accounts.tokens import AccessTokens
from webintel.db.embedded import TEST_OPTIONS, EmbeddedServer
from webintel.db.engine import driver_dsn
from webintel.db.migrate import migrate
from webintel.settings import load_settings

HERE = Path(__file__).parent
ENDPOINTS = ("list", "site", "job", "blueprint")  # create: its raw handler does not replay the statements yet
GOALS = {"list": 0.9, "site": 0.85, "job": 0.85, "blueprint": 0.85, "create": 0.7}
SECRET = "benchmark-0123456789-abcdefghijklmnopqrst"
PATHS = {"site": "sites", "job": "jobs", "blueprint": "blueprints"}
KINDS = {"site": seeding.SITE, "job": seeding.JOB, "blueprint": seeding.BLUEPRINT}
_fresh = itertools.count()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def program(command: list[str], environment: dict[str, str], port: int, path: str) -> Iterator[psutil.Process]:
    """Run a program until the block ends; it is ready when the path answers 200."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            deadline = time.monotonic() + 60
            while not ready(port, path):
                if child.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise SystemExit(f"make bench: {command[0]} does not start:\n{said.read()[-2000:].decode()}")
                time.sleep(0.02)
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def ready(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return b" 200 " in connection.recv(64) or path == "/memory/none"
    except OSError:
        return False


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def tokens() -> list[str]:
    issuer = AccessTokens(SECRET, lifetime=timedelta(hours=12))
    return [issuer.issue(seeding.identifier(seeding.USER, n), 1) for n in range(1, seeding.CALLERS + 1)]


def requests(variant: str, name: str, sites: int, bearer: list[str]) -> Iterator[bytes]:
    """Endless requests; both sides get the same keys in the same order."""
    blueprints = min(sites, seeding.BLUEPRINTS)
    for number in itertools.count():
        token = bearer[number % len(bearer)] if variant == "service" else ""
        if name == "create":
            domain = f"new-{next(_fresh):010d}.example.com"
            path = {"service": "/api/v1/sites", "raw": "/raw/create", "memory": "/memory/create/answer"}[variant]
            yield request("POST", path, token, b'{"domain":"%s"}' % domain.encode())
            continue
        key = "" if name == "list" else seeding.identifier(
            KINDS[name], 1 + number * 7919 % (blueprints if name == "blueprint" else sites)
        )  # fmt: skip
        service = "/api/v1/sites" if name == "list" else f"/api/v1/{PATHS[name]}/{key}"
        raw = "/raw/list" if name == "list" else f"/raw/{name}/{key}"
        yield request("GET", {"service": service, "raw": raw, "memory": f"/memory/{name}"}[variant], token)


async def compare(
    name: str, sites: int, ports: dict[str, int], options: argparse.Namespace, api: psutil.Process
) -> str:
    bearer = tokens()
    streams = {variant: requests(variant, name, sites, bearer) for variant in ports}
    answer, other = [await once(ports[v], next(requests(v, name, sites, bearer))) for v in ("service", "raw")]
    if name != "create" and answer != other:
        raise SystemExit(f"make bench: {name}: the raw handler answers other bytes:\n{answer[:400]!r}\n{other[:400]!r}")
    await once(ports["memory"], request("POST", f"/memory/{name}", body=answer))
    for variant, port in ports.items():
        await drive(port, streams[variant], 0.3)
    speeds: dict[str, list[float]] = {variant: [] for variant in ports}
    busy = []
    for number in range(options.rounds):
        order = list(ports)
        for variant in order[number % 3 :] + order[: number % 3]:
            before, began = cpu(api), time.perf_counter()
            speeds[variant].append(await drive(ports[variant], streams[variant], options.seconds))
            if variant == "service":
                busy.append((cpu(api) - before) / (time.perf_counter() - began))
        say(f"  {sites} sites, {name}: round {number + 1} of {options.rounds}")

    def ratio(against: str) -> tuple[float, float, float]:
        every = sorted(ours / its for ours, its in zip(speeds["service"], speeds[against], strict=True))
        return statistics.median(every), every[0], every[-1]

    a, b = ratio("memory"), ratio("raw")
    met = "met" if b[0] >= GOALS[name] else "MISSED"
    limit = "" if statistics.median(busy) > 0.85 else " (not the service's CPU is the limit)"
    return (
        f"{sites:>8} {name:<10} {statistics.median(speeds['service']):>7.0f}/s  "
        f"raw {b[0]:.2f} [{b[1]:.2f} {b[2]:.2f}] goal {GOALS[name]} {met:<6}  "
        f"memory {a[0]:.2f} [{a[1]:.2f} {a[2]:.2f}]  busy {statistics.median(busy):.2f}{limit}"
    )


async def soak(port: int, api: psutil.Process, total: int, sites: int) -> Iterator[str]:
    """Resident memory while requests of every reading kind pass."""
    bearer, sizes = tokens(), [api.memory_info().rss / 2**20]
    streams = [requests("service", name, sites, bearer) for name in ENDPOINTS[:4]]
    for part in range(10):
        some = itertools.islice(itertools.chain.from_iterable(zip(*streams, strict=False)), total // 10)
        await drive(port, some, 600, connections=16)
        sizes.append(api.memory_info().rss / 2**20)
        say(f"  memory: {(part + 1) * total // 10} requests, {sizes[-1]:.0f} MiB")
    return iter([f"api memory over {total} requests, MiB: " + " ".join(f"{size:.0f}" for size in sizes)])


async def run(options: argparse.Namespace, url: str) -> list[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WEBINTEL_")}
    environment |= {"WEBINTEL_DATABASE_URL": url, "WEBINTEL_SECRET_KEY": SECRET, "WEBINTEL_LOG_LEVEL": "INFO"}
    environment |= {"WEBINTEL_RATE_LIMIT_PER_MINUTE": "30000", "WEBINTEL_ENVIRONMENT": "production"}
    await migrate(load_settings(database_url=url))
    connection, lines, done = await asyncpg.connect(driver_dsn(url)), [], 0
    for sites in options.sites:
        say(f"seeding {sites} sites")
        await seeding.seed(connection, done, sites)
        done = sites
        api_port, bare_port = free_port(), free_port()
        keys = [str(seeding.identifier(KINDS[name], 1)) for name in KINDS]
        api_command = ["webintel", "api", "--port", str(api_port)]
        bare_command = ["tests.benchmarks.bare", str(bare_port), *keys]
        with program(api_command, environment, api_port, "/health/ready") as api:
            lines.append(f"{sites:>8} api ready after {cpu(api):.2f} s CPU, {api.memory_info().rss / 2**20:.0f} MiB")
            with program(bare_command, environment, bare_port, "/memory/none"):
                ports = {"service": api_port, "memory": bare_port, "raw": bare_port}
                for name in ENDPOINTS:
                    if name in options.only:
                        lines.append(await compare(name, sites, ports, options, api))
                        say(lines[-1])
            if options.requests:
                lines += await soak(api_port, api, options.requests, sites)
        await connection.execute("DELETE FROM sites WHERE domain LIKE 'new-%'")
        await connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
    await connection.close()
    return lines + roles(environment)


def roles(environment: dict[str, str]) -> list[str]:
    """What each role costs before anybody asks anything of it."""
    lines = []
    for role in ("worker", "web"):
        port = free_port()
        with program(["webintel", role, "--port", str(port)], environment, port, "/health/ready") as process:
            lines.append(f"{role} ready after {cpu(process):.2f} s CPU, {process.memory_info().rss / 2**20:.0f} MiB")
    return lines


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sites", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="rows, ascending")
    parser.add_argument("--only", nargs="+", choices=ENDPOINTS, default=list(ENDPOINTS), help="endpoints")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each variant in each round")
    parser.add_argument(
        "--requests", type=int, default=100_000, help="of the memory test at each size; 0 leaves it out"
    )
    parser.add_argument("--quick", action="store_true", help="3 short rounds at 10,000 sites, 5,000 requests")
    options = parser.parse_args()
    if options.quick:
        options.sites, options.rounds, options.seconds, options.requests = [10_000], 3, 0.5, 5_000
    if min(options.sites) < 1000 or max(options.sites) > 2_000_000 or options.sites != sorted(options.sites):
        parser.error("--sites takes ascending numbers from 1,000 to 2,000,000")
    return options


def main() -> int:
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="webintel-bench-"))
    uvloop.install()
    try:
        with EmbeddedServer(folder, options={**TEST_OPTIONS, "max_wal_size": "1GB"}) as server:
            lines = asyncio.run(run(options, server.url))
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
    head = f"{now:%Y-%m-%d %H:%M} UTC, commit {commit.stdout.strip() or 'unknown'}, {os.cpu_count()} cores, "
    text = "\n".join(
        [f"{head}Python {platform.python_version()}, {options.rounds} rounds of {options.seconds} s", *lines]
    )
    (HERE / "history").mkdir(exist_ok=True)
    (HERE / "history" / f"{now:%Y%m%d-%H%M%S}.txt").write_text(text + "\n")
    print(text)
    return 0


sys.exit(main())
