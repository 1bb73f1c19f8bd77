"""Rotation as an operator runs it; kwok rolls the pods over, and the test plays External Secrets."""

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


class Carrier(threading.Thread):
    """External Secrets: copies seeds to where ExternalSecrets want them, once it is told to by force-sync."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster = Cluster(cluster.kubeconfig, own=False)
        self.ended = threading.Event()
        self.asleep = threading.Event()
        self.carried: list[dict[str, str]] = []

    def run(self) -> None:
        while not self.ended.wait(0.3):
            if self.asleep.is_set():
                continue
            for one in self.cluster.all("external-secrets.io/v1", "ExternalSecret", PLACE):
                self.carry(one)

    def carry(self, wanted: Object) -> None:
        name, version = wanted["metadata"]["name"], wanted["metadata"].get("annotations", {}).get("force-sync")
        held = self.cluster.get("v1", "Secret", name, PLACE)
        if version is None or (held and held["metadata"].get("annotations", {}).get("from") == version):
            return
        seed = self.cluster.get("v1", "Secret", name, SEEDS)
        assert seed is not None
        self.carried.append({key: base64.b64decode(value).decode() for key, value in seed["data"].items()})
        metadata = {"name": name, "namespace": PLACE, "annotations": {"from": version}}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": seed["data"]}
        self.cluster.apply([body], field_manager="external-secrets", force=True)


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with the local platform's API in it, and nodes on which pods are ready at once."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(3)
        secrets = [one for one in render("local", "secrets") if one["metadata"].get("namespace") == PLACE]
        workloads = [one for one in render("local", "workloads") if one["kind"] not in {"Job", "ScaledObject"}]
        cluster.apply([*render("local", "foundation"), *secrets, *workloads])
        yield cluster


@pytest.fixture
def carrier(cluster: Cluster) -> Iterator[Carrier]:
    """A signing key that was made by hand, and someone who carries it."""
    seed: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "webintel", "namespace": SEEDS}}
    cluster.delete("v1", "Secret", "webintel", SEEDS)
    cluster.apply([{**seed, "stringData": {"secret-key": OLD}}], field_manager="kubectl-create")
    carrier = Carrier(cluster)
    carrier.start()
    yield carrier
    carrier.ended.set()
    carrier.join()


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster)


def rotate(operator: Player, what: str = "webintel", *options: str, **variables: object) -> Played:
    return operator.play("rotate_secrets", *options, rotate_secrets_what=what, **{**QUICK, **variables})


def seed(cluster: Cluster) -> dict[str, str]:
    found = cluster.get("v1", "Secret", "webintel", SEEDS)
    assert found is not None
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def stamp(cluster: Cluster) -> str:
    found = cluster.get("apps/v1", "Deployment", "api", PLACE)
    assert found is not None
    return str(found["spec"]["template"]["metadata"].get("annotations", {}).get("webintel.io/seed-webintel", ""))


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
    for value in (OLD, new):
        assert value not in done.text
        assert base64.b64encode(value.encode()).decode() not in done.text

    # Argo CD applies what git says, and the stamp is not its own.
    kept = stamp(cluster)
    cluster.apply(of_kind(render("local", "workloads"), "Deployment"))
    assert stamp(cluster) == kept

    early = rotate(operator)
    assert early.code != 0
    assert "webintel was rotated" in early.told
    forgotten = rotate(operator, rotate_secrets_forget_previous=True)
    assert forgotten.code == 0, forgotten.text
    assert seed(cluster) == {"secret-key": new}


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
    database = rotate(operator, "postgres")
    assert database.code != 0
    assert "psql -c '\\password wip'" in database.told
    unchanged = rotate(operator, vault_webintel_secret_key=OLD)
    assert unchanged.code != 0
    assert "The vault still has the value of webintel" in unchanged.told
    missing = rotate(operator, "backup-store")
    assert "There is no seed backup-store in the cluster" in missing.told
    assert written(cluster, *KINDS) == before


def test_what_nobody_carries_is_not_rotated(operator: Player, cluster: Cluster, carrier: Carrier) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "grafana", "namespace": SEEDS}}
    cluster.apply([{**body, "stringData": {"admin-password": OLD}}])
    refused = rotate(operator, "grafana")
    assert refused.code == 2
    assert "No ExternalSecret carries grafana to monitoring" in refused.told


def test_the_seed_of_valkey_is_rotated_and_its_readers_rolled_over(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "valkey", "namespace": SEEDS}}
    cluster.apply([{**body, "stringData": {"password": OLD}}])
    carrier.carry({"metadata": {"name": "valkey", "annotations": {"force-sync": "first"}}})
    done = rotate(operator, "valkey")
    assert done.code == 0, done.text
    assert carrier.carried[-1]["password"] != OLD
    assert carrier.carried[-1]["password"] not in done.text
    api = cluster.get("apps/v1", "Deployment", "api", PLACE)
    assert api
    assert "webintel.io/seed-valkey" in api["spec"]["template"]["metadata"]["annotations"]
