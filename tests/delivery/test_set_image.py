"""A release changes one line of one file, and nothing when something is not as expected."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NAME = "ghcr.io/webintel/webintel"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
NONE_YET = f"sha256:{'0' * 64}"
SETTINGS = "gitops/clusters/{}/settings/kustomization.yaml"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts and the settings of the real clusters."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for path in ROOT.glob(SETTINGS.format("*")):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    return tmp_path


def call(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([checkout / ".ci/set-image", *arguments], capture_output=True, text=True, check=False)


def settings(checkout: Path, cluster: str) -> Path:
    return checkout / SETTINGS.format(cluster)


@pytest.mark.parametrize("cluster", ["local", "staging", "production", "production-eu"])
def test_one_line_of_the_cluster_changes(checkout: Path, cluster: str) -> None:
    before = {path: path.read_text() for path in checkout.rglob("*.yaml")}
    done = call(checkout, cluster, f"{NAME}@{NEW}")
    assert done.returncode == 0
    assert cluster in done.stdout
    assert NEW in done.stdout
    changed = {path: text for path, text in before.items() if path.read_text() != text}
    assert list(changed) == [settings(checkout, cluster)]
    lines = zip(changed.popitem()[1].splitlines(), settings(checkout, cluster).read_text().splitlines(), strict=True)
    assert [new.strip() for old, new in lines if old != new] == [f"digest: {NEW}"]
    images = yaml.safe_load(settings(checkout, cluster).read_text())["images"]
    assert {"name": "webintel", "newName": NAME, "digest": NEW} in images


def test_the_same_image_again_changes_nothing(checkout: Path) -> None:
    call(checkout, "staging", f"{NAME}@{NEW}")
    written = settings(checkout, "staging").stat().st_mtime_ns
    done = call(checkout, "staging", f"{NAME}@{NEW}")
    assert done.returncode == 0
    assert "already" in done.stdout
    assert settings(checkout, "staging").stat().st_mtime_ns == written


def test_what_one_cluster_runs_can_be_given_to_the_next(checkout: Path) -> None:
    call(checkout, "staging", f"{NAME}@{NEW}")
    image = call(checkout, "staging").stdout.strip()
    assert image == f"{NAME}@{NEW}"
    assert call(checkout, "production", image).returncode == 0
    assert call(checkout, "production").stdout.strip() == image


def test_comments_and_other_images_stay(checkout: Path) -> None:
    file = settings(checkout, "staging")
    text = (
        "# about this file\nkind: Component\nimages:\n"
        f"  - name: other\n    newName: example.org/other\n    digest: {OLD}\n"
        f"  - name: webintel\n    newName: {NAME}\n    digest: {OLD} # released\n"
        f"  - name: webintel-tools\n    newName: {NAME}-tools\n    digest: {OLD}\n"
    )
    file.write_text(text)
    assert call(checkout, "staging", f"{NAME}@{NEW}").returncode == 0
    assert file.read_text() == text.replace(f"{OLD} # released", f"{NEW} # released")


@pytest.mark.parametrize(
    ("cluster", "image", "reason"),
    [
        ("staging", f"{NAME}:latest", "by digest"),
        ("staging", NAME, "by digest"),
        ("staging", f"{NAME}@sha256:abc", "by digest"),
        ("staging", f"{NAME}@{NEW.upper()}", "by digest"),
        ("staging", f"{NAME}@{NEW}\n", "by digest"),
        ("staging", f"{NAME}@{NONE_YET}", "by digest"),
        ("staging", f"example.org/webintel@{NEW}", "takes its image from"),
        ("moon", f"{NAME}@{NEW}", "there is no cluster"),
        ("../staging", f"{NAME}@{NEW}", "there is no cluster"),
        ("", f"{NAME}@{NEW}", "there is no cluster"),
    ],
)
def test_what_makes_no_sense_is_refused(checkout: Path, cluster: str, image: str, reason: str) -> None:
    before = {path: path.read_text() for path in checkout.rglob("*.yaml")}
    done = call(checkout, cluster, image)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: path.read_text() for path in checkout.rglob("*.yaml")} == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "images: []\n",
        f"images:\n  - name: webintel\n    newName: {NAME}\n    newTag: latest\n",
        f"images:\n  - name: webintel\n    digest: {OLD}\n    newName: {NAME}\n",
        f"images:\n  - name: webintel\n    newName: {NAME}\n    digest: {OLD}x\n",
        2 * f"  - name: webintel\n    newName: {NAME}\n    digest: {OLD}\n",
    ],
)
def test_a_file_of_another_form_is_left_alone(checkout: Path, text: str) -> None:
    settings(checkout, "staging").write_text(text)
    done = call(checkout, "staging", f"{NAME}@{NEW}")
    assert done.returncode == 1
    assert "expected one entry" in done.stderr
    assert settings(checkout, "staging").read_text() == text


def test_a_cluster_before_its_first_release_has_nothing_to_give(checkout: Path) -> None:
    file = settings(checkout, "staging")
    file.write_text(f"images:\n  - name: webintel\n    newName: {NAME}\n    digest: {NONE_YET}\n")
    done = call(checkout, "staging")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no image yet" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--help"], ["staging", f"{NAME}@{NEW}", "more"]])
def test_anything_else_prints_how_to_use_it(checkout: Path, arguments: list[str]) -> None:
    done = call(checkout, *arguments)
    assert done.returncode == 2
    assert ".ci/set-image staging" in done.stderr
