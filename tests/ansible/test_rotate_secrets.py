"""Rotation as an operator runs it; kwok rolls the pods over, and the test plays External Secrets and CloudNativePG."""

import asyncio
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
from tests.service.second_server import PasswordServer, password_server
from webintel.db.engine import login_for
from webintel.db.role_password import change_role_password
from webintel.settings import Settings, load_settings

SEEDS = "platform-secrets"
PLACE = "web-intelligence"
QUICK = {"rotate_secrets_carry_pause": 1, "rotate_secrets_carry_seconds": 20, "rotate_secrets_rollout_seconds": 120}
# Deployments become ready by themselves meanwhile; their stamp is looked at.
KINDS = (("v1", "Secret"), ("external-secrets.io/v1", "ExternalSecret"))
GRAFANA = ("apps/v1", "Deployment", "kube-prometheus-stack-grafana", "monitoring")
OLD = "the-key-that-everybody-knows-by-now"
STAGES = ["announced", "switched", "forgotten"]


def values_of(secret: Object | None) -> dict[str, str]:
    assert secret is not None
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


class Database:
    """A real one; the pods of each stage are asked whether they still get in."""

    def __init__(self, server: PasswordServer) -> None:
        self.server = server
        self.pods: list[dict[str, str]] = []

    def settings(self, pod: dict[str, str]) -> Settings:
        """What the API's pods make of the Secret that they mount."""
        other = pod.get("password-previous")
        return load_settings(database_url=self.server.url(pod["password"]), database_password_previous=other)

    def given(self, pod: dict[str, str]) -> None:
        """Take the password over as soon as there is another one, as CloudNativePG does it."""
        self.pods.append(pod)
        asyncio.run(change_role_password(self.settings(pod)))
        # The pods of the stage before are there until the rollout has replaced them.
        for one in self.pods[-2:]:
            asyncio.run(self.let_in(one))

    async def let_in(self, pod: dict[str, str]) -> None:
        (await login_for(self.settings(pod)).connect()).terminate()


