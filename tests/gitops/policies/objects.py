"""How policies look at manifests: objects, the pods that they make, the labels that select them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Document = dict[str, Any]

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")


@dataclass(frozen=True)
class Violation:
    """What one object does wrong, and what to do about it."""

    object: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.object}: {self.wrong}. {self.remedy}."


@dataclass(frozen=True)
class Workload:
    """An object that makes pods, with the pods' labels and specification."""

    document: Document
    labels: dict[str, str]
    spec: Document

    @property
    def kind(self) -> str:
        return self.document["kind"]

    @property
    def name(self) -> str:
        return self.document["metadata"]["name"]

    @property
    def namespace(self) -> str:
        return namespace(self.document)

    @property
    def containers(self) -> list[Document]:
        return [*self.spec.get("initContainers", []), *self.spec.get("containers", [])]

    def reject(self, wrong: str, remedy: str) -> Violation:
        return reject(self.document, wrong, remedy)


def namespace(document: Document) -> str:
    return document["metadata"].get("namespace", "")


def describe(document: Document) -> str:
    place = namespace(document)
    return f"{document['kind']} {place + '/' if place else ''}{document['metadata']['name']}"


def reject(document: Document, wrong: str, remedy: str) -> Violation:
    return Violation(describe(document), wrong, remedy)


def group(document: Document) -> str:
    """The API group: empty for the core."""
    return document["apiVersion"].rpartition("/")[0]


def of_kind(documents: list[Document], *kinds: str) -> list[Document]:
    return [document for document in documents if document["kind"] in kinds]


def workloads(documents: list[Document], *kinds: str) -> list[Workload]:
    """The objects that make pods; of the kinds given, or all."""
    return [_workload(document) for document in of_kind(documents, *(kinds or WORKLOADS))]


def _workload(document: Document) -> Workload:
    holder = document
    if document["kind"] == "CronJob":
        holder = document["spec"]["jobTemplate"]
    template = document if document["kind"] == "Pod" else holder["spec"]["template"]
    return Workload(document, template.get("metadata", {}).get("labels") or {}, template["spec"])


def selects(selector: Document | None, labels: dict[str, str]) -> bool:
    """Whether a label selector, which selects everything when empty and nothing when absent, takes these labels."""
    if selector is None:
        return False
    if not all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(expression, labels) for expression in selector.get("matchExpressions") or [])


def _meets(expression: Document, labels: dict[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]


def annotation(document: Document, key: str) -> str:
    return (document["metadata"].get("annotations") or {}).get(key, "")


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside, with its path: `spec.containers[0].image`."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, f"{path}[{index}]")


def embedded(documents: list[Document]) -> list[Document]:
    """The manifests that ConfigMaps hold for somebody who makes objects of them later."""
    texts = [text for item in of_kind(documents, "ConfigMap") for text in (item.get("data") or {}).values()]
    manifests = [loaded for text in texts if "\nkind: " in f"\n{text}" for loaded in yaml.safe_load_all(text)]
    return [item for item in manifests if isinstance(item, dict) and {"apiVersion", "kind", "metadata"} <= set(item)]
