"""The report: one HTML file without anything from elsewhere."""

from collections.abc import Iterable
from html import escape

from webintel.load.measured import Measured
from webintel.load.plots import Axis, Line, plot
from webintel.load.summary import QUANTILES, Outcome, lines, show_time

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark }
table { border-collapse: collapse; width: 100% } th, td { padding: .2rem .5rem; text-align: right }
th:first-child, td:first-child { text-align: left } tr { border-bottom: 1px solid #8884 }
svg { width: 100%; font: 12px system-ui, sans-serif } svg text { fill: currentColor } pre { white-space: pre-wrap }
"""
_POINTS = 400
_SINCE_START = Axis("seconds since the start", low=0.0)


def html(outcome: Outcome) -> str:
    """Write the report."""
    measured = outcome.measured
    title = f"Load test {outcome.plan.name}: {outcome.url}"
    return "\n".join([
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<pre>{escape(chr(10).join(_prose(outcome)))}</pre>",
        "<h2>Endpoints</h2>",
        *_table(measured),
        "<h2>Latency over time</h2><p>By when a request was due.</p>",
        _over_time(measured),
        "<h2>Requests over time</h2><p>A second.</p>",
        _rate(measured),
        "<h2>Distribution</h2><p>Share of all requests that had ended within a time.</p>",
        _distribution(measured),
        "</body></html>\n",
    ])  # fmt: skip


def _prose(outcome: Outcome) -> Iterable[str]:
    blanks = 0
    for line in lines(outcome):
        blanks += not line
        # The table between the blank lines is drawn below.
        if blanks != 1 and line:
            yield line


def _table(measured: Measured) -> Iterable[str]:
    heads = ["endpoint", "requests", "failed", *(name for name, _ in QUANTILES), "max"]
    yield "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
    for name, tally in [*sorted(measured.endpoints.items()), ("all", measured.all())]:
        times = [tally.durations.quantile(share) for _, share in QUANTILES] + [tally.durations.longest]
        cells = [escape(name), str(tally.requests), str(tally.failed), *(show_time(time) for time in times)]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def _over_time(measured: Measured) -> str:
    slots = list(measured.timeline.points())
    shown = (("p50", 0.5, "#2a7"), ("p95", 0.95, "#d80"), ("p99", 0.99, "#c33"))
    lines_ = [
        Line(name, colour, [(at, slot.durations.quantile(share) or 0.0) for at, slot in slots])
        for name, share, colour in shown
    ]
    slowest = Line("max", "#888", [(at, slot.durations.longest or 0.0) for at, slot in slots])
    return plot("Latency over time", _SINCE_START, Axis("", _short, low=0.0), [slowest, *lines_])


def _rate(measured: Measured) -> str:
    slots = list(measured.timeline.points())
    width = measured.timeline.width
    due = [(at, slot.durations.count / width) for at, slot in slots]
    failed = [(at, slot.failed / width) for at, slot in slots]
    shown = [Line("due", "#27c", due), Line("failed", "#c33", failed)]
    return plot("Requests over time", _SINCE_START, Axis("", low=0.0), shown)


def _distribution(measured: Measured) -> str:
    durations = measured.all().durations
    seen, points = 0, []
    for _, high, number in durations.buckets():
        seen += number
        points.append((high / 1_000_000, seen / durations.count))
    step = max(1, len(points) // _POINTS)
    thinned = [*points[::step], *points[-1:]]
    across = Axis("time of a request", _short, logarithmic=True)
    return plot("Distribution", across, Axis("", "{:.0%}".format, low=0.0), [Line("all endpoints", "#27c", thinned)])


def _short(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 or not seconds else f"{seconds * 1000:g} ms"
