"""What is measured is what happened: percentiles, merging, bounded memory, and conditions on them."""

import math
import random
import re

import msgspec
import pytest

from webintel.load.errors import LoadError
from webintel.load.histogram import LONGEST, Histogram
from webintel.load.measured import KINDS, SLOTS, Measured, Strain, Tally, Timeline
from webintel.load.plots import Axis, Line, plot
from webintel.load.scenarios import SCENARIOS
from webintel.load.strain import own_limits, own_part
from webintel.load.thresholds import read_threshold

SHARES = (0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


def samples(kind: str) -> list[float]:
    dice = random.Random(kind)
    if kind == "lognormal":
        return [dice.lognormvariate(-6, 1.5) for _ in range(20_001)]
    if kind == "uniform":
        return [dice.uniform(0, 0.01) for _ in range(1000)]
    if kind == "two humps":
        return [dice.choice((0.001, 9.7)) + dice.random() / 1000 for _ in range(999)]
    return [float(kind)]


@pytest.mark.parametrize("kind", ["lognormal", "uniform", "two humps", "0.000001", "0", "3599.9"])
def test_a_percentile_is_that_of_the_sorted_list(kind: str) -> None:
    values = samples(kind)
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    ordered = sorted(values)
    for share in SHARES:
        exact = ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]
        found = histogram.quantile(share)
        assert found == pytest.approx(exact, rel=0.004, abs=1e-6), share
    assert histogram.count == len(values)
    assert histogram.longest == pytest.approx(ordered[-1], abs=1e-6)
    assert histogram.mean == pytest.approx(sum(values) / len(values))


def test_parts_merge_into_the_whole_also_over_a_pipe() -> None:
    values = samples("lognormal")
    whole, parts = Histogram(), [Histogram() for _ in range(3)]
    for at, value in enumerate(values):
        whole.add(value)
        parts[at % 3].add(value)
    merged = Histogram()
    for part in parts:
        merged.merge(msgspec.json.decode(msgspec.json.encode(part), type=Histogram))
    assert (merged.counts, merged.count, merged.least, merged.most) == (
        whole.counts,
        whole.count,
        whole.least,
        whole.most,
    )


def test_memory_does_not_grow_with_what_is_measured() -> None:
    measured = Measured()
    for at in range(30_000):
        measured.add("a", float(at), 10.0 ** random.Random(at).uniform(-7, 7), f"kind {at % 200}")
    tally = measured.endpoints["a"]
    assert tally.requests == 30_000
    assert len(tally.durations.counts) <= 8448
    assert tally.durations.most == LONGEST
    assert len(tally.errors) == KINDS + 1
    assert sum(tally.errors.values()) == 30_000
    assert len(measured.timeline.slots) <= SLOTS
    assert sum(slot.durations.count for _, slot in measured.timeline.points()) == 30_000


def test_nothing_measured_is_no_number() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram().mean is None
    assert Measured().throughput == 0


def test_timelines_of_different_widths_merge() -> None:
    short, long = Timeline(), Timeline()
    short.add(3.0, 0.1, failed=True)
    for at in range(SLOTS * 3):
        long.add(float(at), 0.1, failed=False)
    assert long.width == 4
    short.merge(long)
    points = dict(short.points())
    assert short.width == 4
    assert (points[0.0].durations.count, points[0.0].failed) == (5, 1)


def measured_of(times: list[float], failures: int) -> Measured:
    measured = Measured()
    for time in times:
        measured.add("GET /health", 0.0, time, None)
    for _ in range(failures):
        measured.add("POST /api/v1/sites", 0.0, 1.0, "HTTP 500")
    return measured


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("p95>0.1", True),
        ("p50>20ms", False),
        ("p50 < 0.02", True),
        ("max>=1s", True),
        ("error_rate>5%", True),
        ("error_rate>0.5", False),
        ("throughput<100", True),
        ("throughput<10", False),
        ("requests<100", False),
        ("GET /health: p99.9>0.5", False),
        ("POST /api/v1/sites: error_rate>=1", True),
        ("GET /nothing: p50>1", True),
    ],
)
def test_a_condition_is_true_or_not(text: str, *, broken: bool) -> None:
    found = read_threshold(text).broken(measured_of([0.01] * 90, 10))
    assert bool(found) is broken
    assert found is None or found.startswith(text)


