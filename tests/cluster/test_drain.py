"""A node is emptied with the real `kubectl drain`: pods go as the budget lets them, and are elsewhere in the end."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.places import Place, is_ready, quicker, workload
from tests.tools.paths import MISSING, tool

DESIRED = 3
EVICTED, TOO_MANY = 201, 429


@pytest.fixture
def open_nodes(control_plane: Cluster, nodes: list[str]) -> Iterator[list[str]]:
    """All nodes, and all of them open again at the end."""
    yield nodes
    for node in nodes:
        close(control_plane, node, closed=False)


@pytest.fixture
def api(place: Place, open_nodes: list[str]) -> Iterator[Place]:
    """The api of production on one node, the last one: a drain of it is as hard as can be."""
    for node in open_nodes[:-1]:
        close(place.cluster, node)
    place.run(quicker(workload("api", place.namespace)))
    for node in open_nodes:
        close(place.cluster, node, closed=False)
    assert hosts(place) == {open_nodes[-1]}
    wait_for_budget(place, currentHealthy=DESIRED, disruptionsAllowed=1)
    yield place
    place.cluster.delete("apps/v1", "Deployment", "api", place.namespace)
    place.cluster.wait_until(lambda: not place.pods("api"), "the pods of the test are gone")


def close(cluster: Cluster, node: str, *, closed: bool = True) -> None:
    cluster.patch("v1", "Node", node, {"spec": {"unschedulable": closed}})


def hosts(place: Place) -> set[str]:
    return {pod["spec"]["nodeName"] for pod in place.pods("api")}


def wait_for_budget(place: Place, **wanted: int) -> None:
    def reached() -> bool:
        status = place.budget("api")
        return all(status.get(name) == number for name, number in wanted.items())

    place.cluster.wait_until(reached, lambda: f"{wanted}, but the budget says {place.budget('api')}")


def drain(cluster: Cluster, node: str) -> subprocess.CompletedProcess[str]:
    kubectl = tool("kubectl")
    if kubectl is None:
        pytest.skip(f"no kubectl: {MISSING}")
    options = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=90s")
    command = [str(kubectl), "--kubeconfig", str(cluster.kubeconfig), "drain", node, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_drained_node_keeps_nothing_and_the_budget_is_kept(api: Place, open_nodes: list[str]) -> None:
    pods = api.history("v1", "Pod")
    done = drain(api.cluster, open_nodes[-1])
    assert done.returncode == 0, done.stderr
    # Without a second try nothing would have stood in the way.
    assert "Cannot evict pod as it would violate the pod's disruption budget" in done.stderr
    wait_for_budget(api, currentHealthy=DESIRED, disruptionsAllowed=1)
    assert min(sum(map(is_ready, state.values())) for state in pods.states()) == DESIRED - 1
    assert hosts(api) <= set(open_nodes[:-1])


def test_one_eviction_too_many_is_refused(api: Place, open_nodes: list[str]) -> None:
    # With no node open, the pod that follows the first one waits.
    for node in open_nodes:
        close(api.cluster, node)
    first, second, _ = [pod["metadata"]["name"] for pod in api.pods("api")]
    assert api.cluster.evict(first, api.namespace) == EVICTED
    assert api.cluster.evict(second, api.namespace) == TOO_MANY
    wait_for_budget(api, currentHealthy=DESIRED - 1, disruptionsAllowed=0)
    assert api.cluster.evict(second, api.namespace) == TOO_MANY
    for node in open_nodes:
        close(api.cluster, node, closed=False)
    wait_for_budget(api, currentHealthy=DESIRED, disruptionsAllowed=1)
    assert api.cluster.evict(second, api.namespace) == EVICTED


def test_pods_that_serve_nobody_hold_up_no_drain(api: Place) -> None:
    broken, other, healthy = [pod["metadata"]["name"] for pod in api.pods("api")]
    for name in (broken, other):
        conditions = [{"type": "Ready", "status": "False"}]
        api.cluster.patch(
            "v1", "Pod", name, {"status": {"conditions": conditions}}, namespace=api.namespace, subresource="status"
        )
    wait_for_budget(api, currentHealthy=DESIRED - 2, disruptionsAllowed=0)
    assert api.cluster.evict(healthy, api.namespace) == TOO_MANY
    assert api.cluster.evict(broken, api.namespace) == EVICTED
