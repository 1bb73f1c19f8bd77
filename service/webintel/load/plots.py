"""Plots as SVG, by hand: a report is one file that shows itself anywhere."""

import math
from collections.abc import Sequence
from html import escape

import msgspec

WIDTH, HEIGHT = 900, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 20, 40

Points = Sequence[tuple[float, float]]


class Line(msgspec.Struct, frozen=True):
    """A line of a plot."""

    name: str
    colour: str
    points: Points


def plot(title: str, across: str, lines: Sequence[Line], *, logarithmic: bool = False) -> str:
    """Draw lines over a common axis; the values are seconds, or shares with a logarithmic axis of seconds."""
    every = [point for line in lines for point in line.points]
    if not every:
        return f"<p>{escape(title)}: nothing was measured.</p>"
    left, right = min(x for x, _ in every), max(x for x, _ in every)
    if logarithmic:
        left = max(left, right / 1e6, 1e-6)
    highest = max((*(y for _, y in every), 1e-9))

    def place(x: float, y: float) -> str:
        return (
            f"{_LEFT + _across(x, left, right, logarithmic) * (WIDTH - _LEFT - _RIGHT):.1f},{_height(y / highest):.1f}"
        )

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts += [_rule(share, highest) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = left * (right / left) ** share if logarithmic and right > left else left + (right - left) * share
        x = _LEFT + share * (WIDTH - _LEFT - _RIGHT)
        parts.append(f'<text x="{x:.0f}" y="{HEIGHT - 22}" text-anchor="middle">{_number(at)}</text>')
    parts.append(f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 5}" text-anchor="middle">{escape(across)}</text>')
    for number, line in enumerate(lines):
        places = " ".join(place(x, y) for x, y in line.points)
        parts.append(f'<polyline fill="none" stroke="{line.colour}" stroke-width="1.5" points="{places}"/>')
        parts.append(f'<text x="{_LEFT + 10 + number * 130}" y="14" fill="{line.colour}">{escape(line.name)}</text>')
    return "".join([*parts, "</svg>"])


def _across(x: float, left: float, right: float, logarithmic: bool) -> float:
    if right <= left:
        return 0.0
    if logarithmic:
        return max(0.0, math.log(max(x, left) / left) / math.log(right / left))
    return (x - left) / (right - left)


def _height(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _rule(share: float, highest: float) -> str:
    y = _height(share)
    return (
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(highest * share)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:.3g}"
