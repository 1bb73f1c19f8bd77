"""The autoscalers of api and web on metrics that the test says: up in bounded steps, and down to the least again."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from tests.cluster.control_plane.cluster import Cluster, Object
from tests.cluster.control_plane.history import numbers
from tests.cluster.control_plane.metrics import Metrics
from tests.cluster.places import Place, condition, find, workload

AUTOSCALER = ("autoscaling/v2", "HorizontalPodAutoscaler")
FEWEST, MOST = {"api": 3, "web": 3}, {"api": 10, "web": 8}
# Far more than is asked for, of one resource each: one is enough.
BUSY = {"api": {"cpu": "1"}, "web": {"memory": "500Mi"}}
SOONER_SECONDS = 4


class Course(NamedTuple):
    """What was seen on a way to the most pods and back, for api and web at one time."""

    autoscalers: dict[str, Object]
    at_rest: dict[str, list[int]]
    up: dict[str, list[int]]
    held: dict[str, Object]
    down: dict[str, list[int]]


@pytest.fixture(scope="module")
def metrics(control_plane: Cluster, nodes: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    with Metrics(Cluster(control_plane.kubeconfig, own=True), tmp_path_factory.mktemp("metrics")) as made:
        yield made


@pytest.fixture(scope="module")
def course(place: Place, metrics: Metrics) -> Course:
    objects = {name: workload(name, place.namespace) for name in MOST}
    place.run(one for made in objects.values() for one in made)
    wait_for_readings(place)
    # What a scaler decides shows in the number that the Deployment is told, each change of it.
    deployments = place.history("apps/v1", "Deployment")
    at_rest = {name: numbers(deployments.states(), name, "spec", "replicas") for name in MOST}
    for name, usage in BUSY.items():
        metrics.use(place.namespace, name, **usage)
    wait_for_replicas(place, MOST)
    up = {name: numbers(deployments.states(), name, "spec", "replicas") for name in MOST}

    for name in MOST:
        metrics.use(place.namespace, name)
    held = {name: wait_until_held(place, name) for name in MOST}
    ours = {name: autoscaler(place, name) for name in MOST}
    wait_until_settled(place)
    deployments = place.history("apps/v1", "Deployment")
    place.cluster.apply(sooner(find(made, "HorizontalPodAutoscaler")) for made in objects.values())
    wait_for_replicas(place, FEWEST)
    down = {name: numbers(deployments.states(), name, "spec", "replicas") for name in MOST}
    return Course(ours, at_rest, up, held, down)


def autoscaler(place: Place, name: str) -> Object:
    return place.cluster.get(*AUTOSCALER, name, place.namespace) or {}


def sooner(ours: Object) -> Object:
    """Our autoscaler, with nothing changed but the times of the way down: nobody waits minutes for a test."""
    made = copy.deepcopy(ours)
    down = made["spec"]["behavior"]["scaleDown"]
    down["stabilizationWindowSeconds"] = 0
    for policy in down["policies"]:
        policy["periodSeconds"] = SOONER_SECONDS
    return made


def wait_for_readings(place: Place) -> None:
    def read() -> bool:
        return all(condition(autoscaler(place, name), "ScalingActive").get("status") == "True" for name in MOST)

    place.cluster.wait_until(read, lambda: {name: autoscaler(place, name).get("status") for name in MOST})


def wait_for_replicas(place: Place, wanted: dict[str, int]) -> None:
    def actual() -> dict[str, int]:
        return {name: place.deployment(name)["status"].get("readyReplicas", 0) for name in wanted}

    def progress() -> str:
        return f"{wanted} ready: {actual()}, {[autoscaler(place, name)['status'] for name in wanted]}"

    place.cluster.wait_until(lambda: actual() == wanted, progress, 90)


def wait_until_held(place: Place, name: str) -> Object:
    """Wait until the autoscaler sees that fewer would do, and says why it does not follow."""

    def able() -> Object:
        return condition(autoscaler(place, name), "AbleToScale")

    place.cluster.wait_until(lambda: able().get("reason") == "ScaleDownStabilized", able)
    return place.deployment(name)


def wait_until_settled(place: Place) -> None:
    """Wait until no way up is within a period of the way down: what it added does not count for the half."""

    def ages() -> dict[str, float]:
        last = {name: datetime.fromisoformat(autoscaler(place, name)["status"]["lastScaleTime"]) for name in MOST}
        return {name: (datetime.now(UTC) - moment).total_seconds() for name, moment in last.items()}

    place.cluster.wait_until(lambda: min(ages().values()) > SOONER_SECONDS + 1, ages)


@pytest.mark.parametrize("name", MOST)
def test_idle_pods_stay_at_the_fewest(course: Course, name: str) -> None:
    assert course.at_rest[name] == [FEWEST[name]]


@pytest.mark.parametrize(("name", "steps"), [("api", [3, 6, 10]), ("web", [3, 6, 8])])
def test_busy_pods_double_until_there_are_the_most(course: Course, name: str, steps: list[int]) -> None:
    assert course.up[name] == steps


@pytest.mark.parametrize("name", MOST)
def test_a_short_calm_takes_nothing_away(course: Course, name: str) -> None:
    assert course.held[name]["spec"]["replicas"] == MOST[name]
    down = course.autoscalers[name]["spec"]["behavior"]["scaleDown"]
    assert down["stabilizationWindowSeconds"] == 300
    assert down["policies"] == [{"type": "Percent", "value": 50, "periodSeconds": 60}]


@pytest.mark.parametrize(("name", "steps"), [("api", [10, 5, 3]), ("web", [8, 4, 3])])
def test_a_long_calm_halves_them_until_there_are_the_fewest(course: Course, name: str, steps: list[int]) -> None:
    assert course.down[name] == steps
