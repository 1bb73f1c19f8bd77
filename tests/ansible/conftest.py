"""Playbooks on a control plane of their own."""

import base64
import importlib.util
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ansible.playing import Player
from tests.ansible.webintel_up import Platform, webintel_up
from tests.cluster.conftest import (
    StartControlPlane,
    data_with_definitions,
    programs,
    start_control_plane,
)
from tests.cluster.control_plane.cluster import Cluster, Object, identity
from tests.cluster.control_plane.definitions import definitions
from tests.gitops.rendering import render

__all__ = ["data_with_definitions", "programs", "start_control_plane"]

MakePlayer = Callable[..., Player]


@pytest.fixture(scope="session", autouse=True)
def ansible() -> None:
    if importlib.util.find_spec("ansible") is None:
        pytest.skip("Ansible is not installed: run `make test`, or `uv sync --group deploy`")


@pytest.fixture(scope="session")
def player(tmp_path_factory: pytest.TempPathFactory) -> MakePlayer:
    """Make a player for a cluster: `player(cluster)`, or for none."""

    def make(cluster: Cluster | None = None, inventory: str = "local") -> Player:
        kubeconfig: Path | None = cluster.kubeconfig if cluster else None
        return Player(tmp_path_factory.mktemp("operator"), kubeconfig, inventory)

    return make


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    with webintel_up() as running:
        yield running


@pytest.fixture(scope="module")
def empty_cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with controllers and room, in which nothing of ours is yet."""
    with start_control_plane() as cluster:
        cluster.nodes(3)
        cluster.volumes(6)
        yield cluster


@pytest.fixture(scope="module")
def staging_data(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with staging's data in it, and nodes on which each job is complete at once."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(1)
        cluster.volumes(4)
        cluster.apply([*render("staging", "foundation"), *render("staging", "data")])
        yield cluster


@pytest.fixture(scope="module")
def production_data(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with production's data in it, whose operators are the tests."""
    with start_control_plane(with_definitions=True, controllers=False) as cluster:
        # No manifest of ours is a Backup: the operator's installation brings the kind.
        cluster.apply([one for one in definitions() if one["metadata"]["name"] == "backups.postgresql.cnpg.io"])
        cluster.apply([*render("production", "foundation"), *render("production", "data")])
        yield cluster


@pytest.fixture
def kinds_only(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with all kinds, and nothing of them."""
    with start_control_plane(with_definitions=True, controllers=False) as cluster:
        yield cluster


@contextmanager
def meanwhile(cluster: Cluster, act: Callable[[Cluster], bool]) -> Iterator[None]:
    """Do something again and again beside the playbook, until it says that it did."""
    stop = threading.Event()
    other = Cluster(cluster.kubeconfig, own=True)

    def run() -> None:
        while not stop.wait(0.3) and not act(other):
            pass

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def written(cluster: Cluster, *kinds: tuple[str, str]) -> dict[str, str]:
    """Every object of these kinds and its version: the same before and after means that nothing was written."""
    return {
        f"{kind} {identity(one)}": one["metadata"]["resourceVersion"]
        for api_version, kind in kinds
        for one in cluster.all(api_version, kind)
    }


def decoded(secret: Object | None) -> dict[str, str]:
    """What a Secret holds."""
    assert secret
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
