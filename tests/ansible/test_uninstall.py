"""Uninstalling from a real control plane: what was applied goes, data and what it lives by stay until they are named.

Argo CD does not run here: the test writes its applications and, into their status, what it would have made. Machines
are folders: this does not prove that services stop and machines start again.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import Played, Player
from tests.ansible.refusing import REFUSAL, refusing
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster, Object
from tests.gitops.rendering import Document, render

NAMESPACE = "web-intelligence"
UNITS = ("foundation", "data", "workloads")
REFUSED = "Nothing was removed. If all of local is to go, run this again with: -e uninstall_confirm=local"
PVC = ("v1", "PersistentVolumeClaim")
DATABASE = ("apps/v1", "StatefulSet", "postgres", NAMESPACE)
MEMORY = ("v1", "ConfigMap", "webintel-uninstall", "kube-system")
KINDS = (
    ("v1", "Namespace"), ("v1", "ConfigMap"), PVC, ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"),
    ("argoproj.io/v1alpha1", "Application"),
)  # fmt: skip


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster on which the platform runs, with an operator of its own and Argo CD's controllers."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(1, cpu="16", memory="32Gi")
        cluster.volumes(2)
        cluster.apply(namespaces("argocd", "keda"), force=True)
        for unit in UNITS:
            objects = render("local", unit)
            cluster.apply(objects, force=True)
            application(cluster, f"local-{unit}", unit, NAMESPACE, objects)
        operator = [controller("keda-operator", "keda", "Deployment")]
        cluster.apply(operator)
        application(cluster, "local-keda", "operators", "keda", [*operator, *scaled_objects(cluster)])
        application(cluster, "root", "root", "argocd", [])
        cluster.apply([controller("argocd-application-controller", "argocd", "StatefulSet"), role("argocd-server")])
        cluster.wait_until(lambda: bound(cluster) and available(cluster), "everything runs", 60)
        yield cluster


def namespaces(*names: str) -> list[Document]:
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]


def role(name: str) -> Document:
    metadata = {"name": name, "labels": {"app.kubernetes.io/part-of": "argocd"}}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": []}


def controller(name: str, namespace: str, kind: str) -> Document:
    labels = {"app.kubernetes.io/name": name}
    container = {"name": "controller", "image": "registry.example/controller:1"}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def scaled_objects(cluster: Cluster) -> list[Object]:
    """The definition that KEDA's chart brings."""
    found = cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "scaledobjects.keda.sh")
    assert found
    return [{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **found}]


def application(cluster: Cluster, name: str, project: str, namespace: str, objects: list[Document]) -> None:
    """An Application as its set makes it, with the status that Argo CD writes."""
    finalizers = ["resources-finalizer.argocd.argoproj.io"] if project != "root" else []
    source = {"repoURL": "https://git.example/platform.git", "path": ".", "targetRevision": "main"}
    one = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "finalizers": finalizers},
        "spec": {"project": project, "source": source, "destination": {"name": "local", "namespace": namespace}},
    }
    cluster.apply([one])
    status = {"resources": [resource(each) for each in objects]}
    cluster.patch(one["apiVersion"], "Application", name, {"status": status}, namespace="argocd")


def resource(one: Document) -> dict[str, str]:
    group, _, version = one["apiVersion"].rpartition("/")
    metadata = one["metadata"]
    found = {"group": group, "version": version, "kind": one["kind"], "name": metadata["name"]}
    return {**found, **({"namespace": metadata["namespace"]} if metadata.get("namespace") else {})}


def bound(cluster: Cluster) -> bool:
    claims = cluster.all(*PVC, NAMESPACE)
    return bool(claims) and all(one["status"].get("phase") == "Bound" for one in claims)


def available(cluster: Cluster) -> bool:
    found = [one for kind in ("Deployment", "StatefulSet") for one in cluster.all("apps/v1", kind)]
    return all(one["status"].get("availableReplicas") == one["spec"]["replicas"] for one in found)


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster)


def uninstall(operator: Player, *options: str, **variables: object) -> Played:
    return operator.play("uninstall", *options, **variables)


def names(cluster: Cluster, api_version: str, kind: str, namespace: str | None = None) -> set[str]:
    return {one["metadata"]["name"] for one in cluster.all(api_version, kind, namespace)}


