"""Who is told what: the rules, judged by promtool, and the routes, judged by amtool."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gitops.rendering import GITOPS, kustomize
from tests.tools.paths import MISSING, tool

BASE = GITOPS / "base" / "monitoring"
RUNBOOKS = "https://github.com/webintel/webintel/blob/main/gitops/base/monitoring/runbooks/"
CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
SEVERITIES = {"critical", "warning", "none"}
# Fires always, which is what it is for.
ALWAYS = {"Watchdog"}


def command(name: str) -> str:
    built = tool(name)
    if built is None:
        pytest.skip(f"{name} is not built: {MISSING}")
    return str(built)


@pytest.fixture(scope="module")
def rules() -> dict[str, list[dict[str, Any]]]:
    """The groups of each PrometheusRule."""
    documents = [document for document in kustomize(BASE) if document["kind"] == "PrometheusRule"]
    return {document["metadata"]["name"]: document["spec"]["groups"] for document in documents}


@pytest.fixture(scope="module")
def alerts(rules: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [rule for groups in rules.values() for group in groups for rule in group["rules"] if "alert" in rule]


@pytest.fixture(scope="module")
def alertmanager() -> dict[str, Any]:
    (application,) = kustomize(GITOPS / "operators" / "kube-prometheus-stack")
    return application["spec"]["source"]["helm"]["valuesObject"]["alertmanager"]


@pytest.fixture(scope="module")
def alertmanager_file(alertmanager: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("alertmanager") / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(alertmanager["config"]))
    return file


def test_each_alert_says_how_bad_it_is_and_what_to_do(alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        assert alert["labels"]["severity"] in SEVERITIES, alert["alert"]
        assert alert["annotations"]["summary"], alert["alert"]
        assert alert["annotations"]["description"], alert["alert"]
        url = alert["annotations"]["runbook_url"]
        assert url.startswith(RUNBOOKS), alert["alert"]
        assert (BASE / "runbooks" / url.removeprefix(RUNBOOKS)).is_file(), url


def test_each_runbook_is_named_by_an_alert(alerts: list[dict[str, Any]]) -> None:
    named = {alert["annotations"]["runbook_url"].removeprefix(RUNBOOKS) for alert in alerts}
    assert {file.name for file in (BASE / "runbooks").iterdir()} == named


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alerts: list[dict[str, Any]]) -> None:
    cases = [
        case
        for file in CASES
        for world in yaml.safe_load(file.read_text())["tests"]
        for case in world["alert_rule_test"]
    ]
    for alert in alerts:
        fires = {bool(case["exp_alerts"]) for case in cases if case["alertname"] == alert["alert"]}
        assert fires == ({True} if alert["alert"] in ALWAYS else {True, False}), alert["alert"]


@pytest.mark.parametrize("case", CASES, ids=lambda file: file.stem)
def test_the_rules_fire_when_they_should(case: Path, rules: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    promtool = command("promtool")
    for name, groups in rules.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"groups": groups}, sort_keys=False))
    shutil.copy(case, tmp_path / "case.yaml")
    tested = subprocess.run(
        [promtool, "test", "rules", "case.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_rules_are_well_formed(rules: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    promtool = command("promtool")
    groups = [group for found in rules.values() for group in found]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}, sort_keys=False))
    checked = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alertmanager_accepts_its_configuration(alertmanager_file: Path) -> None:
    amtool = command("amtool")
    done = subprocess.run(
        [amtool, "check-config", str(alertmanager_file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("receiver", "labels"),
    [
        ("pagerduty-high", ["severity=critical", "alertname=BackupTooOld"]),
        ("pagerduty-high", ["severity=critical", "alertname=ErrorRateHigh", "service=api", "needs=database"]),
        ("pagerduty-high", ["severity=critical", "alertname=WarningUnattended", "warning=DiskFills"]),
        ("pagerduty-low", ["severity=warning", "alertname=CertificateExpiresSoon"]),
        ("pagerduty-low", ["severity=warning", "alertname=RequestsSlow", "service=api", "needs=database"]),
        ("pagerduty-low", ["alertname=SomethingWithoutSeverity"]),
        ("nobody", ["severity=info", "alertname=Chatter"]),
        ("nobody", ["severity=none", "alertname=BudgetSpentByOutage"]),
        ("dead-mans-switch", ["severity=none", "alertname=Watchdog"]),
    ],
)
def test_an_alert_reaches_whom_its_severity_names(alertmanager_file: Path, receiver: str, labels: list[str]) -> None:
    amtool = command("amtool")
    done = subprocess.run(
        [
            amtool,
            "config",
            "routes",
            "test",
            f"--config.file={alertmanager_file}",
            f"--verify.receivers={receiver}",
            *labels,
        ],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_keys_come_from_files_of_a_mounted_secret(alertmanager: dict[str, Any]) -> None:
    mounted = [f"/etc/alertmanager/secrets/{name}/" for name in alertmanager["alertmanagerSpec"]["secrets"]]
    receivers = alertmanager["config"]["receivers"]
    files = [
        entry[key]
        for receiver in receivers
        for key, entries in (("routing_key_file", "pagerduty_configs"), ("url_file", "webhook_configs"))
        for entry in receiver.get(entries, [])
    ]
    assert len(files) == 3
    assert all(any(file.startswith(folder) for folder in mounted) for file in files)
