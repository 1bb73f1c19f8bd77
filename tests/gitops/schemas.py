"""Manifests against the schemas that the API server uses: Kubernetes' own, and those in the CRDs for everything else.

Rules in CEL are beyond a schema: the tests on a real control plane prove those.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate

from tests.gitops.policies.objects import Document, Violation, describe, group, reject
from tests.gitops.rendering import load

KUBERNETES = "1.36"
BUILT_IN = frozenset(
    (
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    )
)
DROPPED = frozenset(("properties", "items", "nullable", "default", "format"))
METADATA = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


class Definitions:
    """The custom resources that CRD files define; a schema is read when it is first asked for."""

    def __init__(self, files: list[Path]) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        for file in files:
            for text in re.split(r"^---.*$", file.read_text("utf-8"), flags=re.MULTILINE):
                if re.search(r"^kind: CustomResourceDefinition$", text, re.MULTILINE):
                    self._texts[_served(text)] = text

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._texts

    @functools.cache  # noqa: B019
    def versions(self, key: tuple[str, str]) -> dict[str, Document]:
        """The versions that the API server serves, by name."""
        definition = load(self._texts[key])[0]
        return {version["name"]: version for version in definition["spec"]["versions"] if version["served"]}

    @functools.cache  # noqa: B019
    def validator(self, key: tuple[str, str], version: str) -> Any:
        return Validator(strict(self.versions(key)[version]["schema"]["openAPIV3Schema"], root=True))


def check(document: Document, definitions: Definitions | None) -> list[Violation]:
    """What the API server would refuse, or quietly drop, of one object; without CRDs only of Kubernetes' own kinds."""
    violations = _check_metadata(document)
    if group(document) in BUILT_IN:
        return violations + _check_built_in(document)
    return violations if definitions is None else violations + _check_custom(document, definitions)


def strict(schema: Document, *, root: bool = False) -> Document:
    """The JSON Schema that says what a structural schema means, and refuses fields that it does not know."""
    result = {
        key: value
        for key, value in schema.items()
        if key not in {"properties", "items", "nullable", "default", "format"}
    }
    properties = {name: strict(inner) for name, inner in schema.get("properties", {}).items()}
    if root or schema.get("x-kubernetes-embedded-resource"):
        properties = {**properties, **METADATA}
    if properties:
        result["properties"] = properties
    if "required" in schema:
        result["required"] = [
            name for name in schema["required"] if "default" not in schema["properties"].get(name, {})
        ]
    if isinstance(schema.get("additionalProperties"), Mapping):
        result["additionalProperties"] = strict(schema["additionalProperties"])
    elif schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    if "items" in schema:
        result["items"] = strict(schema["items"])
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in result:
        types = result["type"]
        result["type"] = [*(types if isinstance(types, list) else [types]), "null"]
        if "enum" in result:
            result["enum"] = [*result["enum"], None]
    if "pattern" in result and not _compiles(result["pattern"]):
        del result["pattern"]
    return result


def _distinct(_: Any, kind: str, items: Any, schema: Document) -> Iterator[jsonschema.ValidationError]:
    """Lists that are maps or sets hold each key once."""
    if kind not in {"map", "set"} or not isinstance(items, list):
        return
    names = schema.get("x-kubernetes-list-map-keys", [])
    seen = set()
    for item in items:
        key = json.dumps([item.get(name) for name in names] if isinstance(item, dict) else item)
        if key in seen:
            yield jsonschema.ValidationError(f"{key} stands in the list twice")
        seen.add(key)


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"x-kubernetes-list-type": _distinct})


def _served(text: str) -> tuple[str, str]:
    names = re.search(r"^  group: (\S+)$.*?^  names:$.*?^    kind: (\S+)$", text, re.MULTILINE | re.DOTALL)
    if not names:
        raise ValueError(f"a CRD without group and kind: {text[:200]}")
    return names[1], names[2]


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _check_metadata(document: Document) -> list[Violation]:
    """The metadata of every object, whose shape no CRD says, in the shape of a ConfigMap's."""
    stand_in = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": document["metadata"]}
    return [Violation(describe(document), error.wrong, error.remedy) for error in _check_built_in(stand_in)]


def _check_built_in(document: Document) -> list[Violation]:
    return list(_built_in(json.dumps(document, sort_keys=True)))


@functools.cache
def _built_in(text: str) -> tuple[Violation, ...]:
    document = json.loads(text)
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        wrong = f"Kubernetes {KUBERNETES} knows no {document['kind']} in {document['apiVersion']}"
        return (reject(document, wrong, "Use a version that it serves"),)
    except kubernetes_validate.ValidationError as error:
        return (_violation(document, error),)
    return ()


def _check_custom(document: Document, definitions: Definitions) -> list[Violation]:
    key, version = (group(document), document["kind"]), document["apiVersion"].rpartition("/")[2]
    if key not in definitions:
        remedy = "Add the module with its CRD to the tools of the tests"
        return [reject(document, f"no CRD defines {key[1]} of {key[0]}", remedy)]
    versions = definitions.versions(key)
    if version not in versions or versions[version].get("deprecated"):
        current = [name for name, value in versions.items() if not value.get("deprecated")]
        return [reject(document, f"{key[0]}/{version} is not to be used", f"Use {' or '.join(current)}")]
    return [_violation(document, error) for error in definitions.validator(key, version).iter_errors(document)]


def _violation(document: Document, error: jsonschema.ValidationError) -> Violation:
    """What is wrong at which path, in the words of the nearest cause, and what may stand there."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "additionalProperties":
        expected = f"Known here: {', '.join(sorted(schema.get('properties', {}))) or 'nothing'}"
    else:
        expected = f"Expected: {json.dumps({error.validator: error.validator_value})[:300]}"
    return reject(document, f"{path or 'the object'}: {error.message[:300]}", expected)
