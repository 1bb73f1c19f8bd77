"""Every object of every cluster on a real API server: accepted, without a warning, and for good."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from kubernetes.client import ApiException

from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Applied, Cluster, Object, identity, rank
from tests.cluster.control_plane.network import Network, Outside, Pod
from tests.gitops.rendering import CLUSTERS, render_cluster

OURS = ("web-intelligence", "restore-drill", "platform-secrets")
# What every account may: ask what it may.
STRANGER = "system:serviceaccount:web-intelligence:stranger"
SECRETS = ("webintel", "postgres", "valkey", "backup-store", "pagerduty", "grafana", "dns")
# What only components read that no cluster takes by itself.
OPTIONAL_SECRETS = ("geoip", "registry", "acme-account")
GRANTS = {
    "secret-reader": {("platform-secrets", "get", "", "secrets", name) for name in (*SECRETS, *OPTIONAL_SECRETS)},
    "restore-drill": {
        ("restore-drill", "create", "postgresql.cnpg.io", "clusters", ""),
        ("restore-drill", "get", "postgresql.cnpg.io", "clusters", "restored"),
        ("restore-drill", "delete", "postgresql.cnpg.io", "clusters", "restored"),
        ("restore-drill", "list", "", "persistentvolumeclaims", ""),
    },
}
TO_POSTGRES = {(who, "postgres") for who in ("api", "worker", "migration", "keda")}
CONNECTIONS = TO_POSTGRES | {
    ("web", "api"),
    ("api", "valkey"),
    ("gateway", "api"),
    ("gateway", "web"),
    ("monitoring", "api"),
    ("monitoring", "web"),
    ("monitoring", "worker"),
}
PORTS = {"api": 8000, "web": 3000, "worker": 9000, "postgres": 5432, "valkey": 6379}


class Applications(NamedTuple):
    """What came of applying everything that a cluster runs."""

    name: str
    cluster: Cluster
    objects: list[Object]
    applied: dict[str, Applied]
    refused: list[str]


@pytest.fixture(scope="module", params=CLUSTERS)
def applications(request: pytest.FixtureRequest, start_control_plane: StartControlPlane) -> Iterator[Applications]:
    objects = sorted(render_cluster(request.param), key=rank)
    with start_control_plane(controllers=False, with_definitions=True) as cluster:
        cluster.apply(namespaces_of_operators(objects))
        applied, refused = {}, []
        for one in objects:
            try:
                applied[identity(one)] = cluster.apply_one(one)
            except ApiException as error:
                refused.append(f"{identity(one)}: {error.body}")
        yield Applications(request.param, cluster, objects, applied, refused)


def namespaces_of_operators(objects: list[Object]) -> list[Object]:
    """Those that no unit of ours makes: Argo CD's, and those that it makes for the operators' charts."""
    made = {one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"}
    used = {one["metadata"]["namespace"] for one in objects if "namespace" in one["metadata"]}
    others = {"keda", "monitoring", "envoy-gateway-system"}
    return [namespace(name) for name in sorted((used | others) - made - {"kube-system"})]


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def account(name: str, place: str) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": place}}


def privileged_pod(place: str) -> Object:
    container = {"name": "shell", "image": "busybox:1.37.0", "securityContext": {"privileged": True}}
    metadata = {"name": "shell", "namespace": place}
    spec = {"containers": [container], "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_every_object_is_accepted(applications: Applications) -> None:
    assert not applications.refused, "\n".join(applications.refused)
    assert len(applications.applied) == len(applications.objects) > 50


def test_the_server_warns_of_nothing(applications: Applications) -> None:
    warnings = [warning for one in applications.applied.values() for warning in one.warnings]
    assert not warnings, "\n".join(warnings)


def test_a_second_apply_changes_nothing(applications: Applications) -> None:
    again = {identity(one): applications.cluster.apply_one(one).object for one in applications.objects}
    wanted = {name: one.object["metadata"]["generation"] for name, one in generations(applications.applied)}
    assert {name: again[name]["metadata"]["generation"] for name in wanted} == wanted
    # Gateways get their first status, which their definitions give them, only now: from here on not even that changes.
    third = {identity(one): applications.cluster.apply_one(one).object for one in applications.objects}
    assert versions(third) == versions(again)


def generations(applied: dict[str, Applied]) -> list[tuple[str, Applied]]:
    return [(name, one) for name, one in applied.items() if "generation" in one.object["metadata"]]


def versions(objects: dict[str, Object]) -> dict[str, str]:
    return {name: one["metadata"]["resourceVersion"] for name, one in objects.items()}


@pytest.mark.parametrize("place", OURS)
def test_a_privileged_pod_is_refused(applications: Applications, place: str) -> None:
    # Where no controller runs, nobody makes it.
    applications.cluster.apply([account("default", place)])
    with pytest.raises(ApiException, match='violates PodSecurity \\\\"restricted'):
        applications.cluster.apply_one(privileged_pod(place))


def test_accounts_may_do_only_what_their_work_needs(applications: Applications) -> None:
    accounts = [
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in applications.objects
        if one["kind"] == "ServiceAccount"
    ]
    assert {"api", "web", "worker", "secret-reader"} <= {name for _, name in accounts}
    roles = {one["metadata"]["name"] for one in applications.objects if one["kind"] == "RoleBinding"}
    everyone = rights(applications.cluster, STRANGER)
    for place, name in accounts:
        wanted = GRANTS[name] if name in roles else set()
        assert rights(applications.cluster, f"system:serviceaccount:{place}:{name}") - everyone == wanted, name


def rights(cluster: Cluster, user: str) -> set[tuple[str, ...]]:
    """What the server says that an account may do in the namespaces of the platform: place, verb, group, kind, name."""
    account = cluster.impersonate(user)
    return {
        (place, verb, group, resource, name)
        for place in (*OURS, "kube-system", "argocd")
        for rule in account.rules(place)
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames") or [""]
    }


def test_an_account_is_stopped_at_the_server(applications: Applications) -> None:
    worker = applications.cluster.impersonate("system:serviceaccount:web-intelligence:worker")
    for place in OURS:
        with pytest.raises(ApiException, match="is forbidden"):
            worker.all("v1", "Secret", place)


@pytest.fixture
def network(applications: Applications) -> Network:
    cluster = applications.cluster
    return Network(cluster.all("networking.k8s.io/v1", "NetworkPolicy"), cluster.all("v1", "Namespace"))


@pytest.fixture
def pods(applications: Applications) -> dict[str, Pod]:
    """A pod of each kind, as the API server would make it of what it holds."""
    found = {
        "gateway": Pod("envoy-gateway-system", {"app.kubernetes.io/name": "envoy"}),
        "monitoring": Pod("monitoring", {"app.kubernetes.io/name": "prometheus"}),
        "keda": Pod("keda", {"app": "keda-operator"}),
    }
    for one in applications.applied.values():
        kind, name, spec = one.object["kind"], one.object["metadata"]["name"], one.object.get("spec", {})
        if kind in {"Deployment", "StatefulSet", "Job"}:
            ports = {
                port["name"]: port["containerPort"]
                for container in spec["template"]["spec"]["containers"]
                for port in container.get("ports", [])
            }
            found[name] = Pod("web-intelligence", spec["template"]["metadata"]["labels"], ports)
        elif kind == "Cluster":
            labels = spec["inheritedMetadata"]["labels"] | {"cnpg.io/cluster": name}
            found[name] = Pod("web-intelligence", labels, {"postgresql": 5432})
    return found


def test_only_those_talk_who_have_to(network: Network, pods: dict[str, Pod]) -> None:
    assert set(pods) >= set(PORTS)
    open_ways = {
        (source, target)
        for source in pods
        for target, port in PORTS.items()
        if source != target and network.allows(pods[source], pods[target], port)
    }
    assert open_ways == {(source, target) for source, target in CONNECTIONS if source in pods}


@pytest.mark.parametrize("address", ["10.0.0.1", "10.96.0.1", "192.168.1.1", "169.254.169.254", "fd00::1"])
def test_workers_reach_nothing_inside(network: Network, pods: dict[str, Pod], address: str) -> None:
    assert not any(network.allows(pods["worker"], Outside(address), port) for port in (80, 443, 6443))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_only_workers_reach_the_internet(network: Network, pods: dict[str, Pod], address: str) -> None:
    ours = {name for name, pod in pods.items() if name in {"api", "web", "worker", "valkey", "migration"}}
    for port in (80, 443):
        assert {name for name in ours if network.allows(pods[name], Outside(address), port)} == {"worker"}
    assert not network.allows(pods["worker"], Outside(address), 25)


def test_a_shared_cluster_enforces_pod_security(control_plane: Cluster) -> None:
    """The one test here for a cluster that others use too: it keeps to a namespace of its own."""
    levels = next(
        one["metadata"]["labels"] for one in render_cluster("local") if identity(one).endswith("/web-intelligence")
    )
    place = namespace("webintel-test-pod-security", **levels)
    control_plane.apply([place, account("default", place["metadata"]["name"])], force=True)
    try:
        with pytest.raises(ApiException, match='violates PodSecurity \\\\"restricted'):
            control_plane.apply_one(privileged_pod(place["metadata"]["name"]))
    finally:
        control_plane.delete("v1", "Namespace", place["metadata"]["name"])
