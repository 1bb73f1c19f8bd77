"""Which time a report is about."""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from webintel.analytics.models import Width
from webintel.analytics.totals import first_id

DateRange = Literal["1d", "7d", "30d", "90d", "1y"]

_STEPS: dict[DateRange, int] = {"1d": 24, "7d": 7, "30d": 30, "90d": 90, "1y": 365}
MOST_TAIL = timedelta(days=1)
"""What reports add up themselves at most, where no worker has kept the totals."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Whole hours or days of UTC, the present one among them."""

    name: DateRange
    width: Width
    since: datetime
    until: datetime
    now: datetime

    @classmethod
    def ending_at(cls, now: datetime, name: DateRange) -> "Period":
        """Give the period of that length that the moment, in UTC, is in the last hour or day of."""
        width = Width.HOUR if name == "1d" else Width.DAY
        start = now.replace(minute=0, second=0, microsecond=0)
        step = timedelta(hours=1)
        if width == Width.DAY:
            start, step = start.replace(hour=0), timedelta(days=1)
        return cls(name=name, width=width, since=start - step * (_STEPS[name] - 1), until=start + step, now=now)

    @property
    def starts(self) -> list[datetime]:
        """The beginning of each hour or day."""
        count = _STEPS[self.name]
        step = (self.until - self.since) / count
        return [self.since + step * number for number in range(count)]

    @property
    def tail_since(self) -> datetime:
        """From where on reports may look at single jobs."""
        return max(self.since, self.now - MOST_TAIL)

    def parameters(self) -> dict[str, Any]:
        """Give what statements about the period are filled with."""
        return {
            "width": str(self.width),
            "since": self.since,
            "until": self.until,
            "tail_since": self.tail_since,
        }

    def blueprint_parameters(self) -> dict[str, Any]:
        """Give what statements about the period's blueprints are filled with."""
        return {
            "width": str(self.width),
            "since": self.since,
            "until": self.until,
            "first_id": first_id(self.since),
            "tail_first_id": first_id(self.tail_since),
            "last_id": first_id(self.until),
        }
