"""The image, made once by following the Dockerfile, and a real PostgreSQL that its user may reach."""

import shutil
import subprocess
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
    subprocess.run(["chmod", "-R", "u+w", path], check=True)
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
    return first, build(root, context)


@pytest.fixture(scope="session")
def image(builds: tuple[dict[str, str], Image]) -> Image:
    """The image, as nobody can change it any more."""
    made = builds[1]
    subprocess.run(["chmod", "-R", "a-w", made.root / "opt"], check=True)
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
