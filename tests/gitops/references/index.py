"""What a cluster has, by the names that other objects use: pods, Secrets with their keys, namespaces, objects."""

from dataclasses import dataclass
from functools import cached_property

from tests.gitops.policies.objects import Document, embedded, group, namespace, of_kind, selects, workloads

CLOUDNATIVE = "postgresql.cnpg.io"
# What Ansible puts into the namespace platform-secrets, before anything reads it.
SEEDS = {
    "webintel": {"secret-key"},
    "postgres": {"password", "admin-password"},
    "valkey": {"password"},
    "backup-store": {"access-key-id", "secret-access-key"},
    "pagerduty": {"routing-key", "dead-mans-switch-url", "notifications-key"},
    "grafana": {"admin-user", "admin-password"},
    "dns": None,
}
SEED_NAMESPACE = "platform-secrets"
# There before this repository says anything: what Kubernetes has, what the bootstrap makes.
GIVEN_NAMESPACES = frozenset(("default", "kube-system", "argocd", SEED_NAMESPACE))
GIVEN_PRIORITIES = frozenset(("system-cluster-critical", "system-node-critical"))
CLOUDNATIVE_KEYS = frozenset(("username", "user", "password", "host", "port", "dbname", "uri", "jdbc-uri", "pgpass"))
NAME = "kubernetes.io/metadata.name"

# Keys that an entry holds; None where they are known only at run time.
Keys = frozenset[str] | set[str] | None


@dataclass(frozen=True)
class Pods:
    """The pods of one object, ours or an operator's."""

    owner: Document
    namespace: str
    labels: dict[str, str]
    ports: dict[str, int]

    def serves(self, port: int | str) -> bool:
        return port in self.ports or port in self.ports.values()


class Index:
    """One cluster's objects, with the manifests that ConfigMaps hold and what operators make of them."""

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents + embedded(documents)

    def find(self, kind: str, place: str, name: str) -> Document | None:
        for document in of_kind(self.documents, kind):
            if document["metadata"]["name"] == name and namespace(document) in {place, ""}:
                return document
        return None

    @cached_property
    def databases(self) -> list[Document]:
        return [document for document in of_kind(self.documents, "Cluster") if group(document) == CLOUDNATIVE]

    @cached_property
    def chart_namespaces(self) -> set[str]:
        """Namespaces with pods and Services that a Helm chart makes, which no file here shows."""
        destinations = [item["spec"]["destination"] for item in of_kind(self.documents, "Application")]
        return {"kube-system", "argocd", *(destination.get("namespace", "") for destination in destinations)}

    @cached_property
    def namespaces(self) -> dict[str, dict[str, str]]:
        """Labels of each namespace."""
        known = {name: {} for name in GIVEN_NAMESPACES | self.chart_namespaces}
        for document in of_kind(self.documents, "Namespace"):
            known[document["metadata"]["name"]] = document["metadata"].get("labels", {})
        return {name: {**labels, NAME: name} for name, labels in known.items()}

    @cached_property
    def pods(self) -> list[Pods]:
        return [*map(_ours, workloads(self.documents)), *map(_database, self.databases), *self._proxies()]

    def selected(self, place: str, selector: Document | None) -> list[Pods]:
        return [pods for pods in self.pods if pods.namespace == place and selects(selector, pods.labels)]

    @cached_property
    def secrets(self) -> dict[tuple[str, str], Keys]:
        """Keys of each Secret, by namespace and name of who uses it."""
        found: dict[tuple[str, str], Keys] = {(SEED_NAMESPACE, name): keys for name, keys in SEEDS.items()}
        for document in self.documents:
            found.update(_secrets_of(document))
        return found

    @cached_property
    def config_maps(self) -> dict[tuple[str, str], Keys]:
        found: dict[tuple[str, str], Keys] = {(name, "kube-root-ca.crt"): {"ca.crt"} for name in self.namespaces}
        for document in of_kind(self.documents, "ConfigMap"):
            keys = set(document.get("data") or {}) | set(document.get("binaryData") or {})
            found[namespace(document), document["metadata"]["name"]] = keys
        return found

    def _proxies(self) -> list[Pods]:
        """Envoy Gateway runs the proxies of each Gateway beside itself."""
        labels = {"app.kubernetes.io/managed-by": "envoy-gateway", "app.kubernetes.io/component": "proxy"}
        return [
            Pods(
                gateway,
                "envoy-gateway-system",
                {**labels, "gateway.envoyproxy.io/owning-gateway-name": gateway["metadata"]["name"]},
                {"http-80": 10080, "https-443": 10443, "metrics": 19001},
            )
            for gateway in of_kind(self.documents, "Gateway")
        ]


def _ours(workload) -> Pods:
    ports = {
        port.get("name", str(port["containerPort"])): port["containerPort"]
        for container in workload.containers
        for port in container.get("ports", [])
    }
    return Pods(workload.document, workload.namespace, workload.labels, ports)


def _database(cluster: Document) -> Pods:
    labels = {
        "app.kubernetes.io/name": "postgresql",
        "cnpg.io/cluster": cluster["metadata"]["name"],
        "cnpg.io/podRole": "instance",
        **cluster["spec"].get("inheritedMetadata", {}).get("labels", {}),
    }
    return Pods(cluster, namespace(cluster), labels, {"postgresql": 5432, "metrics": 9187, "status": 8000})


def _secrets_of(document: Document) -> dict[tuple[str, str], Keys]:
    """The Secrets that somebody makes because of this object."""
    place, name, spec = namespace(document), document["metadata"]["name"], document.get("spec", {})
    kind = document["kind"]
    if kind == "Secret":
        return {(place, name): set(document.get("data") or {}) | set(document.get("stringData") or {})}
    if kind == "ExternalSecret":
        return {(place, spec.get("target", {}).get("name", name)): _external_keys(spec)}
    if kind == "Certificate":
        return {(place, spec["secretName"]): {"tls.crt", "tls.key", "ca.crt"}}
    if kind == "Gateway" and _issuers(document):
        return {(place, secret): {"tls.crt", "tls.key"} for secret in _certificates(document)}
    if kind == "Cluster" and group(document) == CLOUDNATIVE:
        bootstrap = spec.get("bootstrap", {})
        given = any(bootstrap.get(way, {}).get("secret") for way in ("initdb", "recovery", "pg_basebackup"))
        made: dict[tuple[str, str], Keys] = {(place, f"{name}-ca"): {"ca.crt"}, (place, f"{name}-server"): {"tls.crt"}}
        made[place, f"{name}-replication"] = {"tls.crt", "tls.key"}
        return made if given else {**made, (place, f"{name}-app"): CLOUDNATIVE_KEYS}
    return {}


def _external_keys(spec: Document) -> Keys:
    template = spec.get("target", {}).get("template", {})
    written = set(template.get("data", {}))
    if template.get("templateFrom"):
        return None
    if written and template.get("mergePolicy", "Replace") == "Replace":
        return written
    if spec.get("dataFrom"):
        return None
    return written | {entry["secretKey"] for entry in spec.get("data", [])}


def _issuers(gateway: Document) -> list[str]:
    notes = gateway["metadata"].get("annotations", {})
    return [notes[key] for key in ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer") if key in notes]


def _certificates(gateway: Document) -> list[str]:
    listeners = gateway["spec"]["listeners"]
    return [ref["name"] for listener in listeners for ref in listener.get("tls", {}).get("certificateRefs", [])]
