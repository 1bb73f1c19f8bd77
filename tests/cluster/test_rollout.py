"""A new digest of api: pods follow one by one, and a version that never gets ready takes nothing away."""

import copy
from collections.abc import Iterator

import pytest

from tests.cluster.control_plane.cluster import Object
from tests.cluster.control_plane.server import NEVER_READY
from tests.cluster.places import Place, condition, find, is_ready, quicker, workload

DESIRED = 3
SURGE = 1
NEXT = "ghcr.io/webintel/webintel@sha256:" + "2" * 64


@pytest.fixture
def objects(place: Place) -> Iterator[list[Object]]:
    """What production runs as api, rolled out; each test begins and ends with it."""
    made = quicker(workload("api", place.namespace))
    place.run(made)
    yield made
    place.run(made)


def with_image(objects: list[Object], image: str) -> list[Object]:
    """What a commit of another digest makes of them."""
    made = copy.deepcopy(objects)
    [container] = find(made, "Deployment")["spec"]["template"]["spec"]["containers"]
    container["image"] = image
    return made


class Watched:
    """What happens to the pods of api from now on."""

    def __init__(self, place: Place) -> None:
        self._pods, self._sets, self._deployments = (
            place.history(*kind) for kind in (("v1", "Pod"), ("apps/v1", "ReplicaSet"), ("apps/v1", "Deployment"))
        )

    def fewest_ready(self) -> int:
        return min(sum(map(is_ready, state.values())) for state in self._pods.states())

    def fewest_available(self) -> int:
        return min(state["api"]["status"].get("availableReplicas", 0) for state in self._deployments.states())

    def most(self) -> int:
        """The most pods that there were to be at one time, old and new."""
        return max(sum(one["spec"]["replicas"] for one in state.values()) for state in self._sets.states())


def images(place: Place) -> list[str]:
    return [container["image"] for pod in place.pods("api") for container in pod["spec"]["containers"]]


def test_a_new_digest_replaces_pods_one_by_one(place: Place, objects: list[Object]) -> None:
    watched = Watched(place)
    place.run(with_image(objects, NEXT))
    assert images(place) == [NEXT] * DESIRED
    assert watched.fewest_ready() == DESIRED
    assert watched.fewest_available() == DESIRED
    assert watched.most() == DESIRED + SURGE


def test_a_version_that_never_gets_ready_is_reported_and_harms_nothing(place: Place, objects: list[Object]) -> None:
    old = images(place)
    watched = Watched(place)
    place.cluster.apply(with_image(objects, NEVER_READY), force=True)

    def progress() -> Object:
        return condition(place.deployment("api"), "Progressing")

    place.cluster.wait_until(lambda: progress()["status"] == "False", progress)
    assert progress()["reason"] == "ProgressDeadlineExceeded"
    assert condition(place.deployment("api"), "Available")["status"] == "True"
    assert sorted(images(place)) == sorted([*old, NEVER_READY])
    assert watched.fewest_available() == DESIRED
    assert watched.most() == DESIRED + SURGE

    place.run(objects)
    assert images(place) == old
    assert watched.fewest_available() == DESIRED


def test_what_a_scaler_decides_outlasts_the_next_commit(place: Place, objects: list[Object]) -> None:
    assert "replicas" not in find(objects, "Deployment")["spec"]
    place.scale("api", 5)
    for force in (False, True):
        place.cluster.apply(objects, force=force)
        assert place.deployment("api")["spec"]["replicas"] == 5
    place.run(with_image(objects, NEXT))
    assert images(place) == [NEXT] * 5
    place.scale("api", DESIRED)