@pytest.mark.parametrize(
    "text", ["", "p95", "p95>fast", "speed>1", "p95>>1", "p95=1", "throughput>5ms", "p50>5%", "p1000>1"]
)
def test_what_is_no_condition_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(LoadError, match=r"p95>0\.1|is not measured in"):
        read_threshold(text)


def test_the_tester_says_when_it_is_the_limit_itself() -> None:
    calm = Strain(cpu=0.3)
    calm.lag.add(0.001)
    calm.send_delay.add(0.001)
    assert own_limits(Measured(strains=[calm], machine_cpu=1.0)) == []
    late = Histogram()
    late.add(0.2)
    for strain, word in (
        (Strain(cpu=0.99), "99% of a processor"),
        (Strain(lag=late), "event loop was up to 200 ms late"),
        (Strain(send_delay=late), "200 ms after they were due"),
        (Strain(held=3), "3 requests waited"),
    ):
        (reason,) = own_limits(Measured(strains=[calm, strain]))
        assert word in reason


def test_its_own_work_is_weighed_against_the_median() -> None:
    measured = measured_of([0.010] * 100, 0)
    measured.strains = [Strain(cpu=0.5, cpu_seconds=0.05)]
    assert own_part(measured) == pytest.approx(0.00075)
    assert own_limits(measured) == []
    measured.strains = [Strain(cpu=0.8, cpu_seconds=0.08)]
    assert own_limits(measured) == ["about 2.4 ms of the median of 10.0 ms is its own work"]
    # Others keep the processor from it.
    measured.strains = [Strain(cpu=0.01, cpu_seconds=0.001)]
    measured.strains[0].lag.add(0.006)
    assert own_limits(measured) == ["about 4.0 ms of the median of 10.0 ms is its own work"]


def test_arrivals_are_counted_not_summed_up() -> None:
    _, spike = SCENARIOS["spike"]
    times = list(spike.arrivals())
    assert len(times) == 30 * 20 + 20 * 200 + 40 * 20
    assert times == sorted(times)
    assert sum(30 <= at < 50 for at in times) == 4000
    assert list(SCENARIOS["steady"][1].scaled(peak=2, seconds=2).arrivals()) == [0, 0.5, 1, 1.5]


@pytest.mark.parametrize(
    ("highest", "across", "up"),
    [
        (119.7, ["0", "20", "40", "60", "80", "100"], ["0", "20", "40", "60", "80", "100", "120"]),
        (0.83, ["0", "0.2", "0.4", "0.6", "0.8"], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0, ["0"], ["0", "1"]),
    ],
)
def test_marks_of_a_plot_are_round_numbers(highest: float, across: list[str], up: list[str]) -> None:
    drawn = plot("times", Axis("", low=0.0), Axis("", low=0.0), [Line("p50", "#123456", [(0, 0), (highest, highest)])])
    assert re.findall(r'text-anchor="middle">([\d.]+)<', drawn) == across
    assert re.findall(r'text-anchor="end">([\d.]+)<', drawn) == up
    # The key has the colour of its line.
    assert drawn.count("#123456") == 2


def test_a_logarithmic_axis_has_decades() -> None:
    line = Line("all", "#000", [(0.002, 0.1), (4.0, 1.0)])
    drawn = plot("times", Axis("", logarithmic=True), Axis("", low=0.0), [line])
    assert re.findall(r'text-anchor="middle">([\d.]+)<', drawn) == ["0.01", "0.1", "1"]
    assert "nothing was measured" in plot("times", Axis(""), Axis(""), [Line("all", "#000", [])])


def test_tallies_keep_what_failed_apart() -> None:
    tally = Tally()
    tally.add(0.1, None)
    tally.add(0.1, "timeout")
    other = Tally()
    other.add(0.1, "timeout")
    tally.merge(other)
    assert (tally.requests, tally.answered, tally.failed, tally.errors) == (3, 1, 2, {"timeout": 2})
    assert tally.error_rate == pytest.approx(2 / 3)
