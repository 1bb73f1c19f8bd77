"""A cluster that becomes its own hub, and the repository that it is to be kept equal to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ansible.playing import Played, Player
from tests.ansible.webintel_up import Platform
from tests.cluster.argocd.conftest import SOONER, namespaces_of_operators
from tests.cluster.argocd.hub import Hub
from tests.cluster.argocd.installation import localise, one
from tests.cluster.argocd.repository import Repository
from tests.cluster.argocd.server import ArgoCD
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document, kustomize, render
from tests.tools.paths import tool
from webintel.demo.shop import DOMAIN

CLUSTER = "staging"
FORM = "argocd/install/one-node"
# It comes with the operators' definitions, since our operators are applications.
APPLICATIONS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "applications.argoproj.io")
# What nobody can make up, and a private repository's token.
VAULT = {
    "vault_backup_store_access_key_id": "key-of-the-backup-store",
    "vault_backup_store_secret_access_key": "secret-of-the-backup-store",
    "vault_pagerduty_routing_key": "routing-key-of-pagerduty",
    "vault_pagerduty_dead_mans_switch_url": "https://switch.invalid/of-nobody",
    "vault_repository_password": "token-of-a-private-repository",
}


@dataclass(frozen=True)
class OwnHub:
    """What an operator has: a cluster, a checkout, this machine, and a platform that answers at an address."""

    cluster: Cluster
    operator: Player
    repository: Repository
    platform: Platform

    def site(self, *options: str, **variables: object) -> Played:
        """Run all of it; no secret is ever in what Ansible says."""
        done = self.operator.play("site", *options, **{**self.variables(), **variables})
        assert self.secrets_in(done) == []
        return done

    def variables(self) -> dict[str, object]:
        # Each look takes a second of a core, which those who are waited for need too.
        waits = {
            f"{role}_wait_{what}": value
            for role in ("bootstrap", "cert_manager", "backups", "verify")
            for what, value in (("seconds", 300), ("pause", 4))
        }
        rendering = {"bootstrap_kustomize": str(tool("kustomize")), "bootstrap_install": FORM}
        scan = {**self.platform.verified(), "verify_domain": DOMAIN}
        return {**waits, **rendering, **scan, **VAULT, "bootstrap_checkout": str(self.repository.clone)}

    def secrets_in(self, played: Played) -> list[str]:
        """The names of the secrets that are in the output."""
        known = {**VAULT, "verify_password": self.platform.password}
        return [name for name, value in known.items() if value in played.text]

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


def repository_without_charts(folder: Path) -> Repository:
    """Operators' charts need the internet: what Argo CD reads is without them."""
    repository = Repository(folder)
    repository.read_from_here()
    localise(repository.clone / "argocd")
    repository.remove(f"gitops/clusters/{CLUSTER}/operators")
    repository.commit("Install without the internet")
    return repository


def have_what_operators_bring(cluster: Cluster) -> None:
    """Namespaces, cert-manager and what it makes of the gateway; kinds are there already, but for Argo CD's own."""
    cluster.apply(
        [*namespaces_of_operators(CLUSTER), controller("cert-manager", "cert-manager"), *certificates_of_the_gateway()]
    )
    cluster.delete(*APPLICATIONS)
    cluster.wait_until(lambda: cluster.get(*APPLICATIONS) is None, "the kind Application is gone")


def certificates_of_the_gateway() -> list[Document]:
    """One for each Secret that a listener of the gateway names, as the gateway's annotation asks for."""
    made = []
    gateway = next(one for one in render(CLUSTER, "edge") if one["kind"] == "Gateway")
    for listener in gateway["spec"]["listeners"]:
        for reference in listener.get("tls", {}).get("certificateRefs", []):
            name = reference["name"]
            issuer = {"kind": "Issuer", "name": gateway["metadata"]["annotations"]["cert-manager.io/issuer"]}
            spec = {"secretName": name, "dnsNames": [listener["hostname"]], "issuerRef": issuer}
            metadata = {"name": name, "namespace": gateway["metadata"]["namespace"]}
            made.append({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata, "spec": spec})
    return made


def controller(name: str, namespace: str) -> Document:
    labels = {"app.kubernetes.io/name": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "controller", "image": "controller:1"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
