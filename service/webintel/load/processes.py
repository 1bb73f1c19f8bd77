"""One process or several: the same order, divided, and what they measured, merged."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable

import msgspec
import uvloop

from webintel.load.credentials import Credentials
from webintel.load.errors import LoadError
from webintel.load.measured import Measured
from webintel.load.plan import Plan
from webintel.load.running import MOMENT, Order, Runner
from webintel.load.targets import Target

REPORT_SECONDS = 0.5
START_SECONDS = 0.05
START_SECONDS_OF_MANY = 2.0
"""Until all processes are up."""
LETTING_GO_SECONDS = MOMENT + 5.0
MOST_LINE = 64 * 1024 * 1024


class Glimpse(msgspec.Struct):
    """How far it has come.

    Attributes:
        in_flight: requests on their way.
        last: whether this is what the process ends with.
    """

    measured: Measured
    in_flight: int = 0
    last: bool = False


Watch = Callable[[Measured, int], None]
_decode = msgspec.json.Decoder(Glimpse).decode


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """A load test as it was asked for."""

    plan: Plan
    target: Target
    credentials: Credentials
    processes: int = 1
    run: str = msgspec.field(default_factory=lambda: f"r{secrets.token_hex(4)}")

    def order(self, number: int, start: float) -> Order:
        """Give what one of the processes does."""
        return Order(
            plan=self.plan.share(number, self.processes),
            target=self.target,
            credentials=self.credentials,
            run=self.run,
            number=number,
            seed=secrets.randbits(32),
            start=start,
        )


async def run_test(test: Test, stopped: asyncio.Event, watch: Watch) -> Measured:
    """Run it to its end, or until it is stopped; `watch` sees from time to time how far it has come."""
    if test.processes == 1:
        return await _alone(test, stopped, watch)
    return await _Crew(test, watch).run(stopped)


async def _alone(test: Test, stopped: asyncio.Event, watch: Watch) -> Measured:
    runner = Runner(test.order(0, time.monotonic() + START_SECONDS))
    running = asyncio.create_task(runner.run())
    stopping = asyncio.create_task(stopped.wait())
    try:
        while not running.done():
            await asyncio.wait(
                {running} if stopped.is_set() else {running, stopping},
                timeout=REPORT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if stopped.is_set():
                runner.stop()
            watch(runner.measured, runner.in_flight)
        return running.result()
    finally:
        stopping.cancel()
        running.cancel()


class _Crew:
    """Several processes."""

    def __init__(self, test: Test, watch: Watch) -> None:
        self._test = test
        self._watch = watch
        self._latest: dict[int, Glimpse] = {}
        self._processes: list[asyncio.subprocess.Process] = []

    async def run(self, stopped: asyncio.Event) -> Measured:
        start = time.monotonic() + START_SECONDS_OF_MANY
        try:
            for number in range(self._test.processes):
                self._processes.append(await self._begin(number, start))
            await self._follow_all(stopped)
        finally:
            await self._end()
        if lost := [number for number in range(len(self._processes)) if not self._is_through(number)]:
            raise LoadError(
                f"{len(lost)} of {len(self._processes)} processes of the tester died, and their numbers with them: "
                "try fewer --processes, or less load."
            )
        return self._sum()

    async def _begin(self, number: int, start: float) -> asyncio.subprocess.Process:
        # A session of its own: Ctrl-C reaches this process alone, which tells the others.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "webintel.load.process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MOST_LINE,
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101 - for mypy
        # Through a pipe, for nobody else to see: the order holds the credentials.
        process.stdin.write(msgspec.json.encode(self._test.order(number, start)) + b"\n")
        return process

    async def _follow_all(self, stopped: asyncio.Event) -> None:
        following = [asyncio.create_task(self._follow(at, process)) for at, process in enumerate(self._processes)]
        stopping = asyncio.create_task(stopped.wait())
        pending: set[asyncio.Task[object]] = {*following, stopping}
        try:
            while not all(task.done() for task in following):
                done, pending = await asyncio.wait(pending, timeout=REPORT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if stopping in done:
                    self._tell_to_stop()
                self._watch(self._sum(), sum(glimpse.in_flight for glimpse in self._latest.values()))
        finally:
            stopping.cancel()
            for task in following:
                task.cancel()

    async def _follow(self, number: int, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - for mypy
        async for line in process.stdout:
            self._latest[number] = _decode(line)

    def _is_through(self, number: int) -> bool:
        return number in self._latest and self._latest[number].last

    def _tell_to_stop(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)

    async def _end(self) -> None:
        for process in self._processes:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LETTING_GO_SECONDS):
                    await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()

    def _sum(self) -> Measured:
        total = Measured()
        for glimpse in self._latest.values():
            total.merge(glimpse.measured)
        return total


def work() -> None:
    """Be one of several processes: the order comes from standard input, and what is measured goes out."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    uvloop.run(_work(order))


async def _work(order: Order) -> None:
    runner = Runner(order)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, runner.stop)
    # Nobody is left to report to when this pipe ends.
    loop.add_reader(sys.stdin.fileno(), lambda: _stop_at_end(loop, runner))
    running = asyncio.create_task(runner.run())
    while not running.done():
        await asyncio.wait({running}, timeout=REPORT_SECONDS * 2)
        _report(Glimpse(runner.snapshot(), runner.in_flight))
    _report(Glimpse(running.result(), last=True))


def _stop_at_end(loop: asyncio.AbstractEventLoop, runner: Runner) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        runner.stop()


def _report(glimpse: Glimpse) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.json.encode(glimpse) + b"\n")
        sys.stdout.buffer.flush()
