"""No request is lost while pods come and go."""

from typing import Any

from tests.gitops.policies.objects import Document, Violation, Workload, namespace, of_kind, selects, workloads
from tests.gitops.policies.scaling import fewest_replicas

PROBES = {
    "livenessProbe": ("/health/live", 10),
    "readinessProbe": ("/health/ready", 5),
    "startupProbe": ("/health/startup", None),
}
NAMES = ("api", "web", "worker")


def probes_have_their_own_endpoints(documents: list[Document]) -> list[Violation]:
    """Liveness every 10 s, readiness every 5 s, each asking its own question."""
    violations = []
    for workload in workloads(documents, "Deployment"):
        if workload.name not in NAMES:
            continue
        container = workload.spec["containers"][0]
        for name, (path, period) in PROBES.items():
            probe = container.get(name, {})
            actual = (probe.get("httpGet", {}).get("path"), probe.get("periodSeconds", 10))
            if actual[0] != path or (period and actual[1] != period):
                wrong = f"{name} asks {actual[0] or 'nothing'} every {actual[1]} s"
                remedy = f"Ask {path}" + (f" every {period} s" if period else "")
                violations.append(workload.reject(wrong, remedy))
    return violations


def servers_wait_before_they_stop(documents: list[Document]) -> list[Violation]:
    """Proxies hear of an ending pod later than the pod itself: it serves on for as long as preStop sleeps."""
    violations = []
    for workload in _served(documents):
        grace = workload.spec.get("terminationGracePeriodSeconds", 30)
        for container in workload.spec["containers"]:
            if not container.get("ports"):
                continue
            seconds = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            if not 0 < seconds < grace:
                wrong = f"container {container['name']} sleeps {seconds} s before it stops, of {grace} s"
                remedy = "Set lifecycle.preStop.sleep.seconds to 5 or more, and a longer terminationGracePeriodSeconds"
                violations.append(workload.reject(wrong, remedy))
    return violations


def rollouts_add_before_they_remove(documents: list[Document]) -> list[Violation]:
    """Except in a region that stands by: its database is read-only, so no pod is ready and nobody is served."""
    replicas = [cluster["spec"].get("replica", {}) for cluster in of_kind(documents, "Cluster")]
    if any(replica.get("self") != replica.get("primary") for replica in replicas):
        return []
    violations = []
    for workload in _served(documents):
        strategy = workload.document["spec"].get("strategy", {})
        rolling = strategy.get("rollingUpdate", {})
        if strategy.get("type", "RollingUpdate") != "RollingUpdate" or (
            rolling.get("maxSurge"),
            rolling.get("maxUnavailable"),
        ) != (1, 0):
            wrong = f"rolls out by {strategy or 'the default'}"
            violations.append(workload.reject(wrong, "Set rollingUpdate: {maxSurge: 1, maxUnavailable: 0}"))
    return violations


def replicas_spread_over_nodes(documents: list[Document]) -> list[Violation]:
    """A node that dies takes one replica, not all.

    A spread constraint does not see to it: the scheduler leaves a node out of all of them that lacks the label of one.
    """
    return [
        workload.reject("may put all its pods on one node", "Add a podAntiAffinity on kubernetes.io/hostname")
        for workload in workloads(documents, "Deployment")
        if fewest_replicas(workload.document, documents) > 1
        and not any(
            term["topologyKey"] == "kubernetes.io/hostname" and selects(term.get("labelSelector"), workload.labels)
            for term in _apart(workload)
        )
    ]


def _apart(workload: Workload) -> list[dict[str, Any]]:
    """The terms of a workload's anti-affinity, wished for or required."""
    affinity = workload.spec.get("affinity", {}).get("podAntiAffinity", {})
    wished = [one["podAffinityTerm"] for one in affinity.get("preferredDuringSchedulingIgnoredDuringExecution", [])]
    return [*wished, *affinity.get("requiredDuringSchedulingIgnoredDuringExecution", [])]


def jobs_come_to_an_end(documents: list[Document]) -> list[Violation]:
    """A job that hangs is stopped and told about, and two of a kind never run at once."""
    violations = []
    for document in of_kind(documents, "Job", "CronJob"):
        spec = document["spec"] if document["kind"] == "Job" else document["spec"]["jobTemplate"]["spec"]
        workload = workloads([document])[0]
        if "activeDeadlineSeconds" not in spec or "backoffLimit" not in spec:
            violations.append(workload.reject("may run forever", "Set activeDeadlineSeconds and backoffLimit"))
        if document["kind"] == "CronJob" and document["spec"].get("concurrencyPolicy", "Allow") == "Allow":
            violations.append(workload.reject("may overlap with itself", "Set concurrencyPolicy: Forbid"))
    return violations


def _served(documents: list[Document]) -> list[Workload]:
    """Deployments of several pods that a Service with an address of its own sends requests to."""
    services = [item for item in of_kind(documents, "Service") if item["spec"].get("clusterIP") != "None"]
    return [
        workload
        for workload in workloads(documents, "Deployment")
        if workload.document["spec"].get("replicas") != 1
        and any(
            namespace(service) == workload.namespace
            and service["spec"].get("selector")
            and selects({"matchLabels": service["spec"]["selector"]}, workload.labels)
            for service in services
        )
    ]
