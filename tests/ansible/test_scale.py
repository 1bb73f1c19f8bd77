"""Scaling by hand holds against autoscalers and git and can be taken back; a load test tells what the autoscaler did.

The real HorizontalPodAutoscaler reads metrics that the test says, and the API is a real one on this machine. KEDA,
which would follow its annotation, is not there.
"""

import copy
import re
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import httpx
import pytest

from tests.ansible.conftest import MakePlayer
from tests.ansible.playing import ANSIBLE, Played, Player
from tests.ansible.refusing import REFUSAL, refusing
from tests.ansible.webintel_up import Platform
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster, Object, identity
from tests.cluster.control_plane.metrics import Metrics
from tests.cluster.places import DEPLOYMENT, PLATFORM, Place, condition, find, foundation, workload
from tests.gitops.rendering import render

AUTOSCALER = ("autoscaling/v2", "HorizontalPodAutoscaler")
QUEUE = ("keda.sh/v1alpha1", "ScaledObject")
PAUSED = "autoscaling.keda.sh/paused-replicas"
KINDS = (AUTOSCALER, QUEUE, DEPLOYMENT)
TELL, RAISE = "scale : Replicas | Tell the autoscalers", "scale : Replicas | Raise what has fewer"

Plan = Callable[..., Any]


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(3, cpu="8", memory="16Gi")
        cluster.apply(foundation(PLATFORM), force=True)
        cluster.apply([worker_queue()], field_manager="argocd-controller")
        yield cluster


