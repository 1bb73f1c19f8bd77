"""The CustomResourceDefinitions of the operators that the clusters run."""

from collections.abc import Iterable
from functools import cache

import pytest

from tests.cluster.control_plane.cluster import Object
from tests.gitops.rendering import load
from tests.tools.paths import MISSING, crds


@cache
def definitions() -> tuple[Object, ...]:
    """All definitions, each once, or a skip that says how to get them."""
    folder = crds()
    if folder is None:
        pytest.skip(f"the CustomResourceDefinitions are not collected: {MISSING}")
    documents = [document for file in sorted(folder.rglob("*.yaml")) for document in load(file.read_text())]
    return tuple(one for one in documents if one["kind"] == "CustomResourceDefinition")


def definitions_of(objects: Iterable[Object]) -> list[Object]:
    """The definitions of these objects' kinds: each that a server need not know makes it start sooner."""
    kinds = {(one["apiVersion"].rpartition("/")[0], one["kind"]) for one in objects}
    return [one for one in definitions() if (one["spec"]["group"], one["spec"]["names"]["kind"]) in kinds]
