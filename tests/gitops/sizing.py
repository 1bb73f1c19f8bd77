"""What a cluster asks of its nodes when nobody is there: our pods, those of operators, and those that pass."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.gitops.policies.objects import Document, of_kind, workloads
from tests.gitops.policies.quantities import quantity
from tests.gitops.policies.scaling import fewest_replicas

MIB = Decimal(2**20)


@dataclass(frozen=True)
class Request:
    """One pod's share of a node."""

    name: str
    cpu: Decimal
    memory: Decimal

    def __str__(self) -> str:
        return f"{self.name:48} {self.cpu * 1000:5.0f}m {self.memory / MIB:5.0f}Mi"


@dataclass
class Node:
    """A machine of k3s: what it has, what system and kubelet keep, and the pods on it."""

    name: str
    cpu: Decimal
    memory: Decimal
    pods: list[Request] = field(default_factory=list)

    def fits(self, pod: Request) -> bool:
        cpu = sum((item.cpu for item in self.pods), pod.cpu)
        memory = sum((item.memory for item in self.pods), pod.memory)
        return cpu <= self.cpu and memory <= self.memory

    def __str__(self) -> str:
        cpu, memory = (sum(getattr(pod, name) for pod in self.pods) for name in ("cpu", "memory"))
        title = (
            f"{self.name}: {cpu * 1000:.0f} of {self.cpu * 1000:.0f}m, {memory / MIB:.0f} of {self.memory / MIB:.0f}Mi"
        )
        return "\n".join([title, *(f"  {pod}" for pod in self.pods)])


@dataclass(frozen=True)
class ChartPod:
    """Where the values of a chart say what one of its pods asks for, container by container, and how many there are."""

    name: str
    containers: tuple[str, ...]
    replicas: str = ""
    on_each_node: bool = False


RELOADER = "prometheusOperator.prometheusConfigReloader.resources"
CHARTS: dict[str, tuple[ChartPod, ...]] = {
    "cert-manager": (
        ChartPod("controller", ("resources",), "replicaCount"),
        ChartPod("webhook", ("webhook.resources",), "webhook.replicaCount"),
        ChartPod("cainjector", ("cainjector.resources",), "cainjector.replicaCount"),
    ),
    "cloudnative-pg": (ChartPod("controller", ("resources",), "replicaCount"),),
    "external-dns": (ChartPod("controller", ("resources",), ""),),
    "external-secrets": (
        ChartPod("controller", ("resources",), "replicaCount"),
        ChartPod("webhook", ("webhook.resources",), "webhook.replicaCount"),
        ChartPod("cert-controller", ("certController.resources",), "certController.replicaCount"),
    ),
    "gateway-crds-helm": (),
    "gateway-helm": (ChartPod("controller", ("deployment.envoyGateway.resources",), "deployment.replicas"),),
    "keda": (
        ChartPod("operator", ("resources.operator",), "operator.replicaCount"),
        ChartPod("metrics-server", ("resources.metricServer",), "metricsServer.replicaCount"),
        ChartPod("webhooks", ("resources.webhooks",), "webhooks.replicaCount"),
    ),
    "kube-prometheus-stack": (
        ChartPod("operator", ("prometheusOperator.resources",)),
        ChartPod("prometheus", ("prometheus.prometheusSpec.resources", RELOADER), "prometheus.prometheusSpec.replicas"),
        ChartPod(
            "alertmanager",
            ("alertmanager.alertmanagerSpec.resources", RELOADER),
            "alertmanager.alertmanagerSpec.replicas",
        ),
        # Beside Grafana one container that looks for dashboards, and one for data sources.
        ChartPod("grafana", ("grafana.resources", "grafana.sidecar.resources", "grafana.sidecar.resources")),
        ChartPod("kube-state-metrics", ("kube-state-metrics.resources",)),
        ChartPod("node-exporter", ("prometheus-node-exporter.resources",), on_each_node=True),
    ),
    "metrics-server": (ChartPod("server", ("resources",), "replicas"),),
    "plugin-barman-cloud": (ChartPod("plugin", ("resources",), "replicaCount"),),
    "prometheus-operator-crds": (),
}


