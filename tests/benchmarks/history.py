"""What a run leaves behind: a small text file and a plot."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from tests.benchmarks.endpoints import GOALS, Compared

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 900, 320, 50, 40
_COLOURS = ("#2563eb", "#60a5fa", "#93c5fd")


def write(folder: Path, moment: datetime, text: str, results: Sequence[Compared]) -> None:
    """Keep a run under the moment at which it ended."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{moment:%Y%m%d-%H%M%S}.txt").write_text(text + "\n")
    if results:
        (folder / f"{moment:%Y%m%d-%H%M%S}.svg").write_text(plot(f"{moment:%Y-%m-%d}", results) + "\n")


def plot(title: str, results: Sequence[Compared]) -> str:
    """Draw how near each endpoint comes to raw asyncpg: a bar for each size, a line where the goal is."""
    names = [name for name in GOALS if any(result.name == name for result in results)]
    sizes = sorted({result.sites for result in results})
    highest = max(1.0, *(result.raw.median for result in results)) * 1.1
    group = (_WIDTH - _LEFT) / len(names)
    bar = group * 0.7 / len(sizes)
    described = escape(f"{title}: requests a second : those of raw asyncpg")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-label="{described}">',
        '<style>text { font: 12px sans-serif }</style><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="14">{described}</text>',
    ]
    for step in range(int(highest * 5) + 1):
        y = _y(step / 5, highest)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{step / 5:.1f}</text>')
    for result in results:
        number, size = names.index(result.name), sizes.index(result.sites)
        x, y = _LEFT + number * group + group * 0.15 + size * bar, _y(result.raw.median, highest)
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar * 0.9:.1f}" height="{_HEIGHT - _BOTTOM - y:.1f}" '
            f'fill="{_COLOURS[size % 3]}"><title>{result.name} at {result.sites}: {result.raw}</title></rect>'
        )
        parts.append(
            f'<text x="{x + bar * 0.45:.1f}" y="{y - 4:.1f}" text-anchor="middle">{result.raw.median:.2f}</text>'
        )
    for number, name in enumerate(names):
        x, y = _LEFT + number * group, _y(GOALS[name], highest)
        parts.append(f'<line x1="{x:.1f}" x2="{x + group:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dc2626"/>')
        parts.append(f'<text x="{x + group / 2:.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{name}</text>')
    shown = ", ".join(f"{size:,}" for size in sizes)
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 5}">bars: {shown} sites; red: the goal</text></svg>')
    return "".join(parts)


def _y(value: float, highest: float) -> float:
    return 24 + (_HEIGHT - _BOTTOM - 24) * (1 - value / highest)
