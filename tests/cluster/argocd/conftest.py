"""The real Argo CD on a control plane of its own, reading a bare clone of this repository."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.argocd.hub import Hub
from tests.cluster.argocd.installation import one, render_installation
from tests.cluster.argocd.repository import Repository
from tests.cluster.argocd.server import ArgoCD
from tests.cluster.argocd.standins import Operators
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.metrics import Metrics
from tests.gitops.rendering import Document, kustomize, render
from tests.tools.paths import MISSING, tool

# Argo CD asks git this often here; a webhook or a minute's wait does it in a cluster. An error that a minute's
# patience is for is told as soon.
SOONER = {
    "argocd-cm": {"timeout.reconciliation": "3s", "timeout.reconciliation.jitter": "0s"},
    "argocd-cmd-params-cm": {"controller.repo.error.grace.period.seconds": "3s"},
}
CONTAINERS = {"Deployment", "StatefulSet", "Service", "NetworkPolicy", "PodDisruptionBudget"}
ADVICE = {
    "redis-server": "install Redis (Debian: apt-get install redis-server)",
    "git": "install git",
    **dict.fromkeys(("argocd", "kustomize", "helm"), MISSING),
}


@pytest.fixture(scope="session")
def argocd_programs() -> dict[str, Path]:
    """Every program that Argo CD needs here, or a skip that says how to get it."""
    found = {name: shutil.which(name) for name in ("redis-server", "git")}
    found |= {name: str(path) if (path := tool(name)) else None for name in ("argocd", "kustomize", "helm")}
    for name, path in found.items():
        if path is None:
            pytest.skip(f"{name} is not there: {ADVICE[name]}")
    return {name: Path(path) for name, path in found.items() if path}


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """What a hub on one node gets, but for the polling."""
    documents = render_installation(tmp_path_factory.mktemp("installation"), "install/one-node")
    for name, settings in SOONER.items():
        one(documents, "ConfigMap", name)["data"] |= settings
    return documents


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("repository"))
    made.read_from_here()
    return made


@pytest.fixture(scope="module")
def hub(
    argocd_programs: dict[str, Path],
    installation: list[Document],
    repository: Repository,
    start_control_plane: StartControlPlane,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Hub]:
    """A cluster that is its own hub, with nothing applied by hand but Argo CD, the root, and what operators bring."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(1, cpu="32", memory="64Gi")
        cluster.volumes(4)
        cluster.apply([*namespaces_of_operators(), *(made for made in installation if made["kind"] not in CONTAINERS)])
        cluster.apply([registration("local")])
        argocd = ArgoCD(argocd_programs, installation, tmp_path_factory.mktemp("argocd") / "run", cluster.kubeconfig)
        metrics = Metrics(Cluster(cluster.kubeconfig, own=True), tmp_path_factory.mktemp("metrics"))
        with metrics, argocd, Operators(Cluster(cluster.kubeconfig, own=True)):
            cluster.apply(bootstrap(repository))
            yield Hub(cluster, argocd)


def bootstrap(repository: Repository) -> list[Document]:
    """What is applied by hand, once: the root application and its project."""
    return [one for one in kustomize(repository.clone / "argocd") if one["metadata"]["name"] == "root"]


def registration(cluster: str) -> Document:
    """The Secret by which Argo CD knows a cluster; here the one that it runs in."""
    labels = {
        "argocd.argoproj.io/secret-type": "cluster",
        "webintel.io/cluster": cluster,
        "webintel.io/environment": cluster,
        "webintel.io/region": cluster,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": cluster, "namespace": "argocd", "labels": labels},
        "stringData": {"name": cluster, "server": "https://kubernetes.default.svc", "config": "{}"},
    }


def namespaces_of_operators(cluster: str = "local") -> list[Document]:
    """Those that the operators' charts would make."""
    names = {
        one["spec"]["destination"]["namespace"]
        for one in render(cluster, "operators")
        if "CreateNamespace=true" in one["spec"]["syncPolicy"]["syncOptions"]
    }
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(names)]
