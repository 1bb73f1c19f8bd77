"""What was measured, for people and for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from webintel.load.measured import Measured, Tally
from webintel.load.plan import Plan
from webintel.load.strain import FULL_CPU, own_limits, own_part

QUANTILES: tuple[tuple[str, float], ...] = (
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
)
HINTS = {
    "HTTP 401": "an access token lives for minutes: an API key lasts longer",
    "HTTP 403": "the credential's role does not allow it",
    "HTTP 429": "the API's limit for each caller (WEBINTEL_RATE_LIMIT_PER_MINUTE): raise it for the test, or give "
    "several credentials, one a line",
    "HTTP 503": "the API says that it is not able to, for the moment",
    "timeout": "no whole answer within --timeout",
}
_MUCH_CPU = 0.5
"""Of a processor: with less, another process would wait for the server just as this one does."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A test that has ended, one way or another.

    Attributes:
        broken: what is wrong by the thresholds.
        interrupted: the signal that ended it early.
        removed: sites that were taken away again.
        left_over: why some were not.
    """

    plan: Plan
    url: str
    run: str
    measured: Measured
    broken: Sequence[str] = ()
    interrupted: str | None = None
    removed: int = 0
    left_over: str | None = None


def lines(outcome: Outcome) -> Iterable[str]:
    """Sum a test up for people."""
    measured, plan = outcome.measured, outcome.plan
    total = measured.all()
    who = f"{plan.peak:g} clients" if plan.model == "closed" else f"{plan.peak:g} arrivals a second"
    yield f"{plan.name} ({plan.model} model, at most {who}) against {outcome.url}"
    if outcome.interrupted:
        yield f"ended early by {outcome.interrupted}: this is what was measured until then"
    yield f"  requests    {total.requests} in {measured.seconds:.1f} s"
    yield f"  throughput  {measured.throughput:.1f} a second that ended well"
    yield f"  success     {1 - total.error_rate:.2%}" if total.requests else "  success     none was sent"
    yield ""
    yield from _table(measured, total)
    yield ""
    yield from _errors(total)
    yield from _own(measured)
    yield from _sites(outcome)
    for sentence in outcome.broken:
        yield f"FAILED {sentence}"


def _table(measured: Measured, total: Tally) -> Iterable[str]:
    names = [*sorted(measured.endpoints), "all"]
    width = max(len(name) for name in names)
    heads = ("requests", "failed", *(name for name, _ in QUANTILES), "max")
    yield f"  {'':{width}}" + "".join(f"{head:>10}" for head in heads)
    for name in names:
        tally = total if name == "all" else measured.endpoints[name]
        times = [tally.durations.quantile(share) for _, share in QUANTILES] + [tally.durations.longest]
        numbers = f"{tally.requests:>10}{tally.failed:>10}"
        yield f"  {name:{width}}{numbers}" + "".join(f"{show_time(time):>10}" for time in times)


def _errors(total: Tally) -> Iterable[str]:
    for kind, number in sorted(total.errors.items(), key=lambda item: -item[1]):
        hint = f" ({HINTS[kind]})" if kind in HINTS else ""
        yield f"  {number} x {kind}{hint}"


def _own(measured: Measured) -> Iterable[str]:
    cpu = max((strain.cpu for strain in measured.strains), default=0.0)
    if reasons := own_limits(measured):
        yield "  The tester shows in these numbers, so the server may be faster than this: " + "; ".join(reasons) + "."
        if cpu > _MUCH_CPU:
            yield "  Try more --processes, on a machine of their own."
    else:
        own = show_time(own_part(measured))
        yield f"  The tester had room to spare: at most {cpu:.0%} of a processor a process, about {own} of each time."
        if measured.machine_cpu > FULL_CPU:
            yield f"  This machine was busy to {measured.machine_cpu:.0%}: each time holds waits for a processor, too."


def _sites(outcome: Outcome) -> Iterable[str]:
    if outcome.measured.created:
        yield f"  {outcome.measured.created} sites made, and {outcome.removed} that were left at the end removed"
    if outcome.left_over:
        yield f"  Sites of this test are left ({outcome.left_over}): `webintel load --clean-up --target {outcome.url}`."


def show_time(seconds: float | None) -> str:
    """Write a duration so that it is short to read."""
    if seconds is None:
        return "-"
    if seconds < 0.1:
        return f"{seconds * 1000:.2f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def as_json(outcome: Outcome) -> bytes:
    """Write it for programs; times are seconds."""
    measured = outcome.measured
    content: dict[str, Any] = {
        "scenario": outcome.plan.name,
        "model": outcome.plan.model,
        "target": outcome.url,
        "run": outcome.run,
        "interrupted": outcome.interrupted,
        "seconds": round(measured.seconds, 3),
        "throughput": round(measured.throughput, 3),
        **_tally(measured.all()),
        "endpoints": {name: _tally(tally) for name, tally in sorted(measured.endpoints.items())},
        "timeline": [
            {
                "second": at,
                "requests": slot.durations.count,
                "failed": slot.failed,
                "p50": slot.durations.quantile(0.5),
                "p95": slot.durations.quantile(0.95),
                "max": slot.durations.longest,
            }
            for at, slot in measured.timeline.points()
        ],
        "tester": {
            "at_its_limit": own_limits(measured),
            "own_part_of_each_time": own_part(measured),
            "machine_cpu": measured.machine_cpu,
            "processes": [
                {
                    "cpu": round(strain.cpu, 3),
                    "lag_p99": strain.lag.quantile(0.99),
                    "send_delay_p99": strain.send_delay.quantile(0.99),
                    "held": strain.held,
                    "most_in_flight": strain.most_in_flight,
                }
                for strain in measured.strains
            ],
        },
        "thresholds_broken": list(outcome.broken),
        "sites": {"created": measured.created, "removed": outcome.removed, "left_over": outcome.left_over},
    }
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "requests": tally.requests,
        "failed": tally.failed,
        "success_rate": 1 - tally.error_rate if tally.requests else None,
        "latency": {name: tally.durations.quantile(share) for name, share in QUANTILES}
        | {"max": tally.durations.longest, "mean": tally.durations.mean},
        "errors": tally.errors,
    }