def lasting(documents: list[Document], nodes: int) -> list[Request]:
    """The pods that always run, each as many times as at the least."""
    found = []
    for workload in workloads(documents, "Deployment", "StatefulSet"):
        count = fewest_replicas(workload.document, documents)
        found += [_pod(workload.name, workload.spec)] * count
    for workload in workloads(documents, "DaemonSet"):
        found += [_pod(workload.name, workload.spec)] * nodes
    for application in of_kind(documents, "Application"):
        found += _chart(application, nodes)
    for proxy in of_kind(documents, "EnvoyProxy"):
        found += _proxies(proxy)
    for cluster in of_kind(documents, "Cluster"):
        found += [_request("postgres", [cluster["spec"].get("resources", {})])] * cluster["spec"]["instances"]
    return found


def passing(documents: list[Document]) -> list[Request]:
    """The pods that come for a while, each beside all that last: of jobs, and the one more of a rollout."""
    jobs = [_pod(workload.name, workload.spec) for workload in workloads(documents, "Job", "CronJob")]
    rollouts = [
        _pod(f"{workload.name} (rollout)", workload.spec)
        for workload in workloads(documents, "Deployment")
        if workload.document["spec"].get("strategy", {}).get("type") != "Recreate"
    ]
    return jobs + rollouts


def place(pods: list[Request], nodes: list[Node]) -> list[Request]:
    """Put pods on nodes, the largest first and each where it fits first; what finds no room comes back."""
    homeless = []
    for pod in sorted(pods, key=lambda item: item.memory, reverse=True):
        node = next((node for node in nodes if node.fits(pod)), None)
        if node is None:
            homeless.append(pod)
        else:
            node.pods.append(pod)
    return homeless


def _pod(name: str, spec: Document) -> Request:
    """What the scheduler counts: containers and sidecars together, or the largest step before them."""
    steps = spec.get("initContainers", [])
    sidecars = [container for container in steps if container.get("restartPolicy") == "Always"]
    running = _request(name, [item.get("resources", {}) for item in [*spec["containers"], *sidecars]])
    first = [_request(name, [item.get("resources", {})]) for item in steps if item not in sidecars]
    cpu = max([running.cpu, *(step.cpu for step in first)])
    return Request(name, cpu, max([running.memory, *(step.memory for step in first)]))


def _request(name: str, resources: list[Document]) -> Request:
    requests = [item.get("requests", {}) for item in resources]
    if not all("memory" in item and "cpu" in item for item in requests):
        raise ValueError(f"{name} does not say what it asks for: state requests for cpu and memory")
    cpu, memory = (sum(quantity(item[key]) for item in requests) for key in ("cpu", "memory"))
    return Request(name, Decimal(cpu), Decimal(memory))


def _chart(application: Document, nodes: int) -> Iterator[Request]:
    source = application["spec"]["source"]
    if source["chart"] not in CHARTS:
        raise ValueError(f"nobody knows the pods of the chart {source['chart']}: add them to CHARTS")
    values = source.get("helm", {}).get("valuesObject", {})
    for pod in CHARTS[source["chart"]]:
        name = f"{source['chart']}: {pod.name}"
        request = _request(name, [_value(values, path, {}) for path in pod.containers])
        count = nodes if pod.on_each_node else _value(values, pod.replicas, 1)
        yield from [request] * count


def _proxies(proxy: Document) -> Iterator[Request]:
    kubernetes = proxy["spec"]["provider"]["kubernetes"]
    deployment = kubernetes["envoyDeployment"]
    count = kubernetes.get("envoyHpa", {}).get("minReplicas", deployment.get("replicas", 1))
    # The container that drains connections before the proxy stops: Envoy Gateway's own numbers.
    drains = {"requests": {"cpu": "10m", "memory": "32Mi"}}
    yield from [_request("proxy", [deployment["container"]["resources"], drains])] * count


def _value(values: Document, path: str, default: Any) -> Any:
    value: Any = values
    for part in path.split("."):
        value = value.get(part, {}) if isinstance(value, dict) else {}
    return value or default