@pytest.fixture(scope="module")
def metrics(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    with Metrics(cluster, tmp_path_factory.mktemp("metrics")) as made:
        yield made


@pytest.fixture(scope="module")
def place(cluster: Cluster, metrics: Metrics) -> Place:
    """The API, scaled by its autoscaler, with idle pods."""
    made = Place(cluster, PLATFORM)
    made.run(workload("api", PLATFORM))

    def reads() -> bool:
        return condition(autoscaler(cluster), "ScalingActive").get("status") == "True"

    cluster.wait_until(reads, lambda: autoscaler(cluster).get("status"))
    return made


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster, "production")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The filter that decides, without a playbook around it."""
    spec = spec_from_file_location("scaling", ANSIBLE / "roles/scale/filter_plugins/scaling.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FilterModule().filters()["scaling"]  # type: ignore[no-any-return]


def worker_queue() -> Object:
    return find([one for one in render("production", "workloads") if one["kind"] == "ScaledObject"], "ScaledObject")


def autoscaler(cluster: Cluster) -> Object:
    return cluster.get(*AUTOSCALER, "api", PLATFORM) or {}


def takes_away(cluster: Cluster) -> bool:
    return bool(autoscaler(cluster)["spec"]["behavior"]["scaleDown"]["selectPolicy"] != "Disabled")


def paused(cluster: Cluster) -> str | None:
    found = cluster.get(*QUEUE, "worker", PLATFORM) or {}
    return (found["metadata"].get("annotations") or {}).get(PAUSED)


def asked(cluster: Cluster) -> dict[str, Any]:
    """What is asked for of everything that scales: what controllers write into a status meanwhile is their own."""
    found = [one for kind in KINDS for one in cluster.all(*kind, PLATFORM)]
    return {identity(one): (one["spec"], one["metadata"].get("annotations")) for one in found}


def sync(cluster: Cluster) -> None:
    """Apply what git has, as Argo CD does."""
    git = [find(workload("api", PLATFORM), "HorizontalPodAutoscaler"), worker_queue()]
    cluster.apply(git, force=True, field_manager="argocd-controller")


def scale(operator: Player, replicas: dict[str, object], *options: str, **variables: object) -> Played:
    waits = {"scale_wait_seconds": 60, "scale_wait_pause": 1}
    return operator.play("scale", *options, scale_replicas=replicas, **{**waits, **variables})


def test_numbers_hold_against_autoscalers_and_git_until_they_are_taken_back(
    operator: Player, cluster: Cluster, place: Place
) -> None:
    load = {"scale_load": "5x10", "scale_load_api_key": "wip_hidden", "scale_load_url": "http://127.0.0.1:9"}
    wanted: dict[str, object] = {"api": 5, "worker": 7}
    before = asked(cluster)
    rehearsed = scale(operator, wanted, "--check", **load)
    assert (rehearsed.code, asked(cluster)) == (0, before), rehearsed.text
    assert "A rehearsal puts no load on http://127.0.0.1:9" in rehearsed.told
    with refusing(cluster, "UPDATE", "scaledobjects", group="keda.sh"):
        refused = scale(operator, wanted, scale_wait_seconds=0)
    assert refused.failures() == [TELL]
    assert REFUSAL in refused.told
    done = scale(operator, wanted, scale_wait_seconds=0)
    assert (done.code, paused(cluster)) == (0, "7"), done.text
    assert done.changes() == rehearsed.changes() == [TELL, RAISE]
    assert '{"scale_replicas": {"api": "auto", "worker": "auto"}}' in done.told
    rehearsed = scale(operator, wanted, "--check", "--diff")
    assert (rehearsed.code, rehearsed.changed) == (0, 0), rehearsed.text
    place.cluster.wait_until(lambda: place.deployment("api")["status"].get("availableReplicas") == 5, "five pods", 60)
    # Idle pods would be taken away at once, if that might be; and Argo CD has what git says.
    hasten(cluster)

    def wants_fewer() -> bool:
        return condition(autoscaler(cluster), "ScalingLimited").get("reason") == "ScaleDownLimit"

    cluster.wait_until(wants_fewer, lambda: autoscaler(cluster).get("status"))
    sync(cluster)
    assert (takes_away(cluster), paused(cluster)) == (False, "7")
    assert place.deployment("api")["spec"]["replicas"] == 5

    again = scale(operator, wanted, scale_wait_seconds=2)
    assert (again.code, again.changed) == (2, 0), again.text
    assert "After 2 seconds worker has 0 of 7 pods" in again.told
    assert "seconds api has" not in again.told
    back = scale(operator, {"api": "auto", "worker": "auto"})
    assert (back.code, back.changes()) == (0, [TELL]), back.text
    assert (takes_away(cluster), paused(cluster)) == (True, None)
    hasten(cluster)
    cluster.wait_until(lambda: place.deployment("api")["spec"]["replicas"] == 3, "three pods, as git has it", 60)


def hasten(cluster: Cluster) -> None:
    """Let the autoscaler not wait for minutes before it takes pods away; what our role says of that stays."""
    git = copy.deepcopy(find(workload("api", PLATFORM), "HorizontalPodAutoscaler"))
    git["spec"]["behavior"]["scaleDown"].update(stabilizationWindowSeconds=0)
    for policy in git["spec"]["behavior"]["scaleDown"]["policies"]:
        policy["periodSeconds"] = 2
    cluster.apply([git], force=True, field_manager="argocd-controller")


def test_all_that_would_not_hold_is_told_at_once(operator: Player, cluster: Cluster, place: Place) -> None:
    before = asked(cluster)
    done = scale(operator, {"api": 11, "worker": 21, "postgres": 2, "web": "many"})
    assert done.code == 2
    for problem in (
        "11 pods are more than api may have: 10 (maxReplicas of the HorizontalPodAutoscaler)",
        "21 pods are more than worker may have: 20 (maxReplicaCount of the ScaledObject)",
        "Nothing scales postgres: scale_replicas may name api, worker.",
        "scale_replicas says 'many' for web",
    ):
        assert problem in done.told
    assert asked(cluster) == before


def test_what_git_says_of_this_cluster_is_left_alone(plan: Plan) -> None:
    standby = worker_queue()
    standby["metadata"]["annotations"] = {PAUSED: "0"}
    (problem,) = plan({"worker": 7}, [standby], "webintel-scale")["problems"]
    assert "Git keeps worker at 0 in this cluster" in problem
    fields = {"f:metadata": {"f:annotations": {f"f:{PAUSED}": {}}}}
    standby["metadata"]["managedFields"] = [{"manager": "webintel-scale", "fieldsV1": fields}]
    ours = plan({"worker": "7"}, [standby], "webintel-scale")
    assert (ours["problems"], ours["floors"]) == ([], {"worker": 7})
    deployment, scaler = (find(workload("api", PLATFORM), kind) for kind in ("Deployment", "HorizontalPodAutoscaler"))
    (problem,) = plan({"api": 2}, [deployment, scaler], "webintel-scale")["problems"]
    assert "api has at least 3 pods (minReplicas)" in problem
    (problem,) = plan({"api": 4}, [scaler], "webintel-scale")["problems"]
    assert "There is no Deployment api" in problem
    # What the autoscaler has raised already is not taken away.
    deployment["spec"]["replicas"] = 8
    assert plan({"api": 4}, [deployment, scaler], "webintel-scale")["raise"] == []


def key_of(platform: Platform) -> str:
    with httpx.Client(base_url=platform.api) as client:
        account = {"email": "admin@webintel.local", "password": platform.password}
        token = client.post("/api/v1/auth/login", json=account).json()["access_token"]
        made = client.post("/api/v1/me/api-keys", json={"name": "load"}, headers={"Authorization": f"Bearer {token}"})
        return str(made.json()["key"])


def test_load_is_put_on_while_the_autoscaler_is_watched(
    operator: Player, cluster: Cluster, place: Place, metrics: Metrics, platform: Platform
) -> None:
    key = key_of(platform)
    load = {"scale_load": "5x10", "scale_load_url": platform.api, "scale_load_api_key": key}
    calm = operator.play("scale", **load, scale_load_fail_if=["p50<30s", "error_rate>0"])
    assert calm.code == 2
    for words in ("FAILED p50<30s", "No autoscaler asked for more pods.", "A threshold did not hold"):
        assert words in calm.told

    options = ["--users", "1", "--think", "2,2", "--requests", "10"]
    busy_once_loaded = threading.Thread(target=use_when_loaded, args=(metrics, platform, key))
    busy_once_loaded.start()
    busy = operator.play(
        "scale", **load, scale_load_options=options, scale_load_fail_if=["error_rate>0"], scale_load_must_scale=True
    )
    busy_once_loaded.join()
    metrics.use(PLATFORM, "api")
    assert busy.code == 0, busy.text
    for words in ("api scaled up.", "POST /api/v1/sites"):
        assert words in busy.told
    # The pods may be there before the next look at what is wanted: only the growth is certain.
    wanted = [int(pods) for pods in re.findall(r"\d+ s  api: \d+ pods, (\d+) wanted", busy.told)]
    assert wanted[0] == 3
    assert wanted[-1] > 3
    assert wanted == sorted(wanted)
    assert key not in calm.text + busy.text


def use_when_loaded(metrics: Metrics, platform: Platform, key: str) -> None:
    """Let the pods be busy as soon as the load test has made a site, and not before."""
    end = time.monotonic() + 60
    with httpx.Client(base_url=platform.api, headers={"X-API-Key": key}) as client:
        while not client.get("/api/v1/sites?search=webintel-load").json()["items"] and time.monotonic() < end:
            time.sleep(0.5)
    metrics.use(PLATFORM, "api", cpu="1")


def test_a_load_test_without_a_key_does_not_begin(operator: Player, place: Place) -> None:
    done = operator.play("scale", scale_load="5x10", scale_load_api_key="", scale_load_url="http://127.0.0.1:9")
    assert done.code == 2
    assert "needs an admin's API key" in done.told
    done = operator.play(
        "scale", scale_load="no-such", scale_load_api_key="wip_hidden", scale_load_url="http://127.0.0.1:9"
    )
    assert done.code == 2
    assert "There is no scenario no-such" in done.told
    assert "wip_hidden" not in done.text
