from pathlib import Path

import pytest
import yaml

from tests.gitops.policies.objects import embedded, group
from tests.gitops.rendering import ARGOCD, CLUSTERS, GITOPS, ROOT, load, render, units
from tests.gitops.schemas import BUILT_IN, Definitions, check, strict

UNITS = {"data", "edge", "foundation", "monitoring", "operators", "secrets", "workloads"}
# One machine, which nobody is woken for.
LEFT_OUT = {"local": {"monitoring"}}
RENDERED = [(cluster, unit) for cluster in CLUSTERS for unit in units(cluster)]
SOURCES = sorted(path for folder in (GITOPS, ARGOCD) for path in folder.rglob("*.y*ml"))
FIXTURES = Path(__file__).parent / "fixtures"
INVALID = FIXTURES / "schemas" / "invalid"
VALID = (FIXTURES / "schemas" / "valid.yaml", FIXTURES / "valid" / "cluster.yaml")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_each_cluster_runs_every_unit(cluster: str) -> None:
    assert set(units(cluster)) == UNITS - LEFT_OUT.get(cluster, set())


def test_every_source_is_strict_yaml() -> None:
    assert SOURCES
    faults = []
    for path in SOURCES:
        try:
            load(path.read_text("utf-8"))
        except yaml.YAMLError as error:
            faults.append(f"{path.relative_to(ROOT)}: {error}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("cluster", "unit"), RENDERED)
def test_objects_are_complete(cluster: str, unit: str) -> None:
    documents = render(cluster, unit)
    assert documents, f"gitops/clusters/{cluster}/{unit} renders to nothing"
    keys = [
        (group(item), item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in documents
    ]
    assert len(keys) == len(set(keys)), "an object is there twice"


@pytest.mark.parametrize(("cluster", "unit"), RENDERED)
def test_built_in_kinds_meet_kubernetes_schemas(cluster: str, unit: str) -> None:
    faults = [fault for document in render(cluster, unit) for fault in check(document, None)]
    assert not faults, _listed(cluster, unit, faults)


@pytest.mark.parametrize(("cluster", "unit"), RENDERED)
def test_custom_resources_meet_their_definitions(cluster: str, unit: str, definitions: Definitions) -> None:
    custom = [document for document in render(cluster, unit) if group(document) not in BUILT_IN]
    faults = [fault for document in custom for fault in check(document, definitions)]
    assert not faults, _listed(cluster, unit, faults)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_manifests_in_config_maps_meet_their_schemas(cluster: str, definitions: Definitions) -> None:
    """What a program of ours will ask the API server for, before it does."""
    found = [(unit, document) for unit in units(cluster) for document in embedded(render(cluster, unit))]
    faults = [f"{unit}: {fault}" for unit, document in found for fault in check(document, definitions)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", sorted(INVALID.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_fault_is_found_and_explained(path: Path, definitions: Definitions) -> None:
    text = path.read_text("utf-8")
    expected = text.splitlines()[0].removeprefix("# says: ")
    faults = [str(fault) for document in load(text) for fault in check(document, definitions)]
    assert len(faults) == 1
    assert expected in faults[0]


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_what_is_right_passes(path: Path, definitions: Definitions) -> None:
    documents = load(path.read_text("utf-8"))
    assert [str(fault) for document in documents for fault in check(document, definitions)] == []


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: {b: 1, b: 2}", "- {a: 1, 'a': 2}"])
def test_duplicate_keys_are_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="is written twice"):
        load(text)


def test_a_merged_key_may_be_overridden() -> None:
    assert load("a: &a {b: 1, c: 2}\nd: {<<: *a, b: 3}") == [{"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}]


def test_a_structural_schema_becomes_strict() -> None:
    schema = strict(
        {
            "type": "object",
            "required": ["size", "port"],
            "properties": {
                "size": {"type": "string", "default": "1Gi"},
                "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "maybe": {"type": "string", "nullable": True, "enum": ["a"]},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }
    )
    assert schema["required"] == ["port"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["port"]["type"] == ["integer", "string"]
    assert "additionalProperties" not in schema["properties"]["free"]
    assert schema["properties"]["maybe"] == {"type": ["string", "null"], "enum": ["a", None]}
    assert schema["properties"]["labels"]["additionalProperties"] == {"type": "string"}


def _listed(cluster: str, unit: str, faults: list) -> str:
    return "\n".join(f"gitops/clusters/{cluster}/{unit}: {fault}" for fault in faults)
