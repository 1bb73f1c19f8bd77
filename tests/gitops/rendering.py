"""Renders what the clusters run, with kustomize, as Argo CD's repo server does; each folder once a session."""

import copy
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.paths import MISSING, tool

ROOT = Path(__file__).resolve().parents[2]
GITOPS = ROOT / "gitops"
ARGOCD = ROOT / "argocd"
CLUSTERS = ("local", "staging", "production", "production-eu")

LEFT_AS_TEXT = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
MERGE = "tag:yaml.org,2002:merge"

Document = dict[str, Any]


class StrictLoader(yaml.CSafeLoader):
    """Refuses what Kubernetes would quietly drop, duplicate keys, and leaves dates the texts that they are there."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = key_node.value if key_node.tag == MERGE else self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in LEFT_AS_TEXT]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> list[Document]:
    """The documents of a YAML text, empty ones left out."""
    return [document for document in yaml.load_all(text, Loader=StrictLoader) if document is not None]


def units(cluster: str) -> list[str]:
    """The units that a cluster runs: its folders, without the settings that they share."""
    folders = (GITOPS / "clusters" / cluster).glob("*/kustomization.yaml")
    return sorted(file.parent.name for file in folders if file.parent.name != "settings")


def kustomize(path: Path) -> list[Document]:
    """What a folder renders to; the caller may change it."""
    return copy.deepcopy(_kustomize(path.resolve()))


def render(cluster: str, unit: str) -> list[Document]:
    return kustomize(GITOPS / "clusters" / cluster / unit)


def render_with(cluster: str, unit: str, component: str) -> list[Document]:
    """What a unit renders to with a component that no cluster takes by itself."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve()
        places = [GITOPS / "clusters" / cluster / unit, GITOPS / "components" / component]
        resource, part = (os.path.relpath(place, folder) for place in places)
        (folder / "kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
            f"resources: [{resource}]\ncomponents: [{part}]\n"
        )
        return kustomize(folder)


def render_cluster(cluster: str) -> list[Document]:
    return [document for unit in units(cluster) for document in render(cluster, unit)]


@functools.cache
def _kustomize(path: Path) -> list[Document]:
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(
        [*_command(), str(path)], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    if done.returncode:
        pytest.fail(f"kustomize cannot render {path}: {done.stderr.strip()}", pytrace=False)
    return load(done.stdout)


@functools.cache
def _command() -> tuple[str, ...]:
    if found := tool("kustomize") or shutil.which("kustomize"):
        return (str(found), "build")
    if found := shutil.which("kubectl"):
        return (found, "kustomize")
    pytest.skip("nothing here renders manifests: " + MISSING)
