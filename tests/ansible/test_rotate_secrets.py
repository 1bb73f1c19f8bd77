"""Rotation as an operator runs it; kwok rolls the pods over, and the test plays External Secrets and CloudNativePG."""

import base64
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import Played, Player
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster, Object
from tests.gitops.policies.objects import of_kind
from tests.gitops.rendering import render

SEEDS = "platform-secrets"
PLACE = "web-intelligence"
QUICK = {"rotate_secrets_carry_pause": 1, "rotate_secrets_carry_seconds": 20, "rotate_secrets_rollout_seconds": 120}
# Deployments become ready by themselves meanwhile; their stamp is looked at.
KINDS = (("v1", "Secret"), ("external-secrets.io/v1", "ExternalSecret"))
OLD = "the-key-that-everybody-knows-by-now"


def values_of(secret: Object | None) -> dict[str, str]:
    assert secret is not None
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


class Carrier(threading.Thread):
    """External Secrets: copies seeds to where ExternalSecrets want them, once it is told to by force-sync."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster = Cluster(cluster.kubeconfig, own=False)
        self.ended = threading.Event()
        self.asleep = threading.Event()
        self.carried: list[dict[str, str]] = []
        self.problem: Exception | None = None

    def run(self) -> None:
        while not self.ended.wait(0.3):
            if self.asleep.is_set():
                continue
            for one in self.cluster.all("external-secrets.io/v1", "ExternalSecret"):
                try:
                    self.carry(one)
                except Exception as error:  # noqa: BLE001 - told by the fixture
                    self.problem = error
                    return

    def carry(self, wanted: Object) -> None:
        name, place = wanted["metadata"]["name"], wanted["metadata"]["namespace"]
        version = (wanted["metadata"].get("annotations") or {}).get("force-sync")
        held = self.cluster.get("v1", "Secret", name, place)
        if version is None or (held and held["metadata"].get("annotations", {}).get("from") == version):
            return
        seed = self.cluster.get("v1", "Secret", wanted["spec"]["data"][0]["remoteRef"]["key"], SEEDS)
        assert seed is not None
        values = values_of(seed)
        self.carried.append(values)
        metadata = {"name": name, "namespace": place, "annotations": {"from": version}}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": seed["data"]}
        self.cluster.apply([body], field_manager="external-secrets", force=True)


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with the local platform's API in it, and nodes on which pods are ready at once."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(3)
        secrets = [one for one in render("local", "secrets") if one["metadata"].get("namespace") == PLACE]
        workloads = [one for one in render("local", "workloads") if one["kind"] not in {"Job", "ScaledObject"}]
        monitoring = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}}
        cluster.apply([monitoring, *render("local", "foundation"), *secrets, *workloads])
        cluster.apply(one for one in render("local", "data") if one["metadata"]["name"].startswith("valkey"))
        yield cluster


@pytest.fixture
def carrier(cluster: Cluster) -> Iterator[Carrier]:
    """Seeds that were made by hand, and someone who carries them."""
    sow(cluster, "webintel", **{"secret-key": OLD})
    sow(cluster, "valkey", password=OLD)
    sow(cluster, "postgres", password=OLD, **{"admin-password": "the administrator's"})
    for name in ("grafana", "backup-store"):
        cluster.delete("v1", "Secret", name, SEEDS)
    carrier = Carrier(cluster)
    carrier.start()
    yield carrier
    carrier.ended.set()
    carrier.join()
    if carrier.problem:
        raise carrier.problem


def sow(cluster: Cluster, name: str, **values: str) -> None:
    """A seed that nobody has rotated yet."""
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": SEEDS}}
    cluster.delete("v1", "Secret", name, SEEDS)
    cluster.apply([{**body, "stringData": values}], field_manager="kubectl-create")


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster)


def rotate(operator: Player, what: str = "webintel", *options: str, **variables: object) -> Played:
    return operator.play("rotate_secrets", *options, rotate_secrets_what=what, **{**QUICK, **variables})


def seed(cluster: Cluster, name: str = "webintel") -> dict[str, str]:
    return values_of(cluster.get("v1", "Secret", name, SEEDS))


def stamp(cluster: Cluster, name: str = "webintel", workload: str = "api", place: str = PLACE) -> str:
    found = cluster.get("apps/v1", "Deployment", workload, place)
    assert found is not None
    return str((found["spec"]["template"]["metadata"].get("annotations") or {}).get(f"webintel.io/seed-{name}", ""))


def secret_in(played: Played, *values: str) -> list[str]:
    """Which of the values are in what a playbook said, plain or encoded."""
    return [one for one in values if one in played.text or base64.b64encode(one.encode()).decode() in played.text]


def test_every_pod_knows_the_new_key_before_one_signs_with_it(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    before = written(cluster, *KINDS)
    rehearsed = rotate(operator, "webintel", "--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert rehearsed.changed > 0
    assert written(cluster, *KINDS) == before

    stamped = stamp(cluster)
    done = rotate(operator, "webintel", "--diff")
    assert done.code == 0, done.text
    new = seed(cluster)["secret-key"]
    assert seed(cluster) == {"secret-key": new, "secret-key-previous": OLD}
    assert carrier.carried == [{"secret-key": OLD, "secret-key-previous": new}, seed(cluster)]
    assert stamp(cluster) not in {"", stamped}
    assert "Rotated webintel of local (announced, switched)" in done.told
    assert not secret_in(done, OLD, new)

    # Argo CD applies what git says, and the stamp is not its own.
    kept = stamp(cluster)
    cluster.apply(of_kind(render("local", "workloads"), "Deployment"))
    assert stamp(cluster) == kept

    early = rotate(operator)
    assert (early.code, early.changed) == (0, 0), early.text
    assert "webintel was rotated" in early.told
    too_early = rotate(operator, vault_webintel_secret_key="another-key-that-nobody-knows-yet")
    assert too_early.code == 2
    assert "tokens of the key before live 900 s. Wait." in too_early.told
    forgotten = rotate(operator, rotate_secrets_forget_previous=True)
    assert forgotten.code == 0, forgotten.text
    assert seed(cluster) == {"secret-key": new}
    again = rotate(operator, rotate_secrets_forget_previous=True)
    assert (again.code, again.changed) == (0, 0), again.text


def test_what_was_not_carried_is_not_rolled_out_and_goes_on_later(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    carrier.asleep.set()
    stamped = stamp(cluster)
    stuck = rotate(operator, rotate_secrets_carry_seconds=2)
    assert stuck.code != 0
    assert "has not carried webintel into web-intelligence" in stuck.told
    assert stamp(cluster) == stamped
    announced = seed(cluster)["secret-key-previous"]
    assert seed(cluster)["secret-key"] == OLD
    carrier.asleep.clear()
    done = rotate(operator)
    assert done.code == 0, done.text
    assert seed(cluster) == {"secret-key": announced, "secret-key-previous": OLD}


def test_what_cannot_be_rotated_is_refused_with_the_way_to_do_it(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    before = written(cluster, *KINDS)
    kept = rotate(operator, "postgres", rotate_secrets_forget_previous=True)
    assert kept.code == 2
    assert "postgres keeps no previous value" in kept.told
    unchanged = rotate(operator, vault_webintel_secret_key=OLD)
    assert unchanged.code != 0
    assert "The vault still has the value of webintel" in unchanged.told
    missing = rotate(operator, "backup-store")
    assert "There is no seed backup-store in the cluster" in missing.told
    assert written(cluster, *KINDS) == before
