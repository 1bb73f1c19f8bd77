"""`make bench` measures what it says, on a small scale."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.benchmarks.endpoints import Compared, Ratio, growth
from tests.benchmarks.history import plot

ROOT = Path(__file__).parents[2]
PATIENCE = 900


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_small_run_measures_everything_and_keeps_it(tmp_path: Path) -> None:
    few = ["--seconds", "0.05", "--requests", "100", "--jobs", "20"]
    ran = bench("--quick", *few, "--history", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    for said in ("list", "site", "job", "blueprint", "create", "api memory", "api ready", "queue:", "engine:"):
        assert said in ran.stdout, ran.stdout
    (people,) = (line for line in ran.stdout.splitlines() if line.startswith("web memory with 50 people"))
    assert people.endswith("goal 128 met"), people
    (text,), (drawing,) = tmp_path.glob("*.txt"), tmp_path.glob("*.svg")
    assert text.read_text() == ran.stdout
    assert len(ElementTree.fromstring(drawing.read_text()).findall("{*}rect")) == 1 + 5  # noqa: S314 - our own


def test_it_refuses_what_makes_no_sense() -> None:
    wrong = (["--sites", "5"], ["--sites", "2000", "1000"], ["--rounds", "0"], ["--jobs", "0"], ["--people", "0"])
    for arguments in wrong:
        assert bench(*arguments).returncode == 2


def test_it_ends_when_it_is_told_to_and_leaves_nothing_behind() -> None:
    # A socket's path is short: pytest's own folder is too deep; and root's PostgreSQL runs under another account.
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks", "--quick"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": folder},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr
        said = [child.stderr.readline()]
        while "seeding" not in said[-1]:
            assert said[-1], "".join(said)
            said.append(child.stderr.readline())
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=PATIENCE)
        assert child.returncode == 143
        assert list(Path(folder).iterdir()) == []


def test_growth_is_told_where_there_are_two_sizes() -> None:
    few, many = (_compared(sites, memory) for sites, memory in ((10_000, 0.4), (1_000_000, 0.3)))
    assert growth([few]) is None
    assert "0.75 goal 0.9 MISSED" in str(growth([few, many]))
    assert "1.00 goal 0.9 met" in str(growth([few, few]))


def test_a_plot_has_a_bar_for_each_result() -> None:
    drawing = ElementTree.fromstring(plot("today", [_compared(10_000, 0.4), _compared(100_000, 0.4)]))  # noqa: S314
    assert len(drawing.findall("{*}rect")) == 1 + 2


def _compared(sites: int, memory: float) -> Compared:
    every = Ratio(memory, memory, memory)
    return Compared(sites, "list", 100.0, every, every, {"service": 1.0}, 1.0)
