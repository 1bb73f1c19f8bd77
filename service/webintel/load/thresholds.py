"""When a load test has failed, in the words of `--fail-if`."""

import operator
import re
from collections.abc import Callable

import msgspec

from webintel.load.errors import LoadError
from webintel.load.measured import Measured, Tally

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_UNITS = {"": 1.0, "s": 1.0, "ms": 0.001, "%": 0.01}
_UNITS_OF = {"error_rate": ("%",), "throughput": (), "requests": ()}
_METRICS = "p50, p90, p95, p99, p99.9, max, mean (seconds), error_rate, throughput, requests"
_EXPRESSION = re.compile(
    r"\s*(?:(?P<endpoint>[^<>]+?)\s*:\s*)?(?P<metric>p\d{1,2}(?:\.\d{1,3})?|max|mean|error_rate|throughput|requests)"
    r"\s*(?P<comparison>[<>]=?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|%|)\s*"
)


class Threshold(msgspec.Struct, frozen=True):
    """A condition under which the test has failed."""

    text: str
    metric: str
    comparison: str
    limit: float
    endpoint: str | None = None

    def broken(self, measured: Measured) -> str | None:
        """Say what breaks it; none where it holds."""
        tally = measured.all() if self.endpoint is None else measured.endpoints.get(self.endpoint)
        value = None if tally is None else _value(self.metric, tally, measured.seconds)
        if value is None:
            return f"{self.text}: nothing was measured"
        if _COMPARE[self.comparison](value, self.limit):
            return f"{self.text}: it is {value:.4g}"
        return None


def read_threshold(text: str) -> Threshold:
    """Read a condition such as `p95>0.1`, `error_rate>1%` or `POST /api/v1/sites: p99>250ms`.

    Raises:
        LoadError: it is none.
    """
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        raise LoadError(
            f"{text!r} is no condition: write METRIC>NUMBER, for example p95>0.1, error_rate>1% or "
            f"'POST /api/v1/sites: p99>250ms'; there are {_METRICS}."
        )
    metric, unit = found["metric"], found["unit"]
    if unit and unit not in _UNITS_OF.get(metric, ("s", "ms")):
        raise LoadError(f"{text!r}: {metric} is not measured in {unit}.")
    limit = float(found["number"]) * _UNITS[unit]
    return Threshold(text.strip(), metric, found["comparison"], limit, found["endpoint"])


def _value(metric: str, tally: Tally, seconds: float) -> float | None:
    values: dict[str, float | None] = {
        "requests": tally.requests,
        "throughput": tally.answered / seconds if seconds else 0.0,
        "error_rate": tally.error_rate if tally.requests else None,
        "max": tally.durations.longest,
        "mean": tally.durations.mean,
    }
    if metric in values:
        return values[metric]
    return tally.durations.quantile(float(metric.removeprefix("p")) / 100)
