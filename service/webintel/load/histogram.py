"""Durations in bounded memory, as HDR histograms keep them: exact counts, values to within half a percent."""

import math
from collections.abc import Iterator

import msgspec

MICROSECONDS = 1_000_000
_BITS = 8
_STEPS = 1 << _BITS
"""Buckets for each power of two: the width of a bucket is at most 1/256 of what it holds."""
LONGEST = 1 << 40
"""Microseconds, twelve days: a longer one counts as this. So there are never more than 8,448 buckets."""


class Histogram(msgspec.Struct):
    """How often each duration was seen.

    Attributes:
        counts: by the bucket's number; those that are empty take no room.
        count: all of them.
        total: the sum, in seconds.
        least: the shortest, in microseconds.
        most: the longest, in microseconds.
    """

    counts: dict[int, int] = msgspec.field(default_factory=dict)
    count: int = 0
    total: float = 0.0
    least: int = LONGEST
    most: int = 0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        value = min(LONGEST, max(0, round(seconds * MICROSECONDS)))
        bucket = _bucket(value)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.count += 1
        self.total += seconds
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def merge(self, other: "Histogram") -> None:
        """Take in what another one has seen."""
        for bucket, number in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + number
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def quantile(self, share: float) -> float | None:
        """Give the seconds within which that share of all ended; none where there is nothing."""
        if not self.count:
            return None
        # Without the hair's breadth 0.999 of 1,000 would be the last one of all.
        rank = max(1, math.ceil(share * self.count - 1e-9))
        seen = 0
        for _, high, number in self.buckets():
            seen += number
            if seen >= rank:
                return min(high, self.most) / MICROSECONDS
        return self.most / MICROSECONDS

    @property
    def mean(self) -> float | None:
        """The mean, in seconds."""
        return self.total / self.count if self.count else None

    @property
    def longest(self) -> float | None:
        """The longest, in seconds."""
        return self.most / MICROSECONDS if self.count else None

    def buckets(self) -> Iterator[tuple[int, int, int]]:
        """Give the first and the last microsecond of each bucket, and how many are in it, from short to long."""
        for bucket in sorted(self.counts):
            low, width = _bounds(bucket)
            yield low, low + width - 1, self.counts[bucket]


def _bucket(value: int) -> int:
    shift = max(0, value.bit_length() - _BITS - 1)
    return shift * _STEPS + (value >> shift)


def _bounds(bucket: int) -> tuple[int, int]:
    shift = max(0, bucket // _STEPS - 1)
    return (bucket - shift * _STEPS) << shift, 1 << shift
