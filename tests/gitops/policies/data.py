"""What must never be lost."""

from tests.gitops.policies.objects import Document, Violation, annotation, group, namespace, of_kind, reject

SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
CONFIRMED = {"Prune=confirm", "Delete=confirm"}


def deletion_of_data_is_confirmed(documents: list[Document]) -> list[Violation]:
    """Databases, volumes and namespaces go only when a person says so."""
    return [
        reject(document, "goes without a question", f"Annotate it {SYNC_OPTIONS}: {','.join(sorted(CONFIRMED))}")
        for document in documents
        if _holds_data(document)
        and not {option.strip() for option in annotation(document, SYNC_OPTIONS).split(",")} >= CONFIRMED
    ]


def backup_schedules_have_seconds(documents: list[Document]) -> list[Violation]:
    """CloudNativePG reads six fields; five mean another time."""
    return [
        reject(document, f"has the schedule {document['spec']['schedule']!r}", "Write six fields, seconds first")
        for document in of_kind(documents, "ScheduledBackup")
        if len(document["spec"]["schedule"].split()) != 6
    ]


def backups_are_daily_by_the_plugin(documents: list[Document]) -> list[Violation]:
    """Each database that archives has a base backup a day, taken where its WAL goes."""
    scheduled = {
        document["spec"]["cluster"]["name"]
        for document in of_kind(documents, "ScheduledBackup")
        if document["spec"].get("method") == "plugin" and document["spec"]["schedule"].split()[-3:] == ["*", "*", "*"]
    }
    return [
        reject(document, "has no daily backup", "Add a ScheduledBackup for every day with method: plugin")
        for document in _clusters(documents)
        if document["metadata"]["name"] not in scheduled
        or not any(plugin.get("isWALArchiver") for plugin in document["spec"].get("plugins", []))
    ]


def backups_are_kept_30_days(documents: list[Document]) -> list[Violation]:
    """By the database that writes a store; who only reads it must not delete from it."""
    written = {
        (namespace(document), plugin["parameters"]["barmanObjectName"])
        for document in _clusters(documents)
        for plugin in document["spec"].get("plugins", [])
        if plugin.get("isWALArchiver")
    }
    violations = []
    for document in of_kind(documents, "ObjectStore"):
        policy = document["spec"].get("retentionPolicy")
        ours = (namespace(document), document["metadata"]["name"]) in written
        if policy != ("30d" if ours else None):
            remedy = "Set retentionPolicy: 30d" if ours else "Remove it: another database owns this store"
            violations.append(reject(document, f"has the retentionPolicy {policy}", remedy))
    return violations


def _clusters(documents: list[Document]) -> list[Document]:
    return [item for item in of_kind(documents, "Cluster") if group(item) == "postgresql.cnpg.io"]


def _holds_data(document: Document) -> bool:
    if document["kind"] == "StatefulSet":
        return bool(document["spec"].get("volumeClaimTemplates"))
    if document["kind"] == "Cluster":
        return group(document) == "postgresql.cnpg.io"
    return document["kind"] in {"Namespace", "PersistentVolumeClaim"}
