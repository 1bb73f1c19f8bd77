"""Means and percentiles of durations."""

import math
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from webintel.analytics.sql import seconds_of


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took; nothing where it never happened."""

    count: int = 0
    mean_seconds: float | None = None
    median_seconds: float | None = None
    p90_seconds: float | None = None


def of_steps(steps: Sequence[tuple[int, int, float]]) -> Durations:
    """Describe durations of which the step, their number and their sum are known; percentiles are within 5 %."""
    count = sum(number for _, number, _ in steps)
    if not count:
        return Durations()
    ordered = sorted(steps)

    def percentile(share: float) -> float:
        reached = accumulate(number for _, number, _ in ordered)
        step = next(step for (step, _, _), so_far in zip(ordered, reached, strict=True) if so_far >= share * count)
        return round(seconds_of(step), 3)

    return Durations(
        count=count,
        mean_seconds=round(sum(seconds for _, _, seconds in steps) / count, 3),
        median_seconds=percentile(0.5),
        p90_seconds=percentile(0.9),
    )


def of_values(values: Sequence[float]) -> Durations:
    """Describe durations that are known one by one, exactly."""
    if not values:
        return Durations()
    ordered = sorted(values)

    def percentile(share: float) -> float:
        return round(ordered[max(math.ceil(share * len(ordered)) - 1, 0)], 3)

    return Durations(
        count=len(values),
        mean_seconds=round(sum(values) / len(values), 3),
        median_seconds=percentile(0.5),
        p90_seconds=percentile(0.9),
    )
