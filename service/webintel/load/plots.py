"""Plots as SVG, by hand: a report is one file that shows itself anywhere."""

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

import msgspec

WIDTH, HEIGHT = 900, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 30, 45
_MARKS = 6
"""About so many on an axis."""

Points = Sequence[tuple[float, float]]


class Line(msgspec.Struct, frozen=True):
    """A line of a plot."""

    name: str
    colour: str
    points: Points


class Axis(msgspec.Struct, frozen=True):
    """What an axis shows, and how its numbers are written.

    Attributes:
        low: where it begins; the least of the values, unless it is told.
    """

    name: str
    write: Callable[[float], str] = "{:g}".format
    logarithmic: bool = False
    low: float | None = None


def plot(title: str, across: Axis, up: Axis, lines: Sequence[Line]) -> str:
    """Draw lines over common axes."""
    every = [point for line in lines for point in line.points]
    if not every:
        return f"<p>{escape(title)}: nothing was measured.</p>"
    x_axis = _Scale(across, [x for x, _ in every], topped=False)
    y_axis = _Scale(up, [y for _, y in every], topped=True)

    def left(x: float) -> float:
        return _LEFT + x_axis.share(x) * (WIDTH - _LEFT - _RIGHT)

    def top(y: float) -> float:
        return HEIGHT - _BOTTOM - y_axis.share(y) * (HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for at in y_axis.marks:
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{top(at):.1f}" y2="{top(at):.1f}" stroke="#8884"/>')
        parts.append(_text(_LEFT - 6, top(at) + 4, up.write(at), "end"))
    for at in x_axis.marks:
        x, y = left(at), HEIGHT - _BOTTOM
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 5}" stroke="#888"/>')
        parts.append(_text(x, y + 18, across.write(at), "middle"))
    parts.append(_text((WIDTH + _LEFT - _RIGHT) / 2, HEIGHT - 6, across.name, "middle"))
    parts.append(_text(_LEFT - 6, 12, up.name, "end"))
    for number, line in enumerate(lines):
        places = " ".join(f"{left(x):.1f},{top(y):.1f}" for x, y in line.points)
        key = _LEFT + 10 + number * 100
        parts.append(f'<polyline fill="none" stroke="{line.colour}" stroke-width="1.5" points="{places}"/>')
        parts.append(f'<line x1="{key}" x2="{key + 18}" y1="8" y2="8" stroke="{line.colour}" stroke-width="3"/>')
        parts.append(_text(key + 24, 12, line.name, "start"))
    return "".join([*parts, "</svg>"])


class _Scale:
    """From the values of an axis to shares of its length; topped, it ends with a mark."""

    def __init__(self, axis: Axis, values: Sequence[float], *, topped: bool) -> None:
        self._logarithmic = axis.logarithmic
        self._high = max(values)
        self._low = min(values) if axis.low is None else axis.low
        if self._logarithmic:
            self._low = max(self._low, self._high / 1e6, 1e-6)
            self.marks = list(_decades(self._low, self._high)) or [self._low]
        else:
            step = _round_step((self._high - self._low) / _MARKS)
            if topped:
                self._high = max(self._low + step, math.ceil(self._high / step - 1e-9) * step)
            first, last = math.ceil(self._low / step - 1e-9), math.floor(self._high / step + 1e-9)
            self.marks = [at * step for at in range(first, last + 1)]

    def share(self, value: float) -> float:
        """Give where a value lies, from 0 to 1."""
        if self._high <= self._low:
            return 0.0
        if self._logarithmic:
            return max(0.0, math.log(max(value, self._low) / self._low) / math.log(self._high / self._low))
        return (value - self._low) / (self._high - self._low)


def _round_step(step: float) -> float:
    """Give the next 1, 2 or 5 of its power of ten."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= step * (1 - 1e-9))


def _decades(low: float, high: float) -> Iterator[float]:
    digits = (1, 2, 5) if high / low < 1e3 else (1,)
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        yield from (digit * 10.0**power for digit in digits if low <= digit * 10.0**power <= high)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
