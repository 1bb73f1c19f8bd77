"""The hot endpoints beside the framework's limit and the database's: the same requests in turns, in one run."""

import itertools
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import msgspec
import psutil

from tests.benchmarks import seeding
from tests.benchmarks.client import drive, once, request
from tests.benchmarks.programs import cpu, resident, say
from webintel.accounts.tokens import AccessTokens

SECRET = "benchmark-0123456789-abcdefghijklmnopqrst"
GOALS = {"list": 0.9, "site": 0.85, "job": 0.85, "blueprint": 0.85, "create": 0.7}
READS = ("list", "site", "job", "blueprint")
GROWTH = 0.1
"""How much slower the list may be at the most sites than at the fewest."""
MEMORY_GOAL = 150
KINDS = {"site": seeding.SITE, "job": seeding.JOB, "blueprint": seeding.BLUEPRINT}
_PATHS = {"site": "sites", "job": "jobs", "blueprint": "blueprints"}
_fresh = itertools.count()


class Ratio(NamedTuple):
    """How the service stands to another in the same rounds, of which half lie between the quartiles."""

    median: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.lower:.2f} {self.upper:.2f}]"


class Compared(msgspec.Struct, frozen=True):
    """One endpoint at one size."""

    sites: int
    name: str
    rate: float
    raw: Ratio
    memory: Ratio
    microseconds: dict[str, float]
    busy: float

    @property
    def met(self) -> bool:
        """Whether it is as good as it is meant to be."""
        return self.raw.median >= GOALS[self.name]

    def __str__(self) -> str:
        limit = "" if self.busy > 0.85 else " (not the service's CPU is the limit)"
        each = ", ".join(f"{name} {value:.0f}" for name, value in self.microseconds.items())
        return (
            f"{self.sites:>8} {self.name:<10} {self.rate:>6.0f}/s  raw {self.raw} goal {GOALS[self.name]} "
            f"{'met' if self.met else 'MISSED':<6}  memory {self.memory}  CPU us: {each}  busy {self.busy:.2f}{limit}"
        )


class Side(NamedTuple):
    """A server that answers."""

    port: int
    process: psutil.Process


async def compare(name: str, sites: int, sides: dict[str, Side], rounds: int, seconds: float) -> Compared:
    """Measure one endpoint: each side for a while, in another order each round."""
    bearer = tokens()
    streams = {side: _requests(side, name, sites, bearer) for side in sides}
    answer, other = [await once(sides[side].port, next(streams[side])) for side in ("service", "raw")]
    if name != "create" and answer != other:
        raise SystemExit(f"make bench: {name}: the raw handler answers other bytes:\n{answer[:400]!r}\n{other[:400]!r}")
    await once(sides["memory"].port, request("POST", f"/memory/{name}", body=answer))
    for side, (port, _) in sides.items():
        await drive(port, streams[side], min(0.3, seconds))
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    costs: dict[str, list[float]] = {side: [] for side in sides}
    busy = []
    for number in range(rounds):
        order = list(sides)
        for side in order[number % 3 :] + order[: number % 3]:
            port, process = sides[side]
            before, began = cpu(process), time.perf_counter()
            speed = await drive(port, streams[side], seconds)
            took, used = time.perf_counter() - began, cpu(process) - before
            speeds[side].append(speed)
            costs[side].append(used / max(speed * took, 1) * 1e6)
            if side == "service":
                busy.append(used / took)
        say(f"  {sites} sites, {name}: round {number + 1} of {rounds}")
    return Compared(
        sites=sites,
        name=name,
        rate=statistics.median(speeds["service"]),
        raw=_ratio(speeds["service"], speeds["raw"]),
        memory=_ratio(speeds["service"], speeds["memory"]),
        microseconds={side: statistics.median(cost) for side, cost in costs.items()},
        busy=statistics.median(busy),
    )


def growth(results: list[Compared]) -> str | None:
    """Say how the list at the most sites stands to that at the fewest, each measured by the framework's limit."""
    lists = [result for result in results if result.name == "list"]
    if len(lists) < 2:
        return None
    ratio = lists[-1].memory.median / lists[0].memory.median
    verdict = "met" if ratio >= 1 - GROWTH else "MISSED"
    return f"list at {lists[-1].sites} sites : at {lists[0].sites} = {ratio:.2f} goal {1 - GROWTH:.1f} {verdict}"


async def soak(side: Side, total: int, sites: int) -> str:
    """Measure the resident memory while requests of every reading kind pass."""
    bearer, sizes = tokens(), [resident(side.process)]
    streams = [_requests("service", name, sites, bearer) for name in READS]
    for part in range(10):
        some = itertools.islice(itertools.chain.from_iterable(zip(*streams, strict=False)), total // 10)
        await drive(side.port, some, 1800)
        sizes.append(resident(side.process))
        say(f"  memory: {(part + 1) * total // 10} requests, {sizes[-1]:.0f} MiB")
    verdict = "met" if max(sizes) < MEMORY_GOAL else "MISSED"
    shown = " ".join(f"{size:.0f}" for size in sizes)
    return f"api memory over {total} requests, MiB: {shown}  goal {MEMORY_GOAL} {verdict}"


def tokens() -> list[str]:
    """Access tokens of the seeded people."""
    issuer = AccessTokens(SECRET, lifetime=timedelta(hours=12))
    return [issuer.issue(seeding.identifier(seeding.USER, n), 1) for n in range(1, seeding.CALLERS + 1)]


def _ratio(ours: list[float], theirs: list[float]) -> Ratio:
    every = sorted(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Ratio(statistics.median(every), every[len(every) // 4], every[-1 - len(every) // 4])


def _requests(side: str, name: str, sites: int, bearer: list[str]) -> Iterator[bytes]:
    """Endless requests; every side gets the same keys in the same order."""
    blueprints = min(sites, seeding.BLUEPRINTS)
    for number in itertools.count():
        token = bearer[number % len(bearer)] if side == "service" else ""
        if name == "create":
            domain = f"new-{next(_fresh):010d}.example.com"
            path = {"service": "/api/v1/sites", "raw": "/raw/create", "memory": "/memory/create/answer"}[side]
            yield request("POST", path, token, b'{"domain":"%s"}' % domain.encode())
            continue
        if name == "list":
            service, raw = "/api/v1/sites", "/raw/list"
        else:
            row = 1 + number * 7919 % (blueprints if name == "blueprint" else sites)
            key = seeding.identifier(KINDS[name], row)
            service, raw = f"/api/v1/{_PATHS[name]}/{key}", f"/raw/{name}/{key}"
        yield request("GET", {"service": service, "raw": raw, "memory": f"/memory/{name}"}[side], token)
