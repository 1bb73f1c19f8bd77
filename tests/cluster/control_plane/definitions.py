"""The CustomResourceDefinitions of the operators that the clusters run."""

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
