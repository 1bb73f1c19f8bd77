"""All workloads of a cluster on nodes without containers: controllers and scheduler take them to their state."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import pytest

from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster, Object
from tests.cluster.settled import uneven, unsettled
from tests.gitops.policies.objects import of_kind
from tests.gitops.policies.quantities import quantity
from tests.gitops.rendering import render_cluster
from tests.gitops.sizing import Request, lasting
from tests.gitops.test_staging_size import BROUGHT, three_small_nodes

NAMESPACE = "web-intelligence"
# What runs in the namespaces of operators, each the size that its chart is given.
ELSEWHERE = "operators"
SETTLES_WITHIN = 90.0


class Running(NamedTuple):
    """A cluster on which all workloads are as git says."""

    name: str
    cluster: Cluster
    objects: list[Object]

    def pods(self) -> list[Object]:
        return self.cluster.all("v1", "Pod", NAMESPACE, field_selector="status.phase=Running")


@pytest.fixture(scope="module", params=["staging", "production"])
def running(request: pytest.FixtureRequest, start_control_plane: StartControlPlane) -> Iterator[Running]:
    everything = render_cluster(request.param)
    with start_control_plane() as cluster:
        {"staging": have_small_nodes, "production": have_large_nodes}[request.param](cluster, everything)
        cluster.volumes(1)
        objects = [one for one in everything if built_in(one)]
        cluster.apply([namespace(name) for name in sorted(places(objects))])
        cluster.apply(objects, force=True)
        cluster.wait_until(
            lambda: not unsettled(cluster, objects),
            lambda: "\n".join(["everything as git says, but", *unsettled(cluster, objects), *complaints(cluster)]),
            SETTLES_WITHIN,
            pause=1,
        )
        # Scalers are read to know how many pods there are at the least, also KEDA's, which does not run.
        yield Running(request.param, cluster, everything)


def have_small_nodes(cluster: Cluster, objects: list[Object]) -> None:
    """Those of staging, in no zones, with the pods on them that the system and the operators bring."""
    nodes = three_small_nodes()
    for node in nodes:
        cluster.node(node.name, cpu=str(node.cpu), memory=str(int(node.memory)))
    cluster.apply([namespace(ELSEWHERE), account(ELSEWHERE)])
    others = BROUGHT + lasting(of_kind(objects, "Application", "EnvoyProxy"), len(nodes))
    cluster.apply(pod_of(number, request) for number, request in enumerate(others))


def have_large_nodes(cluster: Cluster, _: list[Object]) -> None:
    """Two in each of three zones."""
    cluster.nodes(6, cpu="4", memory="8Gi")


def built_in(one: Object) -> bool:
    """Whether the API server knows a kind by itself: those of operators need their definitions."""
    group = one["apiVersion"].rpartition("/")[0]
    return "." not in group or (group.endswith(".k8s.io") and not group.startswith("gateway."))


def places(objects: list[Object]) -> set[str]:
    made = {one["metadata"]["name"] for one in of_kind(objects, "Namespace")}
    return {one["metadata"]["namespace"] for one in objects if "namespace" in one["metadata"]} - made - {"kube-system"}


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def account(place: str) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": place}}


def pod_of(number: int, request: Request) -> Object:
    requests = {"cpu": str(request.cpu), "memory": str(int(request.memory))}
    container = {"name": "part", "image": "registry.example/part:1.0.0", "resources": {"requests": requests}}
    metadata = {"name": f"part-{number}", "namespace": ELSEWHERE, "annotations": {"part": request.name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def complaints(cluster: Cluster) -> list[str]:
    """What controllers and scheduler could not do."""
    return [
        f"{one['involvedObject']['kind']} {one['involvedObject']['name']}: {one['reason']}: {one['message']}"
        for one in cluster.all("v1", "Event", NAMESPACE)
        if one["reason"] in {"FailedCreate", "FailedScheduling"}
    ]


def test_everything_reaches_its_state(running: Running) -> None:
    kinds = {one["kind"] for one in running.objects}
    assert kinds >= {"Deployment", "Job", "PodDisruptionBudget"}
    assert unsettled(running.cluster, [one for one in running.objects if built_in(one)]) == []


def test_every_pod_gets_in(running: Running) -> None:
    """Past Pod Security, quotas and limits; a pod that was refused would have left an event."""
    labels = (running.cluster.get("v1", "Namespace", NAMESPACE) or {})["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert [line for line in complaints(running.cluster) if "FailedCreate" in line] == []
    assert {name_of(one) for one in running.pods()} >= {"api", "web", "worker", "valkey"}


def test_the_quota_counts_what_runs(running: Running) -> None:
    [quota] = running.cluster.all("v1", "ResourceQuota", NAMESPACE)
    pods = running.pods()
    memory = sum(
        (
            quantity(container["resources"]["requests"]["memory"])
            for pod in pods
            for container in pod["spec"]["containers"]
        ),
        Decimal(0),
    )
    used = {name: quantity(amount) for name, amount in quota["status"]["used"].items()}
    assert used["pods"] == len(pods)
    assert used["requests.memory"] >= memory > 0
    assert all(amount <= quantity(quota["status"]["hard"][name]) for name, amount in used.items())


@pytest.mark.parametrize("name", ["api", "web"])
def test_no_node_takes_all_pods_with_it(running: Running, name: str) -> None:
    """Also where nodes are in no zones, and have little room."""
    assert len({one["spec"]["nodeName"] for one in running.pods() if name_of(one) == name}) > 1


@pytest.mark.parametrize("running", ["production"], indirect=True)
@pytest.mark.parametrize("key", ["kubernetes.io/hostname", "topology.kubernetes.io/zone"])
@pytest.mark.parametrize("name", ["api", "web", "worker"])
def test_pods_are_spread_evenly_where_there_is_room(running: Running, name: str, key: str) -> None:
    pods = [one for one in running.pods() if name_of(one) == name]
    assert pods
    assert uneven(pods, running.cluster.all("v1", "Node"), key) == {}


def name_of(pod: Object) -> str:
    return str(pod["metadata"]["labels"].get("app.kubernetes.io/name"))


def test_each_claim_gets_its_volume(running: Running) -> None:
    wanted = {
        f"{claim['metadata']['name']}-{database['metadata']['name']}-0": claim["spec"]["resources"]["requests"]
        for database in of_kind(running.objects, "StatefulSet")
        for claim in database["spec"]["volumeClaimTemplates"]
    }
    claims = running.cluster.all("v1", "PersistentVolumeClaim", NAMESPACE)
    assert {one["metadata"]["name"]: one["spec"]["resources"]["requests"] for one in claims} == wanted
    assert [one["status"]["phase"] for one in claims] == ["Bound"] * len(wanted)
