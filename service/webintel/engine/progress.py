"""How far a scan has come, for whoever watches."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

Step = Literal["connecting", "fingerprinting", "discovering", "inducing selectors", "verifying", "assembling", "done"]

# Where each step begins; most of a visit is waiting for pages.
_BEGINS: Final[dict[Step, float]] = {
    "connecting": 0.0,
    "fingerprinting": 3.0,
    "discovering": 5.0,
    "verifying": 5.0,
    "inducing selectors": 80.0,
    "assembling": 95.0,
    "done": 100.0,
}
_ENDS: Final[dict[Step, float]] = {
    "connecting": 3.0,
    "fingerprinting": 5.0,
    "discovering": 80.0,
    "verifying": 95.0,
    "inducing selectors": 95.0,
    "assembling": 100.0,
    "done": 100.0,
}


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One report; percentages never fall."""

    step: Step
    percentage: float
    message: str


OnProgress = Callable[[Progress], None]


class Reporter:
    """Turns shares of a step into percentages of the whole."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._percentage = 0.0

    def report(self, step: Step, message: str, share: float = 0.0) -> None:
        """Tell the watcher that `share` (0 to 1) of the step is done."""
        if self._on_progress is None:
            return
        begin, end = _BEGINS[step], _ENDS[step]
        percentage = begin + (end - begin) * min(max(share, 0.0), 1.0)
        self._percentage = max(self._percentage, round(percentage, 1))
        self._on_progress(Progress(step=step, percentage=self._percentage, message=message))
