"""Only what the image needs reaches its build, whatever lies around."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.delivery.build_context import context_files

ROOT = Path(__file__).parents[2]
NEEDED = {"LICENSE", "README.md", "pyproject.toml", "uv.lock"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout as developers have it: full of what is nobody else's business."""
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    wanted = [*NEEDED, "service/webintel/cli.py", "service/webintel/web/static/style.css"]
    unwanted = [
        *(".env", ".git/config", ".secrets/secret-key", ".venv/bin/python", "compose.yaml", "gitops/base/x.yaml"),
        *("service/Dockerfile", "service/notes.txt", "tests/test_x.py", "service/webintel/.env", "id_rsa"),
        *("service/webintel/__pycache__/cli.pyc", "service/webintel/db/old.pyc", "service/webintel/.mypy_cache/x"),
    ]
    for name in (*wanted, *unwanted):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path


def test_only_what_is_named_enters(checkout: Path) -> None:
    assert set(context_files(checkout)) == {
        *NEEDED,
        "service/webintel/cli.py",
        "service/webintel/web/static/style.css",
    }


def test_the_whole_package_enters() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "service/webintel"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("This is no git checkout: clone the repository to run this test.")
    there = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    found = set(context_files(ROOT))
    assert there <= found
    assert {name for name in found if not name.startswith("service/webintel/")} == NEEDED


@pytest.mark.parametrize(
    ("rules", "name", "enters"),
    [
        ("*\n!a", "a", True),
        ("*\n!a", "b", False),
        ("*\n!a/b", "a/b/c", True),
        ("*\n!a/b", "a/c", False),
        ("**/x", "a/b/x", False),
        ("**/x", "x", False),
        ("**/.*", "a/.b/c", False),
        ("*.md\n!README.md", "README.md", True),
        ("*.md", "a/b.md", True),
        ("**/*.py[cod]", "a/b.pyc", False),
        ("!a\n*", "a", False),
    ],
)
def test_rules_are_read_as_container_engines_do(tmp_path: Path, rules: str, name: str, enters: bool) -> None:
    (tmp_path / ".dockerignore").write_text(rules)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("x")
    assert (name in context_files(tmp_path)) is enters
