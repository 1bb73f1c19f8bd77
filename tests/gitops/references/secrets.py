"""Every Secret and ConfigMap that is used is made by someone, with the key that is used."""

from collections.abc import Iterator

from tests.gitops.policies.objects import Document, Violation, Workload, namespace, of_kind, reject, walk, workloads
from tests.gitops.references.index import SEED_NAMESPACE, SEEDS, Index, Keys

# Where custom resources name a Secret: the last part of the path to {name, key}.
FIELDS = (
    "secretTargetRef", "passwordSecret", "superuserSecret", "secret", "accessKeyId", "secretAccessKey", "secretKeyRef",
    "apiTokenSecretRef", "secretAccessKeySecretRef", "accessKeyIDSecretRef", "certificateRefs", "caCertificateRefs",
)  # fmt: skip
Use = tuple[str, str, str | None]


def used_secrets_are_made(documents: list[Document]) -> list[Violation]:
    index = Index(documents)
    violations = []
    for document in index.documents:
        for place, name, key in sorted(set(_secrets_used(document)), key=str):
            if fault := _fault("Secret", index.secrets, (place, name, key)):
                remedy = "Let an ExternalSecret make it, or use the name and key of one that is there"
                violations.append(reject(document, fault, remedy))
    return violations


def used_config_maps_are_made(documents: list[Document]) -> list[Violation]:
    index = Index(documents)
    violations = []
    for document in index.documents:
        for use in sorted(set(_config_maps_used(document)), key=str):
            if fault := _fault("ConfigMap", index.config_maps, use):
                remedy = "Generate it, or use the name and key of one that is there"
                violations.append(reject(document, fault, remedy))
    return violations


def config_maps_are_used(documents: list[Document]) -> list[Violation]:
    """One that nobody reads is a leftover, or a name that was written wrong; a label may call a program."""
    index = Index(documents)
    used = {(place, name) for document in index.documents for place, name, _ in _config_maps_used(document)}
    return [
        reject(document, "is read by nobody", "Remove it, or mend the name where it should be read")
        for document in of_kind(documents, "ConfigMap")
        if (namespace(document), document["metadata"]["name"]) not in used
        and not {"grafana_dashboard"} & set(document["metadata"].get("labels", {}))
    ]


def external_secrets_read_what_is_seeded(documents: list[Document]) -> list[Violation]:
    """The store knows the namespace, and the seed has the entry."""
    index = Index(documents)
    violations = []
    for document in of_kind(documents, "ExternalSecret"):
        spec = document["spec"]
        reference = spec["secretStoreRef"]
        store = index.find(reference.get("kind", "SecretStore"), namespace(document), reference["name"])
        if store is None:
            violations.append(reject(document, f"names the store {reference['name']}, which is not there", "Add it"))
            continue
        conditions = store["spec"].get("conditions", [])
        if conditions and not any(namespace(document) in item.get("namespaces", []) for item in conditions):
            wrong = f"is in a namespace that the store {reference['name']} does not serve"
            violations.append(reject(document, wrong, f"Add {namespace(document)} to the store's conditions"))
        for name, key in _remote(spec):
            seed = SEEDS.get(name, set())
            if name not in SEEDS or (key and seed is not None and key not in seed):
                wrong = f"reads {key or 'all'} of {SEED_NAMESPACE}/{name}"
                violations.append(reject(document, wrong, f"Use what is seeded: {', '.join(sorted(SEEDS))}"))
    return violations


def templates_use_what_is_read(documents: list[Document]) -> list[Violation]:
    """`{{ .password }}` in a template is an entry that the ExternalSecret reads."""
    violations = []
    for document in of_kind(documents, "ExternalSecret"):
        spec = document["spec"]
        if spec.get("dataFrom"):
            continue
        known = {entry["secretKey"] for entry in spec.get("data", [])}
        for path, text in walk(spec.get("target", {}).get("template", {}).get("data", {})):
            used = {part.split()[0].removeprefix(".") for part in str(text).split("{{")[1:] if part.strip()[0] == "."}
            unknown = {name.rstrip("}") for name in used} - known
            if isinstance(text, str) and unknown:
                wrong = f"uses {', '.join(sorted(unknown))} for {path}"
                violations.append(reject(document, wrong, "Read it under data first"))
    return violations


