"""Namespaces of a test's own, as the platform's is, with some of its workloads in them."""

import copy
from collections.abc import Iterable
from typing import NamedTuple

from tests.cluster.control_plane.cluster import Cluster, Object
from tests.cluster.control_plane.history import History
from tests.gitops.rendering import render

PLATFORM = "web-intelligence"
FOUNDATION = ("Namespace", "ResourceQuota", "LimitRange")
BUILT_IN = ("ServiceAccount", "Deployment", "PodDisruptionBudget", "HorizontalPodAutoscaler")
FEWEST = 3
DEPLOYMENT = ("apps/v1", "Deployment")


class Place(NamedTuple):
    """A namespace, and what happens in it."""

    cluster: Cluster
    namespace: str

    def run(self, objects: Iterable[Object]) -> None:
        """Apply objects as Argo CD would, and wait until as many pods are available as wanted."""
        wanted = list(objects)
        self.cluster.apply(wanted, force=True)
        for one in wanted:
            if one["kind"] == "Deployment":
                self.wait_for(one["metadata"]["name"])

    def wait_for(self, name: str) -> None:
        """Wait until a Deployment has rolled out, and its scaler has seen to it."""

        def done() -> bool:
            return rolled_out(made := self.deployment(name)) and made["spec"]["replicas"] >= FEWEST

        self.cluster.wait_until(done, lambda: f"a rollout of {name}: {self.deployment(name)['status']}", 60)

    def deployment(self, name: str) -> Object:
        return self.cluster.get(*DEPLOYMENT, name, self.namespace) or {}

    def pods(self, name: str) -> list[Object]:
        """The pods of a workload that nobody has told to go."""
        found = self.cluster.all("v1", "Pod", self.namespace, label_selector=f"app.kubernetes.io/name={name}")
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]

    def budget(self, name: str) -> Object:
        return (self.cluster.get("policy/v1", "PodDisruptionBudget", name, self.namespace) or {}).get("status") or {}

    def scale(self, name: str, replicas: int) -> None:
        """Scale as a scaler does."""
        body = {"spec": {"replicas": replicas}}
        self.cluster.patch(*DEPLOYMENT, name, body, namespace=self.namespace, subresource="scale")

    def history(self, api_version: str, kind: str) -> History:
        return History(self.cluster, api_version, kind, self.namespace)


def workload(name: str, namespace: str) -> list[Object]:
    """All that production runs of one name, for a namespace of another name; what operators need is left out."""
    found = [
        one
        for one in render("production", "workloads")
        if (one["kind"] in BUILT_IN and one["metadata"]["name"] == name) or one["kind"] == "ConfigMap"
    ]
    return [moved(one, namespace) for one in found]


def quicker(objects: list[Object]) -> list[Object]:
    """The Deployment's patience shortened, and nothing else: 10 s for each pod and 10 minutes are long for a test."""
    find(objects, "Deployment")["spec"].update(minReadySeconds=1, progressDeadlineSeconds=4)
    return objects


def foundation(namespace: str) -> list[Object]:
    """The namespace itself with its levels, quotas and limits, and the priorities."""
    found = render("production", "foundation")
    here = [one for one in found if PLATFORM in (one["metadata"]["name"], one["metadata"].get("namespace"))]
    priorities = [one for one in found if one["kind"] == "PriorityClass"]
    return priorities + [moved(one, namespace) for one in here if one["kind"] in FOUNDATION]


def moved(one: Object, namespace: str) -> Object:
    made = copy.deepcopy(one)
    made["metadata"]["name" if made["kind"] == "Namespace" else "namespace"] = namespace
    return made


def find(objects: list[Object], kind: str) -> Object:
    [found] = [one for one in objects if one["kind"] == kind]
    return found


def condition(one: Object, name: str) -> Object:
    """A condition of an object; empty where it has none of that name."""
    found = [item for item in (one.get("status") or {}).get("conditions") or [] if item["type"] == name]
    return found[0] if found else {}


def rolled_out(deployment: Object) -> bool:
    """Whether a Deployment's newest pods, and no others, are all available."""
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    counts = [status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return (
        seen and counts == [wanted] * 3 and condition(deployment, "Progressing")["reason"] == "NewReplicaSetAvailable"
    )


def is_ready(pod: Object) -> bool:
    return condition(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]
