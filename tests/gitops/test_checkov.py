"""Checkov on what clusters render, on the image's recipe and on the workflows; for its size in an environment apart."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gitops.cases import FIXTURES
from tests.gitops.rendering import CLUSTERS, ROOT, render, units

CHECKOV = "checkov==3.3.30"
# What checkov itself needs is taken as it was on this day.
AS_OF = "2026-11-23"
FRAMEWORKS = ("kubernetes", "dockerfile", "github_actions")
UNREACHABLE = re.compile(
    r"Failed to fetch|error sending request|dns error|No route to host|timed out|Network is unreachable"
)
# The units that hold objects which checkov knows in every cluster.
KNOWN_UNITS = ("data", "secrets", "workloads")
CARELESS = "kubernetes/careless.yaml"


@dataclass(frozen=True)
class Finding:
    """One check of one object."""

    check: str
    name: str
    file: str
    resource: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.resource}: {self.check} {self.name}"


@dataclass(frozen=True)
class Findings:
    """What checkov says, the careless example apart."""

    failed: list[Finding]
    skipped: list[Finding]
    passed: list[Finding]
    unread: list[str]

    def of(self, file: str) -> list[Finding]:
        return [finding for finding in self.failed if finding.file == file]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """One run over everything: loading checkov takes longer than checking."""
    uv = next(filter(None, (shutil.which(str(ROOT / ".bootstrap" / "bin" / "uv")), shutil.which("uv"))), None)
    if uv is None:
        pytest.skip("checkov is started by uv, which is not here: run `make setup`")
    folder = tmp_path_factory.mktemp("checkov")
    collect(folder)
    own = [
        "tool",
        "run",
        "--no-python-downloads",
        "--python",
        sys.executable,
        "--exclude-newer",
        AS_OF,
        "--from",
        CHECKOV,
    ]
    scan = ["checkov", "--framework", *FRAMEWORKS, "--compact", "--skip-download", "-o", "json", "-d", "."]
    done = subprocess.run([uv, *own, *scan], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if not done.stdout and UNREACHABLE.search(done.stderr):
        pytest.skip(f"checkov cannot be fetched: let uv reach PyPI once ({done.stderr.strip().splitlines()[-1]})")
    return read(done.stdout or pytest.fail(done.stderr))


def collect(folder: Path) -> None:
    (folder / "kubernetes").mkdir()
    for cluster in CLUSTERS:
        for unit in units(cluster):
            text = yaml.safe_dump_all(render(cluster, unit), sort_keys=False)
            (folder / "kubernetes" / f"{cluster}-{unit}.yaml").write_text(text, "utf-8")
    shutil.copy(FIXTURES / "checkov" / "careless.yaml", folder / CARELESS)
    for path in ("service/Dockerfile", ".github/workflows"):
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, folder / path)
        elif (ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True)
            shutil.copy(ROOT / path, folder / path)


def read(output: str) -> Findings:
    reports = json.loads(output)
    reports = reports if isinstance(reports, list) else [reports]

    def every(outcome: str) -> list[Finding]:
        return [_finding(found) for report in reports for found in report["results"][outcome]]

    unread = [file for report in reports for file in report["results"]["parsing_errors"]]
    return Findings(every("failed_checks"), every("skipped_checks"), every("passed_checks"), unread)


def _finding(found: dict[str, Any]) -> Finding:
    reason = found["check_result"].get("suppress_comment") or ""
    return Finding(found["check_id"], found["check_name"], found["file_path"].lstrip("/"), found["resource"], reason)


def test_nothing_is_found(findings: Findings) -> None:
    faults = [str(finding) for finding in findings.failed if finding.file != CARELESS]
    assert not faults, "\n".join(sorted(faults))


def test_everything_was_read(findings: Findings) -> None:
    assert findings.unread == []
    seen = {finding.file for finding in findings.passed}
    # The units that hold nothing that checkov knows are left out: Applications, routes, rules.
    expected = {
        f"kubernetes/{cluster}-{unit}.yaml" for cluster in CLUSTERS for unit in ("data", "secrets", "workloads")
    }
    assert expected <= seen


def test_each_skipped_check_has_its_reason(findings: Findings) -> None:
    """Written beside it, as `checkov.io/skip1: CKV_K8S_38=asks the API server for ...`."""
    bare = [str(finding) for finding in findings.skipped if len(finding.reason.split()) < 4]
    assert not bare, "\n".join(bare)


def test_our_workloads_skip_nothing(findings: Findings) -> None:
    skipped = [str(finding) for finding in findings.skipped if finding.file.endswith("-workloads.yaml")]
    assert not skipped, "\n".join(skipped)


def test_the_careless_example_is_found(findings: Findings) -> None:
    ids = {finding.check for finding in findings.of(CARELESS)}
    assert {"CKV_K8S_8", "CKV_K8S_14", "CKV_K8S_16", "CKV_K8S_22"} <= ids
    assert "CKV_K8S_43" not in ids