def _fault(kind: str, made: dict[tuple[str, str], Keys], use: Use) -> str | None:
    place, name, key = use
    if (place, name) not in made:
        return f"uses the {kind} {place}/{name}, which nobody makes"
    keys = made[place, name]
    if key is not None and keys is not None and key not in keys:
        return f"uses {key} of the {kind} {place}/{name}, which holds {', '.join(sorted(keys)) or 'nothing'}"
    return None


def _secrets_used(document: Document) -> Iterator[Use]:
    place = namespace(document)
    for workload in workloads([document]):
        yield from _mounted(workload, "secret", "secretName")
        yield from _from_environment(workload, "secretRef", "secretKeyRef")
        for entry in workload.spec.get("imagePullSecrets", []):
            yield place, entry["name"], None
    if document["kind"] == "Application":
        yield from _secrets_of_chart(document)
    elif place and "spec" in document and not workloads([document]) and document["kind"] != "ExternalSecret":
        for path, value in walk(document["spec"]):
            field = path.rpartition(".")[2].partition("[")[0]
            if field in FIELDS and isinstance(value, dict) and "name" in value:
                yield value.get("namespace", place), value["name"], value.get("key")


def _secrets_of_chart(application: Document) -> Iterator[Use]:
    """The usual places in the values of charts."""
    place = application["spec"]["destination"].get("namespace", "")
    for path, value in walk(application["spec"].get("source", {}).get("helm", {}).get("valuesObject", {})):
        field = path.rpartition(".")[2]
        if field in {"existingSecret", "secretName"} and isinstance(value, str) and value:
            yield place, value, None
        elif field == "secretKeyRef":
            yield place, value["name"], value["key"]
        elif field == "secrets" and isinstance(value, list):
            for name in value:
                yield place, name, None
        if isinstance(value, dict) and value.get("existingSecret"):
            for key in ("userKey", "passwordKey"):
                if key in value:
                    yield place, value["existingSecret"], value[key]


def _config_maps_used(document: Document) -> Iterator[Use]:
    place = namespace(document)
    for workload in workloads([document]):
        yield from _mounted(workload, "configMap", "name")
        yield from _from_environment(workload, "configMapRef", "configMapKeyRef")
    if document["kind"] == "Cluster":
        for entry in document["spec"].get("monitoring", {}).get("customQueriesConfigMap", []):
            yield place, entry["name"], entry["key"]
    for path, value in walk(document.get("spec", {})):
        if path.endswith(".caProvider") and value.get("type") == "ConfigMap":
            yield value.get("namespace", place), value["name"], value.get("key")
        if isinstance(value, dict) and value.get("kind") == "ConfigMap" and "name" in value:
            yield value.get("namespace", place), value["name"], None


def _mounted(workload: Workload, kind: str, name: str) -> Iterator[Use]:
    for volume in workload.spec.get("volumes", []):
        sources = [(volume.get(kind), name)]
        sources += [(source.get(kind), "name") for source in volume.get("projected", {}).get("sources", [])]
        for source, field in sources:
            if source and not source.get("optional"):
                keys = [item["key"] for item in source.get("items", [])] or [None]
                yield from ((workload.namespace, source[field], key) for key in keys)


def _from_environment(workload: Workload, whole: str, single: str) -> Iterator[Use]:
    for container in workload.containers:
        for source in container.get("envFrom", []):
            if whole in source and not source[whole].get("optional"):
                yield workload.namespace, source[whole]["name"], None
        for entry in container.get("env", []):
            reference = entry.get("valueFrom", {}).get(single)
            if reference and not reference.get("optional"):
                yield workload.namespace, reference["name"], reference["key"]


def _remote(spec: Document) -> Iterator[tuple[str, str | None]]:
    for entry in spec.get("data", []):
        yield entry["remoteRef"]["key"], entry["remoteRef"].get("property")
    for entry in spec.get("dataFrom", []):
        if "extract" in entry:
            yield entry["extract"]["key"], entry["extract"].get("property")
