"""What is still missing until the objects of a cluster are as their manifests say."""

from collections import Counter
from collections.abc import Callable

from tests.cluster.control_plane.cluster import Cluster, Object, identity
from tests.gitops.policies.objects import of_kind, selects
from tests.gitops.policies.quantities import share
from tests.gitops.policies.scaling import fewest_replicas

APPS = "apps/v1"


def unsettled(cluster: Cluster, objects: list[Object]) -> list[str]:
    """A line for each workload, volume and budget that has not reached its state."""
    namespaces = {one["metadata"]["namespace"] for one in of_kind(objects, *MISSING)}
    found = {
        identity(one): one
        for kind in MISSING
        for namespace in namespaces
        for one in cluster.all(API_VERSIONS[kind], kind, namespace)
    }
    lines = []
    for one in of_kind(objects, *MISSING):
        wrong = MISSING[one["kind"]](one, found[identity(one)].get("status") or {}, objects)
        if wrong:
            lines.append(f"{identity(one)}: {wrong}")
    return lines


def of_deployment(deployment: Object, status: Object, objects: list[Object]) -> str:
    wanted = fewest_replicas(deployment, objects)
    counts = {name: status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
    counts["availableReplicas"] = status.get("availableReplicas", 0)
    if any(count != wanted for count in counts.values()):
        return f"{wanted} wanted, {counts}"
    reasons = {one["type"]: one["reason"] for one in status["conditions"] if one["status"] == "True"}
    wanted_reasons = {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
    return "" if reasons == wanted_reasons else f"conditions {reasons}"


def of_stateful_set(database: Object, status: Object, objects: list[Object]) -> str:
    wanted, ready = database["spec"]["replicas"], status.get("availableReplicas", 0)
    return "" if ready == wanted else f"{ready} of {wanted} available"


def of_job(job: Object, status: Object, objects: list[Object]) -> str:
    done = {one["type"] for one in status.get("conditions") or [] if one["status"] == "True"}
    return "" if "Complete" in done and status.get("succeeded") == 1 else f"conditions {done}"


def of_budget(budget: Object, status: Object, objects: list[Object]) -> str:
    wanted = evictions(budget, objects)
    actual = {name: status.get(name) for name in wanted}
    return "" if actual == wanted else f"{wanted} wanted, {actual}"


def evictions(budget: Object, objects: list[Object]) -> dict[str, int]:
    """What a budget comes to at the fewest replicas."""
    spec = budget["spec"]
    pods = sum(
        fewest_replicas(one, objects)
        for one in of_kind(objects, "Deployment", "StatefulSet")
        if one["metadata"]["namespace"] == budget["metadata"]["namespace"]
        and selects(spec["selector"], one["spec"]["template"]["metadata"]["labels"])
    )
    spare = share(spec["maxUnavailable"], pods)
    return {"expectedPods": pods, "currentHealthy": pods, "desiredHealthy": pods - spare, "disruptionsAllowed": spare}


def uneven(pods: list[Object], nodes: list[Object], key: str) -> dict[str, int]:
    """How many pods each node, or zone, has, where some have two more than others."""
    domains = {one["metadata"]["name"]: one["metadata"]["labels"].get(key, "") for one in nodes}
    counts = Counter(dict.fromkeys(domains.values(), 0))
    counts.update(domains[one["spec"]["nodeName"]] for one in pods)
    return dict(counts) if max(counts.values()) - min(counts.values()) > 1 else {}


MISSING: dict[str, Callable[[Object, Object, list[Object]], str]] = {
    "Deployment": of_deployment,
    "StatefulSet": of_stateful_set,
    "Job": of_job,
    "PodDisruptionBudget": of_budget,
}
API_VERSIONS = {"Deployment": APPS, "StatefulSet": APPS, "Job": "batch/v1", "PodDisruptionBudget": "policy/v1"}
