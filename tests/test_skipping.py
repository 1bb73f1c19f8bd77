"""Where everything has to be installed, a test that is skipped is one that failed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
CONFIGURATION = "[pytest]\nmarkers = root_only\n"
TESTS = """
import pytest

@pytest.fixture
def tool():
    pytest.skip("the tool is not built: run make test-tools")

def test_with_a_tool(tool): ...

def test_that_finds_out():
    pytest.skip("the other tool is not built")

def test_that_runs(): ...
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder)
    (folder / "pytest.ini").write_text(CONFIGURATION)
    (folder / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_tool_that_is_not_there_skips_what_needs_it(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == pytest.ExitCode.OK
    assert "1 passed, 2 skipped" in done.stdout


def test_nothing_may_be_skipped_in_ci(tmp_path: Path) -> None:
    done = run(tmp_path, "--skip-nothing")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 1 failed, 1 error" in done.stdout or "1 failed, 1 passed, 1 error" in done.stdout
    assert "the tool is not built: run make test-tools" in done.stdout
    assert "the other tool is not built" in done.stdout
