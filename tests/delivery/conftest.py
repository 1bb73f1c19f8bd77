"""The image, made once by following the Dockerfile, and a real PostgreSQL that its user may reach."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.delivery.build_context import copy_context
from tests.delivery.image import Image, build
from webintel.db.embedded import TEST_OPTIONS, EmbeddedServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that accounts other than ours may enter."""
    path = Path(tempfile.mkdtemp(prefix="webintel-image-"))
    path.chmod(0o755)
    yield path
    remove(path)


def remove(path: Path) -> None:
    """Remove a tree of which parts are read-only."""
    for found in path.rglob("*"):
        if found.is_dir() and not found.is_symlink():
            found.chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def context(folder: Path) -> Path:
    """What a build sees, kept aside so that two builds see the same."""
    return copy_context(ROOT, folder / "context")


@pytest.fixture(scope="session")
def builds(folder: Path, context: Path) -> tuple[dict[str, str], Image]:
    """The contents of a first build, and a second one in the same place."""
    root = folder / "image"
    root.mkdir()
    first = build(root, context).contents()
    shutil.rmtree(root)
    root.mkdir()
    return first, build(root, context)


@pytest.fixture(scope="session")
def image(builds: tuple[dict[str, str], Image]) -> Image:
    """The image, as nobody can change it any more."""
    made = builds[1]
    for path in (made.root / "opt").rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return made


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A real server, reachable by every account."""
    folder = Path(tempfile.mkdtemp(prefix="webintel-test-"))
    try:
        with EmbeddedServer(folder, options=TEST_OPTIONS | {"unix_socket_permissions": "0777"}) as server:
            Path(parse_qs(urlsplit(server.url).query)["host"][0]).chmod(0o755)
            folder.chmod(0o711)
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)
