"""Who may talk to whom, and which rules the namespaces carry."""

from ipaddress import ip_network

from tests.gitops.policies.objects import Document, Violation, namespace, of_kind, reject, selects, workloads

PRIVATE = {
    4: ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    6: ("fc00::/7", "fe80::/10"),
}
MODES = ("enforce", "warn", "audit")
PREFIX = "pod-security.kubernetes.io/"


def namespaces_deny_by_default(documents: list[Document]) -> list[Violation]:
    """Where our pods run, nothing comes in or goes out unless a policy beside the workload allows it."""
    places = {workload.namespace for workload in workloads(documents)}
    closed: dict[str, set[str]] = {place: set() for place in places}
    for policy in of_kind(documents, "NetworkPolicy"):
        spec = policy["spec"]
        if spec.get("podSelector") == {} and not spec.get("ingress") and not spec.get("egress"):
            closed.setdefault(namespace(policy), set()).update(spec.get("policyTypes", ["Ingress"]))
    return [
        Violation(
            f"Namespace {place}",
            f"denies no {' and no '.join(sorted(missing))} by default",
            "Add a NetworkPolicy with an empty podSelector, both policyTypes and no rules",
        )
        for place in sorted(places)
        if (missing := {"Ingress", "Egress"} - closed[place])
    ]


def policies_name_peers_or_ports(documents: list[Document]) -> list[Violation]:
    """A rule that names neither whom nor a port opens everything; some peers have no name, but ports all have."""
    return [
        reject(policy, f"has an {direction} rule for everything", f"Name who in {peers}, or the ports")
        for policy in of_kind(documents, "NetworkPolicy")
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for rule in policy["spec"].get(direction) or []
        if not (rule or {}).get(peers) and not (rule or {}).get("ports")
    ]


def the_internet_excludes_the_inside(documents: list[Document]) -> list[Violation]:
    """What fetches pages of strangers must not be sent to our own network, nor to a cloud's metadata."""
    violations = []
    for policy in of_kind(documents, "NetworkPolicy"):
        for block in _blocks(policy):
            net = ip_network(block["cidr"])
            if net.prefixlen:
                continue
            holes = [ip_network(hole) for hole in block.get("except", [])]
            missing = [
                text for text in PRIVATE[net.version] if not any(ip_network(text).subnet_of(hole) for hole in holes)
            ]
            if missing:
                wrong = f"lets {block['cidr']} through with {', '.join(missing)}"
                violations.append(reject(policy, wrong, "Put them into except"))
    return violations


def workers_reach_only_what_they_need(documents: list[Document]) -> list[Violation]:
    """The database, names, and the internet outside: a page cannot make a worker call anything else of ours."""
    allowed = ({"app.kubernetes.io/name": "postgres"}, {"cnpg.io/cluster": "postgres"}, {"k8s-app": "kube-dns"})
    violations = []
    for policy in of_kind(documents, "NetworkPolicy"):
        if not any(
            workload.name == "worker"
            and workload.namespace == namespace(policy)
            and selects(policy["spec"].get("podSelector"), workload.labels)
            for workload in workloads(documents, "Deployment")
        ):
            continue
        for rule in policy["spec"].get("egress") or []:
            for peer in rule.get("to", []):
                selector = peer.get("podSelector")
                if "ipBlock" not in peer and not (selector and any(selects(selector, labels) for labels in allowed)):
                    wrong = f"lets workers reach {peer}"
                    violations.append(reject(policy, wrong, "Allow only postgres, kube-dns and the public internet"))
    return violations


def namespaces_enforce_pod_security(documents: list[Document]) -> list[Violation]:
    """Restricted wherever pods of ours run; every other namespace says its level too."""
    ours = {workload.namespace for workload in workloads(documents)}
    violations = []
    for document in of_kind(documents, "Namespace"):
        labels = document["metadata"].get("labels", {})
        levels = {mode: labels.get(PREFIX + mode) for mode in MODES}
        if document["metadata"]["name"] in ours and set(levels.values()) != {"restricted"}:
            wrong = f"holds our pods and says {levels}"
            violations.append(reject(document, wrong, f"Label it {PREFIX}{{enforce,warn,audit}}: restricted"))
        elif not levels["enforce"]:
            violations.append(reject(document, "says no level of Pod Security", f"Label it {PREFIX}enforce"))
    return violations


def _blocks(policy: Document) -> list[Document]:
    return [
        peer["ipBlock"]
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for rule in policy["spec"].get(direction) or []
        for peer in (rule or {}).get(peers, [])
        if "ipBlock" in peer
    ]
