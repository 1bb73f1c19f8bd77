"""What of a bootstrap is not on the way of test_site: a hub elsewhere, and a machine that renders nothing."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kubernetes import client

from tests.ansible.conftest import MakePlayer, decoded, written
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster, Object

KINDS = (
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
)
APPLICATION = ("argoproj.io/v1alpha1", "Application", "staging-workloads")


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster without Argo CD."""
    with start_control_plane() as cluster:
        cluster.nodes(1)
        yield cluster


@pytest.fixture(scope="module")
def hub(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with Argo CD's kinds and its namespace; what Argo CD would write there, the test writes."""
    with start_control_plane(with_definitions=True, controllers=False) as cluster:
        cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}])
        yield cluster


def application(hub: Cluster, health: str) -> None:
    """Have what Argo CD makes of a cluster's folder once it knows the cluster."""
    labels = {"webintel.io/cluster": "staging", "webintel.io/unit": "workloads"}
    source = {"repoURL": "https://git.example/platform.git", "path": ".", "targetRevision": "main"}
    destination = {"name": "staging", "namespace": "web-intelligence"}
    made: Object = {
        "apiVersion": APPLICATION[0],
        "kind": APPLICATION[1],
        "metadata": {"name": APPLICATION[2], "namespace": "argocd", "labels": labels},
        "spec": {"project": "workloads", "source": source, "destination": destination},
        "status": {"sync": {"status": "Synced"}, "health": {"status": health}},
    }
    hub.apply([made], force=True)


def test_a_cluster_is_registered_with_another_hub(
    cluster: Cluster, hub: Cluster, player: MakePlayer, tmp_path: Path
) -> None:
    staging = player(cluster, "staging")
    given = {"bootstrap_hub_kubeconfig": str(hub.kubeconfig), "bootstrap_wait_pause": 1, "bootstrap_wait_seconds": 5}
    refused = staging.play("bootstrap", **{**given, "bootstrap_hub_kubeconfig": str(cluster.kubeconfig)})
    assert refused.failures() == ["bootstrap : Register | Refuse a hub without it"]
    before = [written(one, *KINDS) for one in (cluster, hub)]
    rehearsed = staging.play("bootstrap", "--check", "--diff", **given)
    assert (rehearsed.code, rehearsed.changed) == (0, 2), rehearsed.text
    assert [written(one, *KINDS) for one in (cluster, hub)] == before

    alone = staging.play("bootstrap", **given)
    assert alone.failures() == ["bootstrap : Applications | Refuse a cluster that has none"]
    registered = hub.get("v1", "Secret", "staging", "argocd")
    assert registered
    assert registered["metadata"]["labels"]["webintel.io/environment"] == "staging"
    assert registered["metadata"]["labels"]["webintel.io/region"] == "us-east"
    token = admitted(decoded(registered), tmp_path / "ca.crt")
    application(hub, "Healthy")
    again = staging.play("bootstrap", "--diff", **given)
    assert (again.code, again.changes()) == (0, []), again.text
    assert token not in alone.text + again.text
    # Nothing but the account: Argo CD is elsewhere, and so is what it says of the cluster.
    assert cluster.get("v1", "Namespace", "argocd") is None
    application(hub, "Degraded")
    nobody = {f"verify_{name}_url": "http://127.0.0.1:9" for name in ("api", "app")}
    unwell = staging.play("verify", **given, **nobody, verify_wait_seconds=0)
    assert "Application staging-workloads is Synced and Degraded" in unwell.told
    assert "There is no Application" not in unwell.told


def admitted(registration: dict[str, str], authority: Path) -> str:
    """The token by which the hub comes in; it may do everything there."""
    access = json.loads(registration["config"])
    authority.write_bytes(base64.b64decode(access["tlsClientConfig"]["caData"]))
    settings = client.Configuration(host=registration["server"])
    settings.ssl_ca_cert = str(authority)
    everything = client.V1ResourceAttributes(group="*", resource="*", verb="*")
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=everything))
    with client.ApiClient(settings, "authorization", f"Bearer {access['bearerToken']}") as api:
        assert client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed
    return str(access["bearerToken"])


def test_a_machine_that_renders_nothing_is_told_what_to_install(
    cluster: Cluster, player: MakePlayer, tmp_path: Path
) -> None:
    for program in Path("/usr/bin").iterdir():
        if program.name not in {"kubectl", "kustomize"}:
            (tmp_path / program.name).symlink_to(program)
    bare = replace(player(cluster), path=str(tmp_path))
    refused = bare.play("bootstrap", bootstrap_kustomize=str(tmp_path / "nothing"))
    assert refused.code == 2
    assert refused.failures() == ["preflight : Tell all problems"]
    assert "Neither kustomize nor kubectl is on this machine" in refused.told


def test_what_another_hub_would_put_back_is_not_uninstalled(cluster: Cluster, player: MakePlayer) -> None:
    mark = {"argocd.argoproj.io/tracking-id": "staging-foundation:/Namespace:web-intelligence/web-intelligence"}
    metadata = {"name": "web-intelligence", "annotations": mark}
    cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])
    refused = player(cluster, "staging").play("uninstall", uninstall_confirm="staging")
    assert (refused.code, refused.changed) == (2, 0)
    assert "Argo CD of another cluster made its namespaces (web-intelligence)" in refused.told
    assert "Remove gitops/clusters/staging from git instead" in refused.told
