"""Upgrading nodes one at a time on a real control plane: which versions may follow which, drains, health, going on.

The nodes are kwok's: what replaces k3s on a machine is skipped by its tag, and the test says in its place that a node
runs the new version once it is closed. So this does not prove that a snapshot is taken, a binary is fetched or a
service starts again.
"""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import Played, Player
from tests.ansible.refusing import REFUSAL, refusing
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster, Object
from tests.cluster.control_plane.history import History
from tests.cluster.control_plane.server import NEVER_READY
from tests.gitops.rendering import render

OLD, NEW = "v1.36.2+k3s1", "v1.36.3+k3s1"
MARK = "webintel.io/upgrade"
NODES = ("node-1", "node-2", "node-3")
NODE = ("v1", "Node")
WEB = ("apps/v1", "Deployment", "web", "default")
QUICK = {"upgrade_wait_pause": 1, "upgrade_wait_seconds": 20, "upgrade_drain_seconds": 20, "upgrade_evict_seconds": 20}
FEWEST = 2


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """Three nodes of an older version with a workload on them, and an application that is synced."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(len(NODES))
        for name in NODES:
            runs(cluster, name, OLD)
        argocd = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}
        cluster.apply([argocd, *web(), application()])
        synced(cluster, "Synced")
        cluster.wait_until(lambda: available(cluster) == 3, "three pods", 60)
        yield cluster


def runs(cluster: Cluster, node: str, version: str) -> None:
    """Have a node say that it runs a version."""
    body = {"status": {"nodeInfo": {"kubeletVersion": version}}}
    cluster.patch(*NODE, node, body, subresource="status")


def web(name: str = "web", image: str = "registry.example/web:1") -> list[Object]:
    labels = {"app.kubernetes.io/name": name}
    container = {"name": name, "image": image}
    metadata = {"name": name, "namespace": "default"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    budget = {"selector": {"matchLabels": labels}, "maxUnavailable": 1}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": budget},
    ]


def application() -> Object:
    source = {"repoURL": "https://charts.example", "chart": "keda", "targetRevision": "2.20.2"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "local-keda", "namespace": "argocd"},
        "spec": {"project": "operators", "source": source, "destination": {"name": "local", "namespace": "keda"}},
    }


def synced(cluster: Cluster, state: str) -> None:
    body = {"status": {"sync": {"status": state, "revision": "2.19.0"}}}
    cluster.patch("argoproj.io/v1alpha1", "Application", "local-keda", body, namespace="argocd")


def available(cluster: Cluster) -> int:
    deployment = cluster.get(*WEB) or {}
    return int(deployment.get("status", {}).get("availableReplicas", 0))


def state(cluster: Cluster) -> dict[str, tuple[str, bool, bool]]:
    """Of each node: its version, whether it is closed, whether its upgrade has begun."""
    return {
        one["metadata"]["name"]: (
            one["status"]["nodeInfo"]["kubeletVersion"],
            one["spec"].get("unschedulable", False),
            MARK in one["metadata"].get("annotations", {}),
        )
        for one in cluster.all(*NODE)
    }


@contextmanager
def machines(cluster: Cluster, *able: str) -> Iterator[list[str]]:
    """Have these nodes run the new version once they are closed and empty; the order in which they did."""
    stop, done = threading.Event(), list[str]()
    other = Cluster(cluster.kubeconfig, own=True)

    def run() -> None:
        while not stop.wait(0.2):
            for name, (version, closed, begun) in state(other).items():
                if name in able and version == OLD and closed and begun and not pods(other, name):
                    runs(other, name, NEW)
                    done.append(name)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def pods(cluster: Cluster, node: str) -> list[Object]:
    return cluster.all("v1", "Pod", field_selector=f"spec.nodeName={node}")


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Player:
    local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    local["ansible_pipelining"] = True
    groups = {"control": ["localhost"], "k3s_servers": NODES[:1], "k3s_agents": NODES[1:]}
    children = {group: {"hosts": dict.fromkeys(names, local)} for group, names in groups.items()}
    folder: Path = tmp_path_factory.mktemp("inventory")
    (folder / "hosts.yml").write_text(json.dumps({"all": {"children": children}}))
    return player(cluster, str(folder))


def upgrade(operator: Player, *options: str, **variables: object) -> Played:
    given = {"cluster_name": "local", "upgrade_version": NEW, **QUICK}
    return operator.play("upgrade", "--skip-tags=upgrade_machine", *options, **{**given, **variables})


def test_nothing_goes_back_skips_or_begins_unwell(operator: Player, cluster: Cluster) -> None:
    before = state(cluster)
    (pinned,) = [
        one["spec"]["source"]["targetRevision"]
        for one in render("local", "operators")
        if one["metadata"]["name"] == "local-keda"
    ]
    skipped = upgrade(operator, upgrade_version="v1.38.0+k3s1")
    assert skipped.code == 2
    assert f"1. Node node-1 runs {OLD}, and v1.38.0+k3s1 skips v1.37" in skipped.told
    assert "3. Node node-3" in skipped.told
    assert f"keda: git pins {pinned}, runs 2.19.0" in skipped.told
    assert f"node-2: runs {OLD}, gets v1.38.0+k3s1" in skipped.told
    synced(cluster, "OutOfSync")
    cluster.apply(web("broken", NEVER_READY))
    try:
        unwell = upgrade(operator, upgrade_version="v1.36.1+k3s2")
    finally:
        synced(cluster, "Synced")
        cluster.delete("apps/v1", "Deployment", "broken", "default")
    assert unwell.code == 2
    assert f"1. Node node-1 runs {OLD}, and v1.36.1+k3s2 is older: nothing goes back." in unwell.told
    assert "4. Application local-keda is OutOfSync" in unwell.told
    assert "5. Deployment default/broken has 0 of 3 pods." in unwell.told
    assert state(cluster) == before


def test_one_node_after_the_other_and_on_from_where_it_stopped(operator: Player, cluster: Cluster) -> None:
    before = written(cluster, ("apps/v1", "Deployment"))
    rehearsed = upgrade(operator, "--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert rehearsed.changed == len(NODES)
    assert f"Would drain and upgrade node-3 to {NEW}." in rehearsed.told
    assert set(state(cluster).values()) == {(OLD, False, False)}
    assert written(cluster, ("apps/v1", "Deployment")) == before

    with refusing(cluster, "UPDATE", "nodes"):
        refused = upgrade(operator)
    assert refused.code == 2
    assert "The upgrade stopped at node-1: Empty | Note how it was found." in refused.told
    assert REFUSAL in refused.told
    assert set(state(cluster).values()) == {(OLD, False, False)}

    # Somebody had closed the last one, and wants it to stay so.
    cluster.patch(*NODE, "node-3", {"spec": {"unschedulable": True}})
    seen = History(cluster, "apps/v1", "Deployment", "default")
    with machines(cluster, "node-1"):
        stopped = upgrade(operator)
    assert stopped.code == 2
    assert "The upgrade stopped at node-2: Reopen | Wait until it is ready with the new version." in stopped.told
    assert "When it is mended, run this again: it goes on here." in stopped.told
    assert state(cluster) == {"node-1": (NEW, False, False), "node-2": (OLD, True, True), "node-3": (OLD, True, False)}

    with machines(cluster, *NODES) as order:
        done = upgrade(operator)
    assert done.code == 0, done.text
    assert order == ["node-2", "node-3"]
    assert f"node-1 runs {NEW} already." in done.told
    assert state(cluster) == {
        "node-1": (NEW, False, False),
        "node-2": (NEW, False, False),
        "node-3": (NEW, True, False),
    }
    assert min(one["web"]["status"].get("availableReplicas", 0) for one in seen.states() if "web" in one) >= FEWEST
    for options in ((), ("--check", "--diff")):
        again = upgrade(operator, *options)
        assert (again.code, again.changed) == (0, 0), again.changes()
