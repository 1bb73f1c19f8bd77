"""A real control plane for the tests: the one that `--kubeconfig` names, or one of our own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.definitions import definitions_of
from tests.cluster.control_plane.programs import Programs, find_programs
from tests.cluster.control_plane.server import ControlPlane, running
from tests.cluster.places import Place, foundation
from tests.gitops.rendering import CLUSTERS, render_cluster

OTHERS_USE_IT = "it changes the whole cluster, and others may use the one that --kubeconfig names: run it without"

StartControlPlane = Callable[..., AbstractContextManager[Cluster]]


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config) -> Programs:
    if pytestconfig.getoption("kubeconfig"):
        pytest.skip(OTHERS_USE_IT)
    return find_programs()


@pytest.fixture(scope="session")
def data_with_definitions(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What etcd holds once the definitions of all that our clusters run are established, which takes a while."""
    everything = [one for cluster in CLUSTERS for one in render_cluster(cluster)]
    plane = ControlPlane(tmp_path_factory.mktemp("definitions"), programs)
    try:
        plane.start(controllers=False).apply(definitions_of(everything))
    finally:
        data = plane.stop()
    yield data
    shutil.rmtree(data)


@pytest.fixture(scope="session")
def start_control_plane(
    request: pytest.FixtureRequest, programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> StartControlPlane:
    """Start a control plane of the test's own: `with start_control_plane(controllers=False) as cluster`."""

    def start(*, controllers: bool = True, with_definitions: bool = False) -> AbstractContextManager[Cluster]:
        data = request.getfixturevalue("data_with_definitions") if with_definitions else None
        return running(tmp_path_factory.mktemp("control-plane"), programs, controllers=controllers, data=data)

    return start


@pytest.fixture(scope="package")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster that tests share. Where it is not `own`, a test keeps to namespaces that it made, or skips."""
    if kubeconfig := request.config.getoption("kubeconfig"):
        yield Cluster(Path(kubeconfig), own=False)
        return
    with request.getfixturevalue("start_control_plane")() as cluster:
        yield cluster


@pytest.fixture(scope="package")
def nodes(control_plane: Cluster) -> list[str]:
    """The nodes of the cluster that tests share: two in each of three zones, without containers."""
    if not control_plane.own:
        pytest.skip(OTHERS_USE_IT)
    return control_plane.nodes(6, cpu="4", memory="8Gi")


@pytest.fixture(scope="module")
def place(control_plane: Cluster, nodes: list[str]) -> Iterator[Place]:
    """A namespace like the platform's in production, with all its limits and nothing in it."""
    made = Place(control_plane, f"web-intelligence-{uuid4().hex[:8]}")
    control_plane.apply(foundation(made.namespace), force=True)
    yield made
    control_plane.delete("v1", "Namespace", made.namespace)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show what the programs said last where a test fails."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Cluster) and (logs := value.logs()):
                report.sections.append(("control plane", logs))
    return report
