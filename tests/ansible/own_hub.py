"""A cluster that becomes its own hub, and the repository that it is to be kept equal to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ansible.conftest import MakePlayer
from tests.ansible.playing import Played, Player
from tests.cluster.argocd.conftest import SOONER, namespaces_of_operators
from tests.cluster.argocd.hub import Hub
from tests.cluster.argocd.installation import localise, one
from tests.cluster.argocd.repository import Repository
from tests.cluster.argocd.server import ArgoCD
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document, kustomize
from tests.tools.paths import tool

FORM = "argocd/install/one-node"
OPERATORS = "gitops/clusters/local/operators"
# It comes with the operators' definitions, since our operators are applications.
APPLICATIONS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "applications.argoproj.io")


@dataclass(frozen=True)
class OwnHub:
    """What an operator has: a cluster, a checkout, and this machine."""

    cluster: Cluster
    operator: Player
    repository: Repository

    def play(self, verb: str, *options: str, **variables: object) -> Played:
        return self.operator.play(verb, *options, **{**self.variables(), **variables})

    def variables(self) -> dict[str, object]:
        return {
            "bootstrap_kustomize": str(tool("kustomize")),
            "bootstrap_checkout": str(self.repository.clone),
            "bootstrap_wait_seconds": 240,
            "bootstrap_wait_pause": 1,
        }

    def installation(self) -> list[Document]:
        return kustomize(self.repository.clone / FORM)

    @contextmanager
    def argocd(self, programs: dict[str, Path], folder: Path) -> Iterator[Hub]:
        """Argo CD's real programs beside the cluster, which ask git sooner than in a cluster."""
        settings = self.installation()
        for name, sooner in SOONER.items():
            one(settings, "ConfigMap", name)["data"] |= sooner
        with ArgoCD(programs, settings, folder, self.cluster.kubeconfig) as running:
            yield Hub(self.cluster, running)


@pytest.fixture(scope="module")
def site(
    start_control_plane: StartControlPlane, player: MakePlayer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnHub]:
    """Operators' charts need the internet: the repository is without, and their kinds and namespaces are there."""
    repository = Repository(tmp_path_factory.mktemp("own-hub") / "repository")
    repository.read_from_here()
    localise(repository.clone / "argocd")
    repository.remove(OPERATORS)
    repository.commit("Install without the internet")
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(1, cpu="32", memory="64Gi")
        cluster.volumes(4)
        cluster.apply(namespaces_of_operators())
        cluster.delete(*APPLICATIONS)
        cluster.wait_until(lambda: cluster.get(*APPLICATIONS) is None, "the kind Application is gone")
        yield OwnHub(cluster, player(cluster), repository)
