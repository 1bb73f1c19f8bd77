"""Every route leads from a listener to a Service, every policy of the gateway has a target."""

from collections.abc import Iterator

from tests.gitops.policies.objects import Document, Violation, annotation, namespace, of_kind, reject, selects
from tests.gitops.references.index import Index

POLICIES = (
    "BackendTrafficPolicy", "ClientTrafficPolicy", "SecurityPolicy", "EnvoyExtensionPolicy", "EnvoyPatchPolicy",
    "BackendTLSPolicy",
)  # fmt: skip
ROUTES = ("HTTPRoute", "GRPCRoute")


def routes_have_parents(documents: list[Document]) -> list[Violation]:
    """A listener that takes routes from this namespace and answers for each of its hosts."""
    index = Index(documents)
    violations = []
    for route in of_kind(documents, *ROUTES):
        for parent in route["spec"].get("parentRefs", []):
            listeners = list(_listeners(index, route, parent))
            if not listeners:
                wrong = f"hangs on {parent}, which is no listener that takes routes from here"
                violations.append(reject(route, wrong, "Name a Gateway, and a listener whose allowedRoutes take it"))
            elif strays := [host for host in route["spec"].get("hostnames", []) if not _answered(host, listeners)]:
                wrong = f"is for {', '.join(strays)}, for which its listener does not answer"
                violations.append(reject(route, wrong, "Use the listener's hostname"))
        if not route["spec"].get("parentRefs"):
            violations.append(reject(route, "hangs on no Gateway", "Add parentRefs"))
    return violations


def routes_have_backends(documents: list[Document]) -> list[Violation]:
    """A Service with that port, and every filter that a rule names."""
    index = Index(documents)
    violations = []
    for route in of_kind(documents, *ROUTES):
        for rule in route["spec"].get("rules", []):
            for backend in rule.get("backendRefs", []):
                place = backend.get("namespace", namespace(route))
                service = index.find(backend.get("kind", "Service"), place, backend["name"])
                if service is None or backend.get("port") not in _ports(service):
                    wrong = f"sends to {backend['name']}:{backend.get('port')}, which is no Service of {place}"
                    violations.append(reject(route, wrong, "Name a Service and its port"))
                elif place != namespace(route) and not _granted(index, route, place):
                    wrong = f"sends into {place}, which does not grant it"
                    violations.append(reject(route, wrong, f"Add a ReferenceGrant in {place}"))
            for reference in (item["extensionRef"] for item in rule.get("filters", []) if "extensionRef" in item):
                if index.find(reference["kind"], namespace(route), reference["name"]) is None:
                    wrong = f"uses the filter {reference['name']}, which is not there"
                    violations.append(reject(route, wrong, f"Add the {reference['kind']}"))
    return violations


def gateway_policies_have_targets(documents: list[Document]) -> list[Violation]:
    """Gateways and routes in the policy's own namespace, and the section that it names."""
    index = Index(documents)
    violations = []
    for policy in of_kind(documents, *POLICIES):
        spec = policy["spec"]
        targets = [*spec.get("targetRefs", []), *([spec["targetRef"]] if "targetRef" in spec else [])]
        for target in targets:
            found = index.find(target["kind"], namespace(policy), target["name"])
            if found is None:
                wrong = f"is for {target['kind']} {target['name']}, which is not in its namespace"
                violations.append(reject(policy, wrong, "Name one that is there"))
            elif "sectionName" in target and target["sectionName"] not in _sections(found):
                wrong = f"is for the section {target['sectionName']} of {target['name']}, which it does not have"
                violations.append(reject(policy, wrong, f"Name one of {', '.join(_sections(found))}"))
        for selector in spec.get("targetSelectors", []):
            candidates = [item for item in of_kind(documents, selector["kind"]) if namespace(item) == namespace(policy)]
            if not any(selects(selector, item["metadata"].get("labels", {})) for item in candidates):
                wrong = f"is for {selector}, which nothing is"
                violations.append(reject(policy, wrong, "Use labels that are there"))
        if not targets and not spec.get("targetSelectors"):
            violations.append(reject(policy, "is for nothing", "Add targetRefs"))
    return violations


def gateways_have_classes_and_issuers(documents: list[Document]) -> list[Violation]:
    """A Gateway's class with its parameters, and who signs its certificates."""
    index = Index(documents)
    violations = []
    for gateway in of_kind(documents, "Gateway"):
        needed = [("GatewayClass", gateway["spec"]["gatewayClassName"])]
        if issuer := annotation(gateway, "cert-manager.io/issuer"):
            needed.append(("Issuer", issuer))
        if issuer := annotation(gateway, "cert-manager.io/cluster-issuer"):
            needed.append(("ClusterIssuer", issuer))
        if parameters := gateway["spec"].get("infrastructure", {}).get("parametersRef"):
            needed.append((parameters["kind"], parameters["name"]))
        violations += _missing(index, gateway, needed, namespace(gateway))
    for certificate in of_kind(documents, "Certificate"):
        reference = certificate["spec"]["issuerRef"]
        needed = [(reference.get("kind", "Issuer"), reference["name"])]
        violations += _missing(index, certificate, needed, namespace(certificate))
    for gateway_class in of_kind(documents, "GatewayClass"):
        if parameters := gateway_class["spec"].get("parametersRef"):
            needed = [(parameters["kind"], parameters["name"])]
            violations += _missing(index, gateway_class, needed, parameters.get("namespace", ""))
    return violations


def _missing(index: Index, document: Document, needed: list[tuple[str, str]], place: str) -> list[Violation]:
    return [
        reject(document, f"names {kind} {name}, which is not there", "Add it, or mend the name")
        for kind, name in needed
        if index.find(kind, place, name) is None
    ]


def _listeners(index: Index, route: Document, parent: Document) -> Iterator[Document]:
    gateway = index.find("Gateway", parent.get("namespace", namespace(route)), parent["name"])
    if gateway is None:
        return
    for listener in gateway["spec"]["listeners"]:
        takes = listener.get("allowedRoutes", {}).get("namespaces", {})
        place = namespace(route)
        allowed = {
            "Same": place == namespace(gateway),
            "All": True,
            "Selector": selects(takes.get("selector"), index.namespaces.get(place, {})),
        }[takes.get("from", "Same")]
        if allowed and parent.get("sectionName", listener["name"]) == listener["name"]:
            yield listener


def _answered(host: str, listeners: list[Document]) -> bool:
    for listener in listeners:
        name = listener.get("hostname", host)
        if name == host or (name.startswith("*.") and host.endswith(name[1:])):
            return True
    return False


def _granted(index: Index, route: Document, place: str) -> bool:
    granted = [
        (origin["kind"], origin["namespace"])
        for grant in of_kind(index.documents, "ReferenceGrant")
        if namespace(grant) == place
        for origin in grant["spec"]["from"]
    ]
    return (route["kind"], namespace(route)) in granted


def _ports(service: Document) -> list[int]:
    return [port["port"] for port in service["spec"].get("ports", [])]


def _sections(document: Document) -> list[str]:
    parts = document["spec"].get("listeners") or document["spec"].get("rules") or document["spec"].get("ports") or []
    return [part["name"] for part in parts if "name" in part]
