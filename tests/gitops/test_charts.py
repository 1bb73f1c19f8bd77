"""What charts make of our values, where a Go module carries the chart: a key that it does not know does nothing."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gitops.policies.containers import containers_state_what_they_need
from tests.gitops.policies.objects import workloads
from tests.gitops.policies.pods import (
    containers_drop_all_capabilities,
    nothing_runs_as_root,
    privileges_do_not_grow,
    system_calls_are_filtered,
)
from tests.gitops.rendering import CLUSTERS, Document, load, render
from tests.tools.paths import MISSING, tool
from tests.tools.paths import charts as collected

MODULES = Path(__file__).parents[1] / "tools" / "crds" / "go.mod"
CHARTS = {
    "cert-manager": "github.com/cert-manager/cert-manager",
    "envoy-gateway": "github.com/envoyproxy/gateway",
    "gateway-crds": "github.com/envoyproxy/gateway",
}
# Envoy Gateway's release puts these in.
PLACEHOLDERS = {"${GatewayImagePullPolicy}": "IfNotPresent", "${GatewayImage}": "docker.io/envoyproxy/gateway:v1.9.1"}

CASES = [(cluster, name) for cluster in CLUSTERS for name in CHARTS]


def version(chart: str) -> str:
    """The version of the module that carries a chart."""
    (found,) = re.findall(rf"^\s*{re.escape(CHARTS[chart])} (v\S+)$", MODULES.read_text("utf-8"), re.MULTILINE)
    return str(found)


def application(cluster: str, name: str) -> Document:
    (found,) = [d for d in render(cluster, "operators") if d["metadata"]["name"] == f"{cluster}-{name}"]
    return found


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The charts as their releases have them."""
    source = collected()
    if source is None:
        pytest.skip(f"the charts are not collected: {MISSING}")
    folder = tmp_path_factory.mktemp("charts")
    for name in CHARTS:
        shutil.copytree(source / name, folder / name)
        template = folder / name / "values.tmpl.yaml"
        if template.exists():
            text = template.read_text("utf-8")
            for placeholder, value in PLACEHOLDERS.items():
                text = text.replace(placeholder, value)
            (folder / name / "values.yaml").write_text(text)
    return {name: folder / name for name in CHARTS}


def template(chart: Path, source: Document, namespace: str) -> list[Document]:
    helm = tool("helm")
    if helm is None:
        pytest.skip(f"helm is not built: {MISSING}")
    values = yaml.safe_dump(source["helm"].get("valuesObject", {}))
    command = [str(helm), "template", source["helm"]["releaseName"], str(chart), "--namespace", namespace]
    command += ["--include-crds", "--kube-version", "1.36.0", "--values", "-"]
    done = subprocess.run(command, input=values, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return load(done.stdout)


@pytest.fixture(scope="module")
def installed(charts: dict[str, Path]) -> dict[tuple[str, str], list[Document]]:
    """What Argo CD would apply, for each cluster and chart."""
    rendered: dict[str, list[Document]] = {}
    found = {}
    for cluster, name in CASES:
        spec = application(cluster, name)["spec"]
        key = yaml.safe_dump([name, spec["source"]])
        if key not in rendered:
            rendered[key] = template(charts[name], spec["source"], spec["destination"]["namespace"])
        found[cluster, name] = rendered[key]
    return found


@pytest.mark.parametrize("name", CHARTS)
def test_the_version_installed_is_the_one_tested(name: str) -> None:
    for cluster in CLUSTERS:
        assert application(cluster, name)["spec"]["source"]["targetRevision"] == version(name)


@pytest.mark.parametrize(("cluster", "name"), CASES)
def test_charts_know_all_our_values(charts: dict[str, Path], cluster: str, name: str) -> None:
    known = yaml.safe_load((charts[name] / "values.yaml").read_text("utf-8"))
    values = application(cluster, name)["spec"]["source"]["helm"].get("valuesObject", {})
    assert list(unknown(values, known)) == []


def unknown(ours: dict[str, Any], theirs: dict[str, Any], path: str = "") -> list[str]:
    """Keys that are in no chart's values; below an empty mapping of the chart anything may stand."""
    found = []
    for key, value in ours.items():
        if theirs and key not in theirs:
            found.append(f"{path}{key}")
        elif isinstance(value, dict) and isinstance(theirs.get(key), dict):
            found += unknown(value, theirs[key], f"{path}{key}.")
    return found


@pytest.mark.parametrize(("cluster", "name"), CASES)
def test_containers_of_charts_are_as_ours_should_be(
    installed: dict[tuple[str, str], list[Document]], cluster: str, name: str
) -> None:
    documents = installed[cluster, name]
    assert bool(workloads(documents)) is (name != "gateway-crds")
    policies = (
        containers_state_what_they_need,
        containers_drop_all_capabilities,
        privileges_do_not_grow,
        nothing_runs_as_root,
        system_calls_are_filtered,
    )
    assert [str(violation) for policy in policies for violation in policy(documents)] == []


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_no_two_charts_bring_one_crd(installed: dict[tuple[str, str], list[Document]], cluster: str) -> None:
    owners: dict[str, list[str]] = {}
    for name in CHARTS:
        for document in installed[cluster, name]:
            if document["kind"] == "CustomResourceDefinition":
                owners.setdefault(document["metadata"]["name"], []).append(name)
    assert {crd: names for crd, names in owners.items() if len(names) > 1} == {}
    assert owners["gateways.gateway.networking.k8s.io"] == ["gateway-crds"]
    assert owners["envoyproxies.gateway.envoyproxy.io"] == ["gateway-crds"]
    assert owners["certificates.cert-manager.io"] == ["cert-manager"]
