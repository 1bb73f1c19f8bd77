"""Every selector takes something, every port is served."""

from tests.gitops.policies.objects import Document, Violation, namespace, of_kind, reject, selects, workloads
from tests.gitops.references.index import Index

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
# The port that each command of our image serves.
SERVED = {"api": 8000, "web": 3000, "worker": 9000}


def services_select_pods(documents: list[Document]) -> list[Violation]:
    """Pods that serve the port, by its name or number."""
    index = Index(documents)
    violations = []
    for service in of_kind(documents, "Service"):
        selector, place = service["spec"].get("selector"), namespace(service)
        if not selector or place in index.chart_namespaces:
            continue
        pods = index.selected(place, {"matchLabels": selector})
        if not pods:
            violations.append(reject(service, f"selects {selector}, which no pod has", "Use the labels of the pods"))
        for port in service["spec"].get("ports", []):
            target = port.get("targetPort", port["port"])
            if pods and not all(item.serves(target) for item in pods):
                wrong = f"sends port {port['port']} to {target}, which its pods do not serve"
                violations.append(reject(service, wrong, "Name a containerPort"))
    return violations


def probes_ask_served_ports(documents: list[Document]) -> list[Violation]:
    """Probes and hooks ask ports that the container declares, and ours declare what their command serves."""
    violations = []
    for workload in workloads(documents):
        for container in workload.containers:
            ports = {port["containerPort"] for port in container.get("ports", [])}
            names = {port.get("name") for port in container.get("ports", [])}
            handlers = {name: container.get(name, {}) for name in PROBES}
            handlers |= {name: container.get("lifecycle", {}).get(name, {}) for name in ("preStop", "postStart")}
            for name, handler in handlers.items():
                for action in ("httpGet", "tcpSocket", "grpc"):
                    port = handler.get(action, {}).get("port")
                    if port is not None and port not in ports | names:
                        wrong = f"{name} of container {container['name']} asks port {port}, which it does not declare"
                        violations.append(workload.reject(wrong, "Ask a containerPort"))
            command = (container.get("args") or [""])[0]
            if "webintel" in container.get("image", "") and command in SERVED and SERVED[command] not in ports:
                wrong = f"container {container['name']} runs `{command}`, which serves {SERVED[command]}"
                violations.append(workload.reject(wrong, "Declare that containerPort"))
    return violations


def scalers_have_targets(documents: list[Document]) -> list[Violation]:
    index = Index(documents)
    violations = []
    for document in of_kind(documents, "HorizontalPodAutoscaler", "ScaledObject"):
        target = document["spec"]["scaleTargetRef"]
        kind = target.get("kind", "Deployment")
        if index.find(kind, namespace(document), target["name"]) is None:
            violations.append(reject(document, f"scales {kind} {target['name']}, which is not there", "Mend the name"))
        for trigger in document["spec"].get("triggers", []):
            reference = trigger.get("authenticationRef")
            if reference and not index.find(
                reference.get("kind", "TriggerAuthentication"), namespace(document), reference["name"]
            ):
                wrong = f"asks with the TriggerAuthentication {reference['name']}, which is not there"
                violations.append(reject(document, wrong, "Add it"))
    return violations


def budgets_select_pods(documents: list[Document]) -> list[Violation]:
    index = Index(documents)
    return [
        reject(budget, "selects no pod", "Use the labels of the pods")
        for budget in of_kind(documents, "PodDisruptionBudget")
        if namespace(budget) not in index.chart_namespaces
        and not index.selected(namespace(budget), budget["spec"].get("selector"))
    ]


def workloads_select_their_pods(documents: list[Document]) -> list[Violation]:
    """A Deployment's own selector, and those of its spread and affinity terms."""
    violations = []
    for workload in workloads(documents, "Deployment", "StatefulSet", "DaemonSet"):
        selectors = {"selector": workload.document["spec"].get("selector")}
        for constraint in workload.spec.get("topologySpreadConstraints", []):
            selectors[f"spread over {constraint['topologyKey']}"] = constraint.get("labelSelector")
        violations += [
            workload.reject(f"its {name} does not take its own pods", "Use the labels of the pods")
            for name, selector in selectors.items()
            if not selects(selector, workload.labels)
        ]
    return violations


def monitors_select_ports(documents: list[Document]) -> list[Violation]:
    """A ServiceMonitor finds a Service with a port of that name, a PodMonitor pods with such a port."""
    index = Index(documents)
    violations = []
    for monitor in of_kind(documents, "ServiceMonitor", "PodMonitor"):
        spec = monitor["spec"]
        places = spec.get("namespaceSelector", {}).get("matchNames", [namespace(monitor)])
        if monitor["kind"] == "ServiceMonitor":
            endpoints = spec["endpoints"]
            found = [
                {port.get("name") for port in service["spec"]["ports"]}
                for service in of_kind(documents, "Service")
                if namespace(service) in places and selects(spec["selector"], service["metadata"].get("labels", {}))
            ]
        else:
            endpoints = spec["podMetricsEndpoints"]
            found = [set(pods.ports) for place in places for pods in index.selected(place, spec["selector"])]
        if not found and set(places) & index.chart_namespaces:
            continue
        violations += [
            reject(monitor, f"asks the port {endpoint.get('port')} of {spec['selector']}", "No such port is there")
            for endpoint in endpoints
            if not any(endpoint.get("port") in names for names in found)
        ]
    return violations


def network_policies_select_pods(documents: list[Document]) -> list[Violation]:
    """The pods that a policy is for, and each peer that it names."""
    index = Index(documents)
    violations = []
    for policy in of_kind(documents, "NetworkPolicy"):
        place, selector = namespace(policy), policy["spec"].get("podSelector", {})
        if selector and place not in index.chart_namespaces and not index.selected(place, selector):
            violations.append(reject(policy, f"is for {selector}, which no pod has", "Use the labels of the pods"))
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction) or []:
                violations += [
                    reject(policy, f"names the peer {peer}, which nobody is", "Use the labels of who is meant")
                    for peer in rule.get(peers, [])
                    if "ipBlock" not in peer and not _somebody(index, place, peer)
                ]
    return violations


def network_policies_name_served_ports(documents: list[Document]) -> list[Violation]:
    """The ports of an ingress rule are the pods' own, not the Service's."""
    index = Index(documents)
    violations = []
    for policy in of_kind(documents, "NetworkPolicy"):
        pods = index.selected(namespace(policy), policy["spec"].get("podSelector"))
        violations += [
            reject(policy, f"opens port {port['port']}, which its pods do not serve", "Name a containerPort")
            for rule in policy["spec"].get("ingress") or []
            for port in rule.get("ports", [])
            if pods and not any(item.serves(port["port"]) for item in pods)
        ]
    return violations


def _somebody(index: Index, place: str, peer: Document) -> bool:
    places = [place]
    if "namespaceSelector" in peer:
        places = [name for name, labels in index.namespaces.items() if selects(peer["namespaceSelector"], labels)]
    selector = peer.get("podSelector")
    if not selector:
        return bool(places)
    return any(name in index.chart_namespaces or index.selected(name, selector) for name in places)
