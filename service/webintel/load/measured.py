"""What a load test measures, mergeable over processes and of a size that does not grow with the number of requests."""

from collections.abc import Iterator

import msgspec

from webintel.load.histogram import Histogram

SLOTS = 240
"""Points of a plot over time: when a run lasts longer, each stands for twice as long."""
KINDS = 50
"""Kinds of errors that are told apart; the rest is `other`."""


class Tally(msgspec.Struct):
    """What became of the requests to one endpoint.

    Attributes:
        durations: of all of them, those that failed included: a timeout lasts as long as was waited.
        answered: how many ended well.
        errors: how many ended otherwise, by kind.
    """

    durations: Histogram = msgspec.field(default_factory=Histogram)
    answered: int = 0
    errors: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, seconds: float, error: str | None) -> None:
        """Count a request."""
        self.durations.add(seconds)
        if error is None:
            self.answered += 1
        else:
            _count(self.errors, error, 1)

    def merge(self, other: "Tally") -> None:
        """Take in another one."""
        self.durations.merge(other.durations)
        self.answered += other.answered
        for kind, number in other.errors.items():
            _count(self.errors, kind, number)

    @property
    def requests(self) -> int:
        """How many there were."""
        return self.durations.count

    @property
    def failed(self) -> int:
        """How many did not end well."""
        return self.durations.count - self.answered

    @property
    def error_rate(self) -> float:
        """The share that did not end well."""
        return self.failed / self.requests if self.requests else 0.0


class Slot(msgspec.Struct):
    """What was due within one span of time."""

    durations: Histogram = msgspec.field(default_factory=Histogram)
    failed: int = 0

    def merge(self, other: "Slot") -> None:
        """Take in another one."""
        self.durations.merge(other.durations)
        self.failed += other.failed


class Timeline(msgspec.Struct):
    """Requests by the time when they were due.

    Attributes:
        width: seconds of a slot, a power of two.
    """

    slots: dict[int, Slot] = msgspec.field(default_factory=dict)
    width: int = 1

    def add(self, at: float, seconds: float, *, failed: bool) -> None:
        """Count a request."""
        while at / self.width >= SLOTS:
            self._widen()
        slot = self.slots.setdefault(max(0, int(at / self.width)), Slot())
        slot.durations.add(seconds)
        slot.failed += failed

    def merge(self, other: "Timeline") -> None:
        """Take in another one, that began at the same time."""
        while self.width < other.width:
            self._widen()
        for number, slot in other.slots.items():
            self.slots.setdefault(number * other.width // self.width, Slot()).merge(slot)

    def points(self) -> Iterator[tuple[float, Slot]]:
        """Give each slot that is not empty, with the second in which it begins."""
        for number in sorted(self.slots):
            yield number * self.width, self.slots[number]

    def _widen(self) -> None:
        narrow, self.slots, self.width = self.slots, {}, self.width * 2
        for number, slot in narrow.items():
            self.slots.setdefault(number // 2, Slot()).merge(slot)


class Strain(msgspec.Struct):
    """How hard a process of the tester itself had to work.

    Attributes:
        lag: how late its event loop was.
        send_delay: how late a request that was due was sent, although nothing but the tester kept it.
        cpu: the share of one processor.
        cpu_seconds: the time on it.
        held: requests that had to wait for a free connection of the tester.
        most_in_flight: at once.
    """

    lag: Histogram = msgspec.field(default_factory=Histogram)
    send_delay: Histogram = msgspec.field(default_factory=Histogram)
    cpu: float = 0.0
    cpu_seconds: float = 0.0
    held: int = 0
    most_in_flight: int = 0


class Measured(msgspec.Struct):
    """What was measured so far.

    Attributes:
        seconds: from the start to the last request's end.
        strains: one of each process.
        machine_cpu: the share of all processors of this machine that was busy, whoever used them.
        created: sites that were made.
    """

    endpoints: dict[str, Tally] = msgspec.field(default_factory=dict)
    timeline: Timeline = msgspec.field(default_factory=Timeline)
    seconds: float = 0.0
    strains: list[Strain] = msgspec.field(default_factory=list)
    machine_cpu: float = 0.0
    created: int = 0

    def add(self, endpoint: str, at: float, seconds: float, error: str | None) -> None:
        """Count a request."""
        tally = self.endpoints.get(endpoint)
        if tally is None:
            tally = self.endpoints[endpoint] = Tally()
        tally.add(seconds, error)
        self.timeline.add(at, seconds, failed=error is not None)
        self.seconds = max(self.seconds, at + seconds)

    def merge(self, other: "Measured") -> None:
        """Take in what another process measured in the same time."""
        for name, tally in other.endpoints.items():
            self.endpoints.setdefault(name, Tally()).merge(tally)
        self.timeline.merge(other.timeline)
        self.seconds = max(self.seconds, other.seconds)
        self.strains.extend(other.strains)
        self.machine_cpu = max(self.machine_cpu, other.machine_cpu)
        self.created += other.created

    def all(self) -> Tally:
        """Sum all endpoints up."""
        total = Tally()
        for tally in self.endpoints.values():
            total.merge(tally)
        return total

    @property
    def throughput(self) -> float:
        """Requests that ended well, a second."""
        return self.all().answered / self.seconds if self.seconds else 0.0


def _count(errors: dict[str, int], kind: str, number: int) -> None:
    known = kind if kind in errors or len(errors) < KINDS else "other"
    errors[known] = errors.get(known, 0) + number
