"""Every account, role, namespace and priority that is named is there."""

from tests.gitops.policies.objects import Document, Violation, Workload, namespace, of_kind, reject, walk, workloads
from tests.gitops.references.index import GIVEN_PRIORITIES, Index

BUILT_IN_ROLES = frozenset(("view", "edit", "admin", "cluster-admin", "system:auth-delegator"))


def accounts_exist(documents: list[Document]) -> list[Violation]:
    """Of pods, of bindings, and of the stores that read Secrets with one."""
    index = Index(documents)
    uses = [
        (workload.document, workload.namespace, workload.spec["serviceAccountName"])
        for workload in workloads(documents)
        if "serviceAccountName" in workload.spec
    ]
    uses += [
        (binding, subject.get("namespace", namespace(binding)), subject["name"])
        for binding in of_kind(documents, "RoleBinding", "ClusterRoleBinding")
        for subject in binding.get("subjects", [])
        if subject["kind"] == "ServiceAccount"
    ]
    uses += [
        (store, value.get("namespace", namespace(store)), value["name"])
        for store in of_kind(documents, "ClusterSecretStore", "SecretStore")
        for path, value in walk(store["spec"])
        if path.endswith(".auth.serviceAccount")
    ]
    return [
        reject(document, f"names ServiceAccount {place}/{name}, which is not there", "Add it")
        for document, place, name in uses
        if place not in index.chart_namespaces and index.find("ServiceAccount", place, name) is None
    ]


def roles_exist(documents: list[Document]) -> list[Violation]:
    index = Index(documents)
    return [
        reject(binding, f"binds {reference['kind']} {reference['name']}, which is not there", "Add it")
        for binding in of_kind(documents, "RoleBinding", "ClusterRoleBinding")
        if (reference := binding["roleRef"])["name"] not in BUILT_IN_ROLES
        and index.find(reference["kind"], namespace(binding), reference["name"]) is None
    ]


def namespaces_exist(documents: list[Document]) -> list[Violation]:
    """Of every object: made by the foundation, by the bootstrap, or by an operator's Application."""
    index = Index(documents)
    return [
        reject(document, f"is in the namespace {namespace(document)}, which nobody makes", "Add it to the foundation")
        for document in index.documents
        if namespace(document) and namespace(document) not in index.namespaces
    ]


def priorities_exist(documents: list[Document]) -> list[Violation]:
    known = {item["metadata"]["name"] for item in of_kind(documents, "PriorityClass")} | GIVEN_PRIORITIES
    return [
        reject(document, f"has the priority {value}, which no PriorityClass defines", "Use one that is there")
        for document in documents
        for path, value in walk(document)
        if path.endswith(".priorityClassName") and value not in known
    ]


def volumes_are_mounted(documents: list[Document]) -> list[Violation]:
    """Each mount names a volume, and each volume is mounted."""
    violations = []
    for workload in workloads(documents):
        volumes = {volume["name"] for volume in workload.spec.get("volumes", [])} | _claims(workload)
        mounts = {mount["name"] for container in workload.containers for mount in container.get("volumeMounts", [])}
        violations += [
            workload.reject(f"mounts {name}, which is no volume", "Add the volume") for name in sorted(mounts - volumes)
        ]
        violations += [
            workload.reject(f"never mounts its volume {name}", "Remove it") for name in sorted(volumes - mounts)
        ]
    return violations


def _claims(workload: Workload) -> set[str]:
    return {claim["metadata"]["name"] for claim in workload.document["spec"].get("volumeClaimTemplates", [])}
