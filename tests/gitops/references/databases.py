"""What CloudNativePG is told about is there: archives, sources, the database of a backup."""

from tests.gitops.policies.objects import Document, Violation, namespace, of_kind, reject, walk
from tests.gitops.references.index import Index


def archives_exist(documents: list[Document]) -> list[Violation]:
    """Each barmanObjectName is an ObjectStore beside the database."""
    index = Index(documents)
    return [
        reject(document, f"uses the ObjectStore {value}, which is not in its namespace", "Add it")
        for document in index.databases
        for path, value in walk(document["spec"])
        if path.endswith(".barmanObjectName") and index.find("ObjectStore", namespace(document), value) is None
    ]


def sources_are_declared(documents: list[Document]) -> list[Violation]:
    """Who recovers or follows does so from one of its externalClusters."""
    violations = []
    for document in Index(documents).databases:
        spec = document["spec"]
        known = {item["name"] for item in spec.get("externalClusters", [])}
        named = {spec.get("replica", {}).get(key) for key in ("source", "self", "primary")}
        named |= {way.get("source") for way in spec.get("bootstrap", {}).values() if isinstance(way, dict)}
        violations += [
            reject(document, f"follows {name}, which is not among its externalClusters", "Declare it there")
            for name in sorted(filter(None, named - known))
        ]
    return violations


def backups_have_databases(documents: list[Document]) -> list[Violation]:
    index = Index(documents)
    return [
        reject(document, f"backs up {document['spec']['cluster']['name']}, which is not there", "Name a Cluster")
        for document in of_kind(documents, "ScheduledBackup", "Backup")
        if index.find("Cluster", namespace(document), document["spec"]["cluster"]["name"]) is None
    ]
