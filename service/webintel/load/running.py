"""Running a plan in one process."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from webintel.load.actions import Memory
from webintel.load.credentials import Credentials
from webintel.load.lanes import Answer, Lane, tls_context
from webintel.load.measured import Measured, Strain
from webintel.load.plan import Plan
from webintel.load.strain import watching
from webintel.load.targets import Target

WAITING = 20
"""Arrivals that may wait for a connection, for each connection; more are not sent, and counted as failures."""
PAUSE_AFTER_FAILURE = 0.05
"""Seconds: a client that is refused at once does not turn into a flood."""
MOMENT = 1.0
"""Seconds that requests still have after a signal."""
_TICK = 0.2


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What one process is to do.

    Attributes:
        run: what the names of its sites begin with.
        number: of the process.
        seed: of its dice.
        start: when, on this machine's monotonic clock.
    """

    plan: Plan
    target: Target
    credentials: Credentials
    run: str
    number: int
    seed: int
    start: float


class Runner:
    """Sends what the plan says until its end, or until somebody stops it."""

    def __init__(self, order: Order) -> None:
        self.measured = Measured()
        self.in_flight = 0
        self._order = order
        self._plan = order.plan
        self._start = order.start
        self._context = tls_context(order.target)
        self._memory = Memory(order.run, order.number, order.seed)
        self._random = random.Random(order.seed)  # noqa: S311 - a choice of what to load
        self._names = [name for name, share in self._plan.mix.items() if share]
        self._shares = [self._plan.mix[name] for name in self._names]
        self._left = self._plan.most_requests
        self._ended = asyncio.Event()
        self._stopped = False
        self._strain = Strain()
        self._lanes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End it soon: what is on its way is still given a moment."""
        self._stopped = True
        self._ended.set()

    async def run(self) -> Measured:
        """Run it to the end."""
        await self._pause(self._start - time.monotonic())
        async with watching(self._strain, self.measured):
            try:
                await (self._closed() if self._plan.model == "closed" else self._open())
            finally:
                await self._cancel()
        self.snapshot()
        return self.measured

    def snapshot(self) -> Measured:
        """Give what was measured so far."""
        self.measured.strains = [self._strain]
        self.measured.created = self._memory.created
        return self.measured

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def _over(self) -> bool:
        return self._ended.is_set() or self._left <= 0 or self.now >= self._plan.seconds

    # Clients that wait for their answers

    async def _closed(self) -> None:
        clients: dict[int, asyncio.Task[None]] = {}
        known = -1
        while not self._over:
            level = round(self._plan.level_at(self.now))
            beginners = [number for number in range(level) if number not in clients] if level != known else []
            for place, number in enumerate(beginners):
                delay = self._plan.ramp * place / len(beginners)
                clients[number] = self._spawn(self._client(number, delay))
            known = level
            if self._plan.requests is None:
                clients = {number: task for number, task in clients.items() if not task.done()}
            elif all(task.done() for task in clients.values()):
                return
            await self._pause(_TICK / 4)
        await self._let_finish()

    async def _client(self, number: int, delay: float) -> None:
        await self._pause(delay)
        lane = self._lane(number)
        try:
            for name in self._plan.opening:
                if not self._goes_on(number):
                    return
                await self._ask(lane, name)
            done = 0
            while self._goes_on(number) and (self._plan.requests is None or done < self._plan.requests):
                await self._ask(lane, self._choose(number + done if self._plan.in_turn else None))
                done += 1
                await self._pause(self._random.uniform(*self._plan.think))
        finally:
            await lane.close()

    def _goes_on(self, number: int) -> bool:
        return not self._over and number < round(self._plan.level_at(self.now))

    async def _ask(self, lane: Lane, name: str) -> None:
        due = self.now
        self._left -= 1
        if await self._send(lane, name, due):
            await self._pause(PAUSE_AFTER_FAILURE)

    # Arrivals that wait for nobody

    async def _open(self) -> None:
        idle: asyncio.LifoQueue[Lane] = asyncio.LifoQueue()
        waiting = 0

        def served() -> None:
            nonlocal waiting
            waiting -= 1

        for number, due in enumerate(self._plan.arrivals(), self._order.number):
            await self._pause(due - self.now)
            if self._ended.is_set() or self._left <= 0:
                break
            name = self._choose(number if self._plan.in_turn else None)
            self._left -= 1
            if waiting > self._plan.most_in_flight * (WAITING + 1):
                self.measured.add("not sent", due, max(0.0, self.now - due), "not sent: too many waited")
            else:
                waiting += 1
                self._spawn(self._arrive(idle, name, due, served))
        await self._let_finish()
        while not idle.empty():
            await idle.get_nowait().close()

    async def _arrive(self, idle: "asyncio.LifoQueue[Lane]", name: str, due: float, served: Callable[[], None]) -> None:
        lane = None
        try:
            lane = await self._free_lane(idle, due)
            await self._send(lane, name, due)
        except asyncio.CancelledError:
            if lane is None:
                self.measured.add("not sent", due, self.now - due, "not sent: no connection was free")
            raise
        finally:
            served()
            if lane is not None:
                idle.put_nowait(lane)

    async def _free_lane(self, idle: "asyncio.LifoQueue[Lane]", due: float) -> Lane:
        if idle.empty() and self._lanes >= self._plan.most_in_flight:
            self._strain.held += 1
            return await idle.get()
        lane = idle.get_nowait() if not idle.empty() else self._lane(self._lanes)
        self._strain.send_delay.add(self.now - due)
        return lane

    # Both

    def _lane(self, number: int) -> Lane:
        self._lanes += 1
        who = self._order.credentials.of(number + self._order.number)
        return Lane(self._order.target, self._context, who, self._plan.timeout)

    def _choose(self, turn: int | None) -> str:
        if turn is not None:
            return self._names[turn % len(self._names)]
        return self._random.choices(self._names, self._shares)[0]

    async def _send(self, lane: Lane, name: str, due: float) -> bool:
        """Send it and count it, from when it was due to the end of its answer; tells whether it failed."""
        call = self._memory.call(name)
        self.in_flight += 1
        self._strain.most_in_flight = max(self._strain.most_in_flight, self.in_flight)
        error: str | None = "cut off at the end of the test"
        try:
            answer: Answer = await lane.send(call.method, call.path, call.body)
            error = answer.error
            if error is None and not self._memory.learn(call, answer.content):
                error = "an answer that the API does not promise"
        finally:
            self.in_flight -= 1
            self._memory.release(call)
            self.measured.add(call.endpoint, due, max(0.0, self.now - due), error)
        return error is not None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until the end."""
        if seconds <= 0 or self._ended.is_set():
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    async def _let_finish(self) -> None:
        """Wait for what is on its way, as long as one request may take; after a signal, a moment only."""
        self._ended.set()
        deadline = time.monotonic() + self._plan.timeout
        while self._tasks and time.monotonic() < deadline:
            if self._stopped:
                deadline = min(deadline, time.monotonic() + MOMENT)
            await asyncio.wait(self._tasks, timeout=_TICK)

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
