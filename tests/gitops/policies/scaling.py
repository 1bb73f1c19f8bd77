"""How many of each there are: autoscalers, what they scale, and what may be taken away at one time."""

from tests.gitops.policies.objects import Document, Violation, namespace, of_kind, reject, selects, workloads
from tests.gitops.policies.quantities import share

PROMISED = {"api": (3, 10, 70, 80), "web": (3, 8, 75, 80)}
SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Percent", "value": 100, "periodSeconds": 15},
        {"type": "Pods", "value": 2, "periodSeconds": 15},
    ],
}
SCALE_DOWN = {"stabilizationWindowSeconds": 300, "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}]}


def autoscalers_keep_their_range(documents: list[Document]) -> list[Violation]:
    """Replicas of api from 3 to 10 and of web from 3 to 8."""
    found = {document["metadata"]["name"]: document for document in of_kind(documents, "HorizontalPodAutoscaler")}
    violations = []
    for name, (least, most, _, _) in PROMISED.items():
        if name not in found:
            remedy = f"Add a HorizontalPodAutoscaler {name} from {least} to {most}"
            violations.append(Violation(f"HorizontalPodAutoscaler {name}", "is missing", remedy))
            continue
        spec = found[name]["spec"]
        if (actual := (spec.get("minReplicas", 1), spec["maxReplicas"])) != (least, most):
            wrong = f"scales from {actual[0]} to {actual[1]}"
            violations.append(reject(found[name], wrong, f"Set minReplicas {least} and maxReplicas {most}"))
    return violations


def autoscalers_keep_their_targets(documents: list[Document]) -> list[Violation]:
    """CPU 70 % or memory 80 % for api, CPU 75 % or memory 80 % for web."""
    violations = []
    for document in of_kind(documents, "HorizontalPodAutoscaler"):
        _, _, cpu, memory = PROMISED.get(document["metadata"]["name"], (0, 0, 70, 80))
        actual = {
            metric["resource"]["name"]: metric["resource"]["target"].get("averageUtilization")
            for metric in document["spec"].get("metrics", [])
            if metric["type"] == "Resource"
        }
        if actual != {"cpu": cpu, "memory": memory}:
            remedy = f"Set averageUtilization of cpu to {cpu} and of memory to {memory}"
            violations.append(reject(document, f"scales on {actual or 'nothing'}", remedy))
    return violations


def autoscalers_rise_at_once_and_fall_slowly(documents: list[Document]) -> list[Violation]:
    """Up by 100 % or 2 pods each 15 s, whichever is more; down after 300 s by 50 % a minute."""
    violations = []
    for document in of_kind(documents, "HorizontalPodAutoscaler"):
        behavior = document["spec"].get("behavior", {})
        for name, wanted in (("scaleUp", SCALE_UP), ("scaleDown", SCALE_DOWN)):
            # What the API server fills in where nothing is written.
            actual = {"selectPolicy": "Max", **behavior.get(name, {})}
            if name == "scaleUp":
                actual.setdefault("stabilizationWindowSeconds", 0)
            actual["policies"] = sorted(actual.get("policies", []), key=lambda policy: policy["type"])
            if actual != {"selectPolicy": "Max", **wanted}:
                violations.append(reject(document, f"behavior.{name} is {actual}", f"Set it to {wanted}"))
    return violations


def workers_follow_the_queue(documents: list[Document]) -> list[Violation]:
    """Workers from 1 to 20 by the number of jobs that wait."""
    found = [item for item in of_kind(documents, "ScaledObject") if item["metadata"]["name"] == "worker"]
    if not found:
        return [
            Violation("ScaledObject worker", "is missing", "Add one from 1 to 20 with a postgresql trigger on jobs")
        ]
    spec = found[0]["spec"]
    actual = (spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100))
    queries = [trigger["metadata"].get("query", "") for trigger in spec["triggers"] if trigger["type"] == "postgresql"]
    if actual == (1, 20) and len(queries) == 1 and "jobs" in queries[0]:
        return []
    wrong = f"scales from {actual[0]} to {actual[1]} by {queries or 'no query'}"
    remedy = "Set minReplicaCount 1, maxReplicaCount 20 and one postgresql trigger that counts jobs"
    return [reject(found[0], wrong, remedy)]


def what_scales_has_no_replicas(documents: list[Document]) -> list[Violation]:
    """A number in git would fight with the one that the autoscaler sets."""
    targets = {key for document in documents for key in _targets(document)}
    return [
        reject(document, "names replicas although something scales it", "Remove spec.replicas")
        for document in of_kind(documents, "Deployment", "StatefulSet")
        if "replicas" in document["spec"] and _key(document) in targets
    ]


def one_scaler_for_each_workload(documents: list[Document]) -> list[Violation]:
    """KEDA makes an autoscaler of its own: two of them on one workload pull in two directions."""
    owners: dict[tuple[str, str, str], Document] = {}
    violations = []
    for document in documents:
        for key in _targets(document):
            if key in owners:
                first = f"{owners[key]['kind']} {owners[key]['metadata']['name']}"
                violations.append(reject(document, f"scales {key[0]} {key[2]}, as {first} does", "Keep one of the two"))
            owners.setdefault(key, document)
    return violations


def budgets_leave_an_eviction(documents: list[Document]) -> list[Violation]:
    """At the fewest replicas, one pod may still go: else no node can ever be drained."""
    violations = []
    for budget in of_kind(documents, "PodDisruptionBudget"):
        spec = budget["spec"]
        for workload in workloads(documents, "Deployment", "StatefulSet"):
            if workload.namespace != namespace(budget) or not selects(spec.get("selector"), workload.labels):
                continue
            replicas = fewest_replicas(workload.document, documents)
            if "maxUnavailable" in spec:
                spare = share(spec["maxUnavailable"], replicas)
            else:
                spare = replicas - share(spec.get("minAvailable", 1), replicas)
            if spare < 1:
                wrong = f"lets no pod of {workload.name} go while there are {replicas}"
                violations.append(reject(budget, wrong, "Set maxUnavailable: 1, or a lower minAvailable"))
    return violations


def what_scales_has_a_budget(documents: list[Document]) -> list[Violation]:
    """A drain takes pods one by one, not all at a time."""
    targets = {key for document in documents for key in _targets(document)}
    budgets = of_kind(documents, "PodDisruptionBudget")
    return [
        workload.reject("has no PodDisruptionBudget", "Add one that selects its pods")
        for workload in workloads(documents, "Deployment", "StatefulSet")
        if _key(workload.document) in targets
        and not any(
            namespace(budget) == workload.namespace and selects(budget["spec"].get("selector"), workload.labels)
            for budget in budgets
        )
    ]


def fewest_replicas(document: Document, documents: list[Document]) -> int:
    """How many pods a workload has at the least: what its scaler says, or what it says itself."""
    for scaler in documents:
        if _key(document) in _targets(scaler):
            spec = scaler["spec"]
            return spec.get("minReplicas", 1) if scaler["kind"] != "ScaledObject" else spec.get("minReplicaCount", 0)
    return document["spec"].get("replicas", 1)


def _targets(document: Document) -> list[tuple[str, str, str]]:
    if document["kind"] not in {"HorizontalPodAutoscaler", "ScaledObject"}:
        return []
    target = document["spec"]["scaleTargetRef"]
    return [(target.get("kind", "Deployment"), namespace(document), target["name"])]


def _key(document: Document) -> tuple[str, str, str]:
    return (document["kind"], namespace(document), document["metadata"]["name"])
