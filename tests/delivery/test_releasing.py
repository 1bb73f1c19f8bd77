"""A release's commit and pull request, with real repositories; GitHub's command line only takes notes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.delivery.test_set_image import NAME, NEW, OLD, ROOT, SETTINGS

STAGING = SETTINGS.format("staging")
PRODUCTION = SETTINGS.format("production")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def clone(remote: Path, folder: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", remote, folder], check=True)
    git(folder, "config", "user.name", "bot")
    git(folder, "config", "user.email", "bot@example.com")
    return folder


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the real scripts and settings, and staging on an image."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", remote], check=True)
    seed = tmp_path / "seed"
    subprocess.run(["git", "clone", "--quiet", remote, seed], check=True, stderr=subprocess.DEVNULL)
    git(seed, "config", "user.name", "someone")
    git(seed, "config", "user.email", "someone@example.com")
    shutil.copytree(ROOT / ".ci", seed / ".ci")
    for path in ROOT.glob(SETTINGS.format("*")):
        (seed / path.relative_to(ROOT)).parent.mkdir(parents=True)
        shutil.copy(path, seed / path.relative_to(ROOT))
    (seed / "README.md").write_text("one\n")
    subprocess.run([seed / ".ci/set-image", "staging", f"{NAME}@{OLD}"], check=True)
    git(seed, "add", "--all")
    git(seed, "commit", "--quiet", "--message", "seed")
    git(seed, "push", "--quiet", "origin", "HEAD:main")
    return remote


@pytest.fixture
def runner(remote: Path, tmp_path: Path) -> Path:
    """What a workflow has checked out."""
    return clone(remote, tmp_path / "runner")


def commit_image(runner: Path, cluster: str = "staging", digest: str = NEW) -> subprocess.CompletedProcess[str]:
    command = [runner / ".ci/commit-image", cluster, f"{NAME}@{digest}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def changed(remote: Path, revision: str = "main") -> list[str]:
    return git(remote, "show", "--format=", "--name-only", revision).splitlines()


def test_the_digest_becomes_one_commit(remote: Path, runner: Path) -> None:
    (runner / "README.md").write_text("not to be committed\n")
    assert commit_image(runner).returncode == 0
    assert changed(remote) == [STAGING]
    assert NEW in git(remote, "show", f"main:{STAGING}")
    assert git(remote, "log", "-1", "--format=%s", "main") == f"Run {NEW} on staging"


def test_the_same_digest_makes_no_commit(remote: Path, runner: Path) -> None:
    before = git(remote, "rev-parse", "main")
    assert commit_image(runner, digest=OLD).returncode == 0
    assert git(remote, "rev-parse", "main") == before


def test_whoever_pushed_first_keeps_their_commit(remote: Path, runner: Path, tmp_path: Path) -> None:
    other = clone(remote, tmp_path / "other")
    (other / "README.md").write_text("two\n")
    git(other, "commit", "--quiet", "--all", "--message", "theirs")
    git(other, "push", "--quiet", "origin", "HEAD:main")
    assert commit_image(runner).returncode == 0
    assert git(remote, "log", "-2", "--format=%s", "main").splitlines() == [f"Run {NEW} on staging", "theirs"]
    assert git(remote, "show", "main:README.md") == "two"


def test_two_releases_at_once_do_not_mix(remote: Path, runner: Path, tmp_path: Path) -> None:
    other = clone(remote, tmp_path / "other")
    third = f"sha256:{'c' * 64}"
    assert commit_image(other, digest=third).returncode == 0
    assert commit_image(runner).returncode != 0
    assert third in git(remote, "show", f"main:{STAGING}")


def test_it_gives_up_where_nothing_may_be_pushed(remote: Path, runner: Path) -> None:
    hook = remote / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = git(remote, "rev-parse", "main")
    done = commit_image(runner)
    assert done.returncode == 1
    assert "did not take the commit" in done.stderr
    assert git(remote, "rev-parse", "main") == before


def test_a_refused_image_makes_no_commit(remote: Path, runner: Path) -> None:
    before = git(remote, "rev-parse", "main")
    assert commit_image(runner, digest="latest").returncode == 1
    assert git(runner, "rev-parse", "HEAD") == before
    assert git(runner, "status", "--porcelain") == ""


@pytest.fixture
def offer(runner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take notes in place of GitHub: `open` says how many pull requests there are."""
    notes, programs = tmp_path / "notes", tmp_path / "programs"
    notes.mkdir()
    (notes / "open").write_text("0\n")
    programs.mkdir()
    gh = programs / "gh"
    gh.write_text(f'#!/bin/sh\necho "$@" >>{notes}/calls\n[ "$2" != list ] || cat {notes}/open\n')
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return notes


def offer_image(runner: Path) -> subprocess.CompletedProcess[str]:
    command = [runner / ".ci/offer-image", "staging", "production"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_staging_runs_is_offered_to_production(remote: Path, runner: Path, offer: Path) -> None:
    main = git(remote, "rev-parse", "main")
    assert offer_image(runner).returncode == 0
    assert git(remote, "rev-parse", "main") == main
    assert changed(remote, "promote/production") == [PRODUCTION]
    assert OLD in git(remote, "show", f"promote/production:{PRODUCTION}")
    calls = (offer / "calls").read_text()
    assert f"pr create --head promote/production --base main --title Run {OLD} on production" in calls
    assert "workflow run ci.yml --ref promote/production" in calls


def test_a_newer_image_refreshes_the_offer(remote: Path, runner: Path, offer: Path) -> None:
    assert offer_image(runner).returncode == 0
    git(runner, "checkout", "--quiet", "-B", "main", "origin/main")
    assert commit_image(runner).returncode == 0
    (offer / "open").write_text("1\n")
    assert offer_image(runner).returncode == 0
    assert git(remote, "rev-list", "--count", "main..promote/production") == "1"
    assert NEW in git(remote, "show", f"promote/production:{PRODUCTION}")
    calls = (offer / "calls").read_text()
    assert calls.count("pr create") == 1
    assert f"pr edit promote/production --title Run {NEW} on production" in calls


def test_nothing_is_offered_to_who_has_it(remote: Path, runner: Path, offer: Path) -> None:
    assert commit_image(runner, "production", OLD).returncode == 0
    assert offer_image(runner).returncode == 0
    assert not (offer / "calls").exists()
    assert git(remote, "branch", "--list", "promote/*") == ""
