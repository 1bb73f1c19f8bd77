"""Watching the tester itself, so that it does not take its own limits for the server's."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import psutil

from webintel.load.measured import Measured, Strain

BEAT_SECONDS = 0.02
FULL_CPU = 0.9
LATE_SECONDS = 0.02
TIMER_SECONDS = 0.002
"""So late is a timer of an idle machine."""
OWN_SHARE = 0.2
"""Of the median: more, and the numbers say as much of the tester as of the server."""


@contextlib.asynccontextmanager
async def watching(strain: Strain, measured: Measured) -> AsyncIterator[None]:
    """Measure the event loop's lag and the CPU time for as long as the context lasts."""
    started, used = time.monotonic(), time.process_time()
    psutil.cpu_percent(None)
    beat = asyncio.create_task(_beat(strain))
    try:
        yield
    finally:
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat
        strain.cpu_seconds = time.process_time() - used
        strain.cpu = strain.cpu_seconds / max(0.001, time.monotonic() - started)
        measured.machine_cpu = psutil.cpu_percent(None) / 100


async def _beat(strain: Strain) -> None:
    while True:
        due = time.monotonic() + BEAT_SECONDS
        await asyncio.sleep(BEAT_SECONDS)
        strain.lag.add(time.monotonic() - due)


def own_part(measured: Measured) -> float:
    """Estimate the seconds of a request's time that are the tester's own work, and the wait for it.

    A process that works for one request cannot look at the answer of another: with a share u of its processor used,
    pieces of work of one length wait for u / 2 (1 - u) of that length (Pollaczek and Khinchine).
    """
    requests = measured.all().requests
    work = sum(strain.cpu_seconds for strain in measured.strains) / requests if requests else 0.0
    busiest = max((strain.cpu for strain in measured.strains), default=0.0)
    used = min(busiest, FULL_CPU)
    # An answer waits for a processor as long as a timer does, where others of this machine keep it busy.
    wait = max((strain.lag.quantile(0.5) or 0.0 for strain in measured.strains), default=0.0)
    return work * (1 + used / (2 * (1 - used))) + max(0.0, wait - TIMER_SECONDS)


def own_limits(measured: Measured) -> list[str]:
    """Say why the tester, and not the server, may be what the numbers show; nothing where it had room to spare."""
    reasons = []
    busiest = max((strain.cpu for strain in measured.strains), default=0.0)
    if busiest > FULL_CPU:
        reasons.append(f"a process of the tester used {busiest:.0%} of a processor")
    lag = max((strain.lag.quantile(0.99) or 0.0 for strain in measured.strains), default=0.0)
    if lag > LATE_SECONDS:
        reasons.append(f"its event loop was up to {lag * 1000:.0f} ms late (p99)")
    delay = max((strain.send_delay.quantile(0.99) or 0.0 for strain in measured.strains), default=0.0)
    if delay > LATE_SECONDS:
        reasons.append(f"it sent requests up to {delay * 1000:.0f} ms after they were due (p99)")
    if held := sum(strain.held for strain in measured.strains):
        reasons.append(f"{held} requests waited for a free connection: it opens no more than --connections")
    own, median = own_part(measured), measured.all().durations.quantile(0.5)
    if median and own > OWN_SHARE * median:
        reasons.append(f"about {own * 1000:.1f} ms of the median of {median * 1000:.1f} ms is its own work")
    if reasons and measured.machine_cpu > FULL_CPU:
        reasons.append(f"this machine was busy to {measured.machine_cpu:.0%}, whoever used it")
    return reasons