def test_the_platform_goes_and_its_data_only_when_that_is_said(operator: Player, cluster: Cluster) -> None:
    before = written(cluster, *KINDS)
    refused = uninstall(operator, uninstall_confirm="staging")
    assert (refused.code, refused.changed) == (2, 0)
    assert REFUSED in refused.told
    rehearsed = uninstall(operator, "--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert "Would keep of local:" in rehearsed.told
    assert rehearsed.changed > 0
    assert written(cluster, *KINDS) == before

    volume = {one["metadata"]["uid"] for one in cluster.all(*PVC, NAMESPACE)}
    with refusing(cluster, "DELETE", "deployments", "api", group="apps"):
        refused = uninstall(operator, uninstall_confirm="local")
    assert refused.failures() == ["uninstall : Remove | Delete"]
    assert REFUSAL in refused.told
    # Stopped in the middle, after Argo CD knows nothing any more, it goes on.
    stopped = operator.interrupt(
        "uninstall", lambda: "api" not in names(cluster, "apps/v1", "Deployment", NAMESPACE), uninstall_confirm="local"
    )
    assert stopped.code != 0
    assert "keda" in names(cluster, "v1", "Namespace")
    done = uninstall(operator, uninstall_confirm="local")
    assert done.code == 0, done.text
    check_that_data_is_left(cluster, volume, done)
    again = uninstall(operator, uninstall_confirm="local")
    assert (again.code, again.changed) == (0, 0), again.changes()
    assert f"volume claims: {NAMESPACE}/data-postgres-0" in again.told

    everything = uninstall(operator, uninstall_confirm="local", uninstall_data=True)
    assert everything.code == 0, everything.text
    assert {NAMESPACE, "platform-secrets"} & names(cluster, "v1", "Namespace") == set()
    assert cluster.all(*PVC) == []
    assert names(cluster, "scheduling.k8s.io/v1", "PriorityClass") & {"webintel-data"} == set()
    assert cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "scaledobjects.keda.sh") is None
    assert cluster.get(*MEMORY) is None
    assert "Nothing of local is left in the cluster." in everything.told
    assert "Volumes that are kept by their own policy, to be deleted by hand: volume-" in everything.told
    nothing = uninstall(operator, uninstall_confirm="local", uninstall_data=True)
    assert (nothing.code, nothing.changed) == (0, 0), nothing.changes()


def check_that_data_is_left(cluster: Cluster, volumes: set[str], done: Played) -> None:
    database = cluster.get(*DATABASE)
    assert database
    assert database["status"]["availableReplicas"] == 1
    assert {one["metadata"]["uid"] for one in cluster.all(*PVC, NAMESPACE)} == volumes
    # What the database stands on is there, and what used it is not.
    assert names(cluster, "apps/v1", "Deployment", NAMESPACE) == {"valkey"}
    assert "postgres" in names(cluster, "v1", "Service", NAMESPACE)
    assert "api" not in names(cluster, "v1", "Service", NAMESPACE)
    left = names(cluster, "v1", "Namespace")
    assert {NAMESPACE, "platform-secrets"} <= left
    assert not {"argocd", "keda", "monitoring", "restore-drill"} & left
    kinds = names(cluster, "apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert "scaledobjects.keda.sh" in kinds
    assert "applications.argoproj.io" not in kinds
    assert "argocd-server" not in names(cluster, "rbac.authorization.k8s.io/v1", "ClusterRole")
    assert f"databases: StatefulSet {NAMESPACE}/postgres" in done.told
    assert "-e uninstall_confirm=local -e uninstall_data=true" in done.told


def test_what_others_use_is_not_taken_from_them(player: MakePlayer, start_control_plane: StartControlPlane) -> None:
    with start_control_plane(with_definitions=True, controllers=False) as hub:
        hub.apply(namespaces("argocd"), force=True)
        application(hub, "somebodys", "root", "elsewhere", [])
        labels = {"webintel.io/cluster": "staging"}
        registration = {"apiVersion": "v1", "kind": "Secret", "stringData": {"server": "https://staging.example"}}
        hub.apply([{**registration, "metadata": {"name": "staging", "namespace": "argocd", "labels": labels}}])
        before = written(hub, *KINDS)
        refused = uninstall(player(hub), uninstall_confirm="local")
        assert (refused.code, refused.changed) == (2, 0)
        assert "1. Argo CD here also looks after cluster staging" in refused.told
        assert "2. Application somebodys is not of this repository" in refused.told
        assert written(hub, *KINDS) == before


@pytest.mark.parametrize("data", [False, True])
def test_k3s_leaves_a_machine_and_its_state_only_with_the_data(
    player: MakePlayer, cluster: Cluster, tmp_path: Path, data: bool
) -> None:
    files = ("etc/systemd/system/k3s.service", "etc/rancher/k3s/config.yaml", "usr/local/bin/k3s")
    state = "var/lib/rancher/k3s/storage/volume"
    for name in (*files, state):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).touch()
    local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    machine = {**local, "k3s_root": str(tmp_path / "root")}
    groups = {"control": {"localhost": local}, "k3s_servers": {"s1": machine}, "k3s_agents": {}}
    (tmp_path / "inventory").mkdir()
    inventory = {"all": {"children": {name: {"hosts": hosts} for name, hosts in groups.items()}}}
    (tmp_path / "inventory" / "hosts.yml").write_text(yaml.safe_dump(inventory))
    operator = player(cluster, str(tmp_path / "inventory"))
    wanted = {"cluster_name": "local", "uninstall_confirm": "local", "uninstall_data": data}
    kept = operator.play("uninstall", "--limit=s1,localhost", "--check", **wanted)
    assert kept.code == 0, kept.text
    done = operator.play("uninstall", uninstall_k3s=True, **wanted)
    assert done.code == 0, done.text
    left = {str(path.relative_to(tmp_path / "root")) for path in (tmp_path / "root").rglob("*") if path.is_file()}
    assert left == (set() if data else {state})
    assert ("s1 keeps /var/lib/rancher/k3s" in done.told) == (not data)
