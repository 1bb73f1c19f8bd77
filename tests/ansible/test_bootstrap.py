"""From an empty cluster to the real Argo CD at work, as an operator does it; pods are kwok's, Argo CD is real."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import Played, Player
from tests.cluster.argocd.conftest import SOONER, argocd_programs
from tests.cluster.argocd.installation import localise, one, render_installation
from tests.cluster.argocd.repository import Repository
from tests.cluster.argocd.server import ArgoCD
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document
from tests.tools.paths import tool

__all__ = ["argocd_programs"]

API = "argoproj.io/v1alpha1"
KINDS = (
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)
PATIENTLY = {"bootstrap_wait_pause": 1, "bootstrap_wait_seconds": 120}


class Site(NamedTuple):
    """An empty cluster, and a repository as an operator has it."""

    cluster: Cluster
    operator: Player
    repository: Repository
    install: Path

    def bootstrap(self, *options: str, **variables: object) -> Played:
        return self.operator.play("bootstrap", *options, **{**self.variables(), **PATIENTLY, **variables})

    def variables(self) -> dict[str, str]:
        return {
            "bootstrap_kustomize": str(tool("kustomize")),
            "bootstrap_install": str(self.install),
            "bootstrap_argocd": str(self.repository.clone / "argocd"),
        }

    def root(self) -> Document:
        return self.cluster.get(API, "Application", "root", "argocd") or {}


@pytest.fixture(scope="module")
def site(
    start_control_plane: StartControlPlane, player: MakePlayer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("operator-site")
    repository = Repository(folder / "repository")
    repository.read_from_here()
    install = localise(folder / "argocd") / "install" / "one-node"
    with start_control_plane() as cluster:
        cluster.nodes(1)
        yield Site(cluster, player(cluster), repository, install)


def test_from_nothing_to_argo_cd_at_work(site: Site, argocd_programs: dict[str, Path], tmp_path: Path) -> None:
    before = written(site.cluster, *KINDS)
    rehearsed = site.bootstrap("--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert rehearsed.changed == 2
    assert "and register local" in rehearsed.told
    assert set(written(site.cluster, *KINDS)) == set(before)

    killed = site.operator.interrupt(
        "bootstrap",
        lambda: site.cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "appprojects.argoproj.io"),
        **site.variables(),
        **PATIENTLY,
    )
    assert killed.code != 0

    alone = site.bootstrap(bootstrap_wait_seconds=5)
    assert alone.code == 2
    assert "Application root is not looked at yet" in alone.told
    assert site.repository.url in alone.told
    assert alone.changed > 0

    settings = render_installation(tmp_path / "installation", "install/one-node")
    for name, sooner in SOONER.items():
        one(settings, "ConfigMap", name)["data"] |= sooner
    with ArgoCD(argocd_programs, settings, tmp_path / "run", site.cluster.kubeconfig):
        done = site.bootstrap()
        assert (done.code, done.changes()) == (0, [])
        assert site.root()["status"]["sync"]["status"] == "Synced"
        assert {"local-foundation", "local-workloads", "local-operators"} <= names(site.cluster)
    # What Argo CD has written since is no conflict, and nothing that a second run would take back.
    rehearsed = site.bootstrap("--check", "--diff")
    assert (rehearsed.code, rehearsed.changes()) == (0, [])
    assert owners(site.cluster.get("apps/v1", "Deployment", "argocd-repo-server", "argocd")) >= {"argocd-controller"}


def names(cluster: Cluster) -> set[str]:
    return {one["metadata"]["name"] for one in cluster.all(API, "Application", "argocd")}


def owners(document: Document | None) -> set[str]:
    assert document
    return {one["manager"] for one in document["metadata"]["managedFields"]}


def test_a_machine_that_renders_nothing_is_told_what_to_install(site: Site, tmp_path: Path) -> None:
    for program in Path("/usr/bin").iterdir():
        if program.name not in {"kubectl", "kustomize"}:
            (tmp_path / program.name).symlink_to(program)
    bare = replace(site.operator, path=str(tmp_path))
    refused = bare.play("bootstrap", **{**site.variables(), "bootstrap_kustomize": str(tmp_path / "nothing")})
    assert refused.code == 2
    assert refused.failures() == ["preflight : Tell all problems"]
    assert "Neither kustomize nor kubectl is on this machine" in refused.told
