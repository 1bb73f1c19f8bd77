"""What a load test does: who comes, how often, for how long, and what they ask for."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Model = Literal["closed", "open"]
Share = Annotated[int, Meta(ge=0, le=1_000_000)]

MOST_USERS = 5000
MOST_RATE = 100_000.0
LONGEST_SECONDS = 86400.0
MOST_REQUESTS = 1_000_000_000


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A span of time with one level of load.

    Attributes:
        seconds: how long.
        level: users at once in the closed model, arrivals a second in the open one.
    """

    seconds: Annotated[float, Meta(gt=0, le=LONGEST_SECONDS)]
    level: Annotated[float, Meta(ge=0, le=MOST_RATE)]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A load test.

    Attributes:
        model: closed: so many clients, each waits for its answer; open: arrivals that wait for nobody.
        stages: one after the other.
        opening: what each client asks for first, once.
        mix: how often what is asked for; with `in_turn` once each in this order, again and again.
        requests: what a client asks for after its opening, before it goes; none: until the end of the stages.
        think: seconds between two requests of a client, at random between the two.
        ramp: seconds over which the clients of a stage begin.
        most_requests: the end in any case.
        most_in_flight: connections at most in the open model.
        timeout: seconds after which a request has failed.
    """

    name: str
    model: Model
    stages: tuple[Stage, ...]
    mix: dict[str, Share]
    opening: tuple[str, ...] = ()
    in_turn: bool = False
    requests: int | None = None
    think: tuple[float, float] = (0.0, 0.0)
    ramp: float = 0.0
    most_requests: int = MOST_REQUESTS
    most_in_flight: int = 1000
    timeout: float = 10.0

    @property
    def seconds(self) -> float:
        """How long it lasts at most."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def peak(self) -> float:
        """The highest level."""
        return max(stage.level for stage in self.stages)

    @property
    def actions(self) -> set[str]:
        """Everything that may be asked for."""
        return {*self.opening, *(name for name, share in self.mix.items() if share)}

    def level_at(self, at: float) -> float:
        """Give the level of a moment; none is left after the end."""
        for stage in self.stages:
            if at < stage.seconds:
                return stage.level
            at -= stage.seconds
        return 0.0

    def arrivals(self) -> Iterator[float]:
        """Give the second of each arrival: counted, not summed up, so that no rounding adds one."""
        begin = 0.0
        for stage in self.stages:
            for number in range(round(stage.seconds * stage.level)):
                yield begin + number / stage.level
            begin += stage.seconds

    def scaled(self, *, peak: float | None = None, seconds: float | None = None) -> "Plan":
        """Give the same in another size: the stages keep their proportions."""
        times = 1.0 if seconds is None else seconds / self.seconds
        levels = 1.0 if peak is None else peak / self.peak
        stages = tuple(Stage(stage.seconds * times, stage.level * levels) for stage in self.stages)
        return msgspec.structs.replace(self, stages=stages)

    def share(self, number: int, processes: int) -> "Plan":
        """Give what one of several processes does of it."""
        stages = self.stages
        if self.model == "closed":
            stages = tuple(Stage(s.seconds, _part(round(s.level), number, processes)) for s in stages)
        else:
            stages = tuple(Stage(s.seconds, s.level / processes) for s in stages)
        return msgspec.structs.replace(
            self,
            stages=stages,
            most_requests=_part(self.most_requests, number, processes),
            most_in_flight=max(1, _part(self.most_in_flight, number, processes)),
        )


def _part(whole: int, number: int, parts: int) -> int:
    return whole * (number + 1) // parts - whole * number // parts
