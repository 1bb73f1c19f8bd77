import pytest

from tests.gitops.policies.objects import Document
from tests.gitops.rendering import CLUSTERS, render_cluster
from tests.gitops.schemas import Definitions
from tests.tools.paths import MISSING, crds


@pytest.fixture(scope="session")
def clusters() -> dict[str, list[Document]]:
    """What each cluster runs, to look at and not to change."""
    return {cluster: render_cluster(cluster) for cluster in CLUSTERS}


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    """The schemas of all custom resources."""
    folder = crds()
    if folder is None:
        pytest.skip("the CustomResourceDefinitions are not collected: " + MISSING)
    return Definitions(sorted(folder.rglob("*.yaml")))
