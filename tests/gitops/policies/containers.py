"""What the house asks of every container beyond Pod Security."""

from tests.gitops.policies.objects import Document, Violation, workloads
from tests.gitops.policies.quantities import quantity

PROMISED = {"api": ("250m", "256Mi", "512Mi"), "web": ("100m", "128Mi", "256Mi")}


def containers_state_what_they_need(documents: list[Document]) -> list[Violation]:
    """Without requests nothing can be placed well, without a memory limit one leak takes the node."""
    violations = []
    for workload in workloads(documents):
        for container in workload.containers:
            resources = container.get("resources", {})
            stated = {f"requests.{name}" for name in resources.get("requests", {})}
            stated |= {f"limits.{name}" for name in resources.get("limits", {})}
            if missing := {"requests.cpu", "requests.memory", "limits.memory"} - stated:
                wrong = f"container {container['name']} states no {', '.join(sorted(missing))}"
                violations.append(workload.reject(wrong, "Add it to resources"))
    return violations


def servers_get_what_was_promised(documents: list[Document]) -> list[Violation]:
    """api 250m and 256Mi, 512Mi at most; web 100m and 128Mi, 256Mi at most."""
    violations = []
    for workload in workloads(documents, "Deployment"):
        if workload.name not in PROMISED:
            continue
        wanted = PROMISED[workload.name]
        resources = workload.spec["containers"][0].get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        actual = (requests.get("cpu", 0), requests.get("memory", 0), limits.get("memory", 0))
        if [quantity(text) for text in actual] != [quantity(text) for text in wanted]:
            wrong = f"asks for cpu {actual[0]} and memory {actual[1]}, at most {actual[2]}"
            remedy = f"Ask for cpu {wanted[0]} and memory {wanted[1]}, at most {wanted[2]}"
            violations.append(workload.reject(wrong, remedy))
    return violations


def root_file_systems_are_read_only(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"container {container['name']} may write its root file system", "Set it read-only")
        for workload in workloads(documents)
        for container in workload.containers
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True
    ]


def scratch_space_is_bounded(documents: list[Document]) -> list[Violation]:
    """An emptyDir without a size fills the node's disk."""
    return [
        workload.reject(f"volume {volume['name']} may grow without end", "Give its emptyDir a sizeLimit")
        for workload in workloads(documents)
        for volume in workload.spec.get("volumes", [])
        if "emptyDir" in volume and not (volume["emptyDir"] or {}).get("sizeLimit")
    ]


def each_workload_has_its_own_account(documents: list[Document]) -> list[Violation]:
    """Rights given to one are given to no other."""
    owners: dict[tuple[str, str], str] = {}
    violations = []
    for workload in workloads(documents):
        account = workload.spec.get("serviceAccountName", "default")
        first = owners.setdefault((workload.namespace, account), workload.name)
        if account == "default":
            violations.append(workload.reject("uses the default service account", "Give it one of its own"))
        elif first != workload.name:
            violations.append(workload.reject(f"shares its account {account} with {first}", "Give it one of its own"))
    return violations


def pods_hold_no_token(documents: list[Document]) -> list[Violation]:
    """Who never calls the API server needs no key to it; who does has a role bound to its account."""
    bound = {
        (subject.get("namespace", ""), subject["name"])
        for document in documents
        if document["kind"] in {"RoleBinding", "ClusterRoleBinding"}
        for subject in document.get("subjects", [])
        if subject["kind"] == "ServiceAccount"
    }
    return [
        workload.reject("mounts a token that it has no use for", "Set automountServiceAccountToken: false on the pod")
        for workload in workloads(documents)
        if workload.spec.get("automountServiceAccountToken") is not False
        and (workload.namespace, workload.spec.get("serviceAccountName", "default")) not in bound
    ]


def accounts_mount_no_token(documents: list[Document]) -> list[Violation]:
    """A pod that forgets to say so gets none either."""
    return [
        Violation(
            f"ServiceAccount {document['metadata'].get('namespace', '')}/{document['metadata']['name']}",
            "mounts its token into every pod",
            "Set automountServiceAccountToken: false; the pod that needs it says so",
        )
        for document in documents
        if document["kind"] == "ServiceAccount" and document.get("automountServiceAccountToken") is not False
    ]