class Carrier(threading.Thread):
    """External Secrets: copies seeds to where ExternalSecrets want them, once it is told to by force-sync."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster = Cluster(cluster.kubeconfig, own=False)
        self.ended = threading.Event()
        self.asleep = threading.Event()
        self.carried: list[dict[str, str]] = []
        self.database: Database | None = None
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
        if name == "postgres-app" and place == PLACE and self.database:
            self.database.given(values)
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


def have_carried(cluster: Cluster, names: dict[str, str]) -> None:
    """ExternalSecrets that only larger platforms have: those of staging."""
    wanted = of_kind(render("staging", "secrets"), "ExternalSecret")
    found = [one for one in wanted if names.get(one["metadata"]["name"]) == one["metadata"]["namespace"]]
    assert len(found) == len(names)
    cluster.apply(found)


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster)


def rotate(operator: Player, what: str = "webintel", *options: str, **variables: object) -> Played:
    return operator.play("rotate_secrets", *options, rotate_secrets_what=what, **{**QUICK, **variables})


def seed(cluster: Cluster, name: str = "webintel") -> dict[str, str]:
    return values_of(cluster.get("v1", "Secret", name, SEEDS))


def phase(cluster: Cluster, name: str) -> str:
    found = cluster.get("v1", "Secret", name, SEEDS)
    assert found is not None
    return str((found["metadata"].get("annotations") or {}).get("webintel.io/rotation", ""))


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


def test_the_password_of_the_database_is_bridged_and_goes_on_from_wherever_it_was_stopped(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    with password_server() as server:
        asyncio.run(server.administer("CREATE ROLE wip LOGIN"))
        asyncio.run(server.change_password(OLD))
        carrier.database = Database(server)
        before = written(cluster, *KINDS, ("batch/v1", "Job"))
        rehearsed = rotate(operator, "postgres", "--check", "--diff")
        assert rehearsed.code == 0, rehearsed.text
        assert "Would rotate postgres of local (announced, switched, forgotten)" in rehearsed.told
        assert written(cluster, *KINDS, ("batch/v1", "Job")) == before

        stopped = []
        for stage in STAGES:
            played = operator.interrupt(
                "rotate_secrets",
                lambda stage=stage: phase(cluster, "postgres") == stage,
                rotate_secrets_what="postgres",
                **QUICK,
            )
            assert played.code != 0
            stopped.append(phase(cluster, "postgres"))
        assert stopped == STAGES
        done = rotate(operator, "postgres", "--diff")
        assert done.code == 0, done.text
        new = seed(cluster, "postgres")["password"]
        assert seed(cluster, "postgres") == {"password": new, "admin-password": "the administrator's"}
        assert new != OLD
        assert not secret_in(done, OLD, new)
        secrets = [{key: one.get(key, "") for key in ("password", "password-previous")} for one in carrier.carried]
        unique = [one for number, one in enumerate(secrets) if one not in secrets[:number]]
        assert [(one["password"], one["password-previous"]) for one in unique] == [(OLD, new), (new, OLD), (new, "")]
        with pytest.raises(Exception, match="password authentication failed"):
            asyncio.run(carrier.database.let_in({"password": OLD}))
    jobs = [one for one in cluster.all("batch/v1", "Job", PLACE) if "database-password" in one["metadata"]["name"]]
    assert jobs
    for job in jobs:
        assert job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "migration"
        assert job["spec"]["template"]["spec"]["containers"][0]["args"][0] == "database-password"
    assert stamp(cluster, "postgres", "worker") == stamp(cluster, "postgres") != ""

    again = rotate(operator, "postgres")
    assert (again.code, again.changed) == (0, 0), again.text
    assert "postgres was rotated" in again.told
    unchanged = rotate(operator, "postgres", rotate_secrets_rest_seconds=0, vault_postgres_password=new)
    assert unchanged.code == 2
    assert "The vault still has the value of postgres" in unchanged.told


def test_valkey_takes_both_passwords_until_its_clients_have_the_new_one(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    carrier.asleep.set()
    stuck = rotate(operator, "valkey", rotate_secrets_carry_seconds=2)
    assert stuck.code == 2
    assert stamp(cluster, "valkey", "valkey") == ""
    announced = seed(cluster, "valkey")["password-previous"]
    carrier.asleep.clear()
    done = rotate(operator, "valkey")
    assert done.code == 0, done.text
    assert [one.get("password-previous", "") for one in carrier.carried] == [announced, OLD, ""]
    assert seed(cluster, "valkey") == {"password": announced}
    assert not secret_in(done, OLD, announced)
    # The API takes the new one between the two restarts of the server.
    versions = [int(stamp(cluster, "valkey", workload)) for workload in ("api", "valkey")]
    assert versions == sorted(versions)
    again = rotate(operator, "valkey")
    assert (again.code, again.changed) == (0, 0), again.text


def test_what_nobody_carries_is_not_rotated_and_goes_on_once_somebody_does(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    sow(cluster, "grafana", **{"admin-password": OLD})
    refused = rotate(operator, "grafana")
    assert refused.code == 2
    assert "No ExternalSecret carries grafana to monitoring" in refused.told
    written_then = seed(cluster, "grafana")
    have_carried(cluster, {"grafana-admin": "monitoring"})
    cluster.apply([grafana()])
    done = rotate(operator, "grafana")
    assert done.code == 0, done.text
    assert seed(cluster, "grafana") == written_then != {"admin-password": OLD}
    assert stamp(cluster, "grafana", GRAFANA[2], GRAFANA[3]) != ""
    assert not secret_in(done, OLD, written_then["admin-password"])
    again = rotate(operator, "grafana")
    assert (again.code, again.changed) == (0, 0), again.text
    cluster.delete("external-secrets.io/v1", "ExternalSecret", "grafana-admin", "monitoring")


def grafana() -> Object:
    """Grafana's Deployment, as far as a rollout goes: its chart is not of this repository."""
    labels = {"app": "grafana"}
    pod = {"containers": [{"name": "grafana", "image": "grafana"}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    metadata = {"name": GRAFANA[2], "namespace": GRAFANA[3]}
    return {"apiVersion": GRAFANA[0], "kind": GRAFANA[1], "metadata": metadata, "spec": spec}


def test_the_keys_of_the_store_are_taken_from_the_vault_alone(
    operator: Player, cluster: Cluster, carrier: Carrier
) -> None:
    sow(cluster, "backup-store", **{"access-key-id": "id", "secret-access-key": OLD})
    have_carried(cluster, {"backup-store": PLACE})
    missing = rotate(operator, "backup-store")
    assert missing.code == 2
    assert "backup-store cannot be made up: give vault_backup_store_access_key_id its new value" in missing.told
    keys = {
        "vault_backup_store_access_key_id": "id-2",
        "vault_backup_store_secret_access_key": "the-next-key",
    }
    done = rotate(operator, "backup-store", **keys)
    assert done.code == 0, done.text
    assert carrier.carried == [{"access-key-id": "id-2", "secret-access-key": "the-next-key"}]
    assert not secret_in(done, "the-next-key")
    again = rotate(operator, "backup-store", **keys)
    assert (again.code, again.changed) == (0, 0), again.text
    later = rotate(operator, "backup-store", **keys, rotate_secrets_rest_seconds=0)
    assert later.code == 2
    assert "The vault still has the value of backup-store" in later.told
    cluster.delete("external-secrets.io/v1", "ExternalSecret", "backup-store", PLACE)


def test_all_that_can_be_is_rotated_and_the_rest_is_told(operator: Player, cluster: Cluster, carrier: Carrier) -> None:
    stopped = operator.interrupt(
        "rotate_secrets", lambda: phase(cluster, "valkey") == "switched", rotate_secrets_what="all-that-can-be", **QUICK
    )
    assert stopped.code != 0
    done = rotate(operator, "all-that-can-be")
    assert done.code == 0, done.text
    # What was through before it was stopped is not rotated once more.
    assert "webintel was rotated" in done.told
    assert "Rotated valkey of local (switched, forgotten)" in done.told
    assert "There is no seed backup-store in the cluster" in done.told
    for name, key in (("webintel", "secret-key"), ("postgres", "password"), ("valkey", "password")):
        assert seed(cluster, name)[key] != OLD
        assert phase(cluster, name) == "done"
    again = rotate(operator, "all-that-can-be")
    assert (again.code, again.changed) == (0, 0), again.text
