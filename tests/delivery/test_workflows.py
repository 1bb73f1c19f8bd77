"""The workflows: pinned, with few rights, and no loop."""

import json
import re
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FILES = sorted((GITHUB / "workflows").iterdir())
PINNED = re.compile(r"(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OURS = re.compile(r"uses: \$/\.github/workflows/(\w+\.yml)$")

Workflow = dict[Any, Any]


def load(name: str) -> Workflow:
    loaded = yaml.safe_load((GITHUB / "workflows" / name).read_text())
    assert isinstance(loaded, dict)
    # YAML 1.1 reads the key `on` as true.
    return {"on": loaded.pop(True), **loaded}


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts"), "zizmor")
    if not program.exists():
        pytest.skip("zizmor is not installed: run `make setup`.")
    return subprocess.run(
        [program, "--offline", "--persona=auditor", "--format=json", folder],
        capture_output=True,
        text=True,
        check=False,
    )


def vendored(name: str) -> dict[str, Any]:
    package = find_spec("check_jsonschema")
    if package is None or package.origin is None:
        pytest.skip("The schemas of workflows and of Renovate come with check-jsonschema: run `make setup`.")
    path = Path(package.origin).parent / f"builtin_schemas/vendor/{name}.json"
    return dict(json.loads(path.read_text()))


def test_zizmor_finds_nothing_even_in_its_strictest_mood() -> None:
    done = zizmor(GITHUB)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == []


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - uses: actions/checkout@v5\n      - run: echo ${{ github.event.pull_request.title }}\n"
    )
    done = zizmor(tmp_path / "bad.yml")
    assert done.returncode != 0
    found = {finding["ident"] for finding in json.loads(done.stdout)}
    assert {"dangerous-triggers", "template-injection", "unpinned-uses", "artipacked"} <= found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_workflow_is_valid(path: Path) -> None:
    jsonschema.Draft7Validator(vendored("github-workflows")).validate(
        json.loads(json.dumps(load(path.name), default=str))
    )


def test_renovates_settings_are_valid() -> None:
    jsonschema.Draft7Validator(vendored("renovate")).validate(json.loads((GITHUB / "renovate.json").read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    used = [line.strip() for line in path.read_text().splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert used
    for line in used:
        ours = OURS.fullmatch(line)
        assert ours is None or (GITHUB / "workflows" / ours.group(1)).exists()
        assert ours or PINNED.fullmatch(line), line


def test_one_version_of_each_action() -> None:
    used = {
        line.split("uses: ")[1]
        for path in FILES
        for line in path.read_text().splitlines()
        if PINNED.fullmatch(line.strip())
    }
    names = [line.split("@")[0] for line in used]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_rights_are_given_to_jobs_one_by_one(path: Path) -> None:
    workflow = load(path.name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for job in workflow["jobs"].values():
        rights = job.get("permissions", workflow["permissions"])
        assert isinstance(rights, dict)
        if "steps" in job:
            assert job["timeout-minutes"] <= 90
            assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])


def test_who_builds_may_not_change_the_repository() -> None:
    jobs = load("release.yml")["jobs"]
    assert jobs["image"]["permissions"] == {"contents": "read", "packages": "write", "id-token": "write"}
    assert jobs["staging"]["permissions"] == {"contents": "write"}
    assert jobs["check"]["permissions"] == {"contents": "read"}


def test_nothing_of_a_pull_request_reaches_a_job_with_rights() -> None:
    triggers = {path.name: set(load(path.name)["on"]) for path in FILES}
    assert {name for name, on in triggers.items() if "pull_request" in on} == {"ci.yml"}
    assert not any(on & {"pull_request_target", "workflow_run", "issue_comment"} for on in triggers.values())


def test_a_release_is_tested_scanned_and_signed_before_staging_gets_it() -> None:
    jobs = load("release.yml")["jobs"]
    assert (jobs["image"]["needs"], jobs["staging"]["needs"], jobs["production"]["needs"]) == (
        "check",
        "image",
        "staging",
    )
    steps = [step.get("uses", step.get("run", "")) for step in jobs["image"]["steps"]]
    order = [
        "docker/build-push-action",
        ".ci/compose-secrets",
        "anchore/scan-action",
        "docker/build-push-action",
        "cosign sign",
    ]
    places = []
    for wanted in order:
        start = places[-1] + 1 if places else 0
        places.append(next(i for i in range(start, len(steps)) if wanted in steps[i]))
    assert places == sorted(places)
    scan, push = (jobs["image"]["steps"][places[i]]["with"] for i in (2, 3))
    assert scan["severity-cutoff"] == "high"
    assert push["sbom"] is True
    assert push["provenance"] == "mode=max"
    assert "push=true" in push["outputs"]
    build = jobs["image"]["steps"][places[0]]["with"]
    assert "push=true" not in build["outputs"]
    assert {name: build[name] for name in ("context", "file", "build-args")} == {
        name: push[name] for name in ("context", "file", "build-args")
    }


def test_the_commit_of_a_digest_starts_no_release() -> None:
    ignored = load("release.yml")["on"]["push"]["paths-ignore"]
    assert "gitops/**" in ignored
    assert load("ci.yml")["on"]["push"]["paths"] == ignored
    for path in (ROOT / "gitops/clusters").glob("*/settings/kustomization.yaml"):
        assert path.relative_to(ROOT).parts[0] == "gitops"


def test_a_promotion_does_not_start_itself_again() -> None:
    promote = load("promote.yml")
    assert promote["on"]["push"]["paths"] == ["gitops/clusters/production/settings/kustomization.yaml"]
    assert promote["jobs"]["offer"]["env"]["TO"].endswith("|| 'production-eu' }}")


def test_releases_wait_for_each_other() -> None:
    concurrency = load("release.yml")["concurrency"]
    assert concurrency == {"group": "release", "cancel-in-progress": False}
    assert load("ci.yml")["concurrency"]["group"] != concurrency["group"]


def test_production_gets_what_our_own_workflow_signed() -> None:
    steps = [step.get("run", "") for step in load("promote.yml")["jobs"]["offer"]["steps"]]
    verify = next(i for i, run in enumerate(steps) if "cosign verify" in run)
    offer = next(i for i, run in enumerate(steps) if ".ci/offer-image" in run)
    assert verify < offer
    assert "/.github/workflows/release.yml@refs/heads/main" in steps[verify]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shell_sees_values_only_through_the_environment(path: Path) -> None:
    runs = [step["run"] for job in load(path.name)["jobs"].values() for step in job.get("steps", []) if "run" in step]
    assert not [run for run in runs if "${{" in run]


def test_every_script_that_a_workflow_calls_is_there() -> None:
    called = {name for path in FILES for name in re.findall(r"\.ci/[\w-]+", path.read_text())}
    assert called
    assert all((ROOT / name).stat().st_mode & 0o100 for name in called)
