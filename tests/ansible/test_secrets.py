"""Seeds as an operator writes them: generated once, never replaced, never shown."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible.conftest import MakePlayer, decoded, written
from tests.ansible.playing import ANSIBLE, Played, Player
from tests.ansible.refusing import REFUSAL, refusing
from tests.cluster.control_plane.cluster import Cluster, Object
from tests.gitops.policies.objects import of_kind
from tests.gitops.rendering import CLUSTERS, render, render_cluster

SEEDS = "platform-secrets"
KINDS = (("v1", "Namespace"), ("v1", "Secret"))
BEGUN = {"vault_valkey_password": "the-vault-knows-valkeys-password"}


@pytest.fixture
def operator(player: MakePlayer, empty_cluster: Cluster) -> Iterator[Player]:
    yield player(empty_cluster)
    empty_cluster.delete("v1", "Namespace", SEEDS)
    empty_cluster.wait_until(lambda: not empty_cluster.get("v1", "Namespace", SEEDS), "the namespace is gone", 60)


def seeds(cluster: Cluster) -> dict[str, dict[str, str]]:
    return {one["metadata"]["name"]: decoded(one) for one in cluster.all("v1", "Secret", SEEDS)}


def shown(played: Played, cluster: Cluster) -> list[str]:
    """The entries whose value is in the output, plain or encoded."""
    return [
        f"{seed}/{key}"
        for seed, data in seeds(cluster).items()
        for key, value in data.items()
        if value in played.text or base64.b64encode(value.encode()).decode() in played.text
    ]


def test_seeds_are_generated_once_and_never_shown_or_left_in_a_file(operator: Player, empty_cluster: Cluster) -> None:
    before = written(empty_cluster, *KINDS)
    rehearsed = operator.play("secrets", "--check", "--diff", **BEGUN)
    assert rehearsed.code == 0, rehearsed.text
    assert rehearsed.changed == 2, rehearsed.changes()
    assert "Would generate webintel/secret-key, postgres/password, postgres/admin-password" in rehearsed.told
    assert written(empty_cluster, *KINDS) == before

    # Refused in the middle, it keeps what it has written, and goes on from there.
    with refusing(empty_cluster, "CREATE", "secrets", "postgres"):
        refused = operator.play("secrets", "--diff", "-vvv", **BEGUN)
    assert refused.code == 2
    assert 'local does not take the seeds: secrets "postgres" is forbidden: ' in refused.told
    assert REFUSAL in refused.told
    begun = seeds(empty_cluster)
    assert set(begun) == {"webintel"}
    done = operator.play("secrets", "--diff", "-vvv", **BEGUN)
    assert done.code == 0, done.text
    made = seeds(empty_cluster)
    assert made["webintel"] == begun["webintel"]
    assert {name: set(data) for name, data in made.items()} == {
        "webintel": {"secret-key"}, "postgres": {"password", "admin-password"}, "valkey": {"password"},
    }  # fmt: skip
    assert made["valkey"]["password"] == BEGUN["vault_valkey_password"]
    drawn = [made["webintel"]["secret-key"], *made["postgres"].values()]
    assert len(set(drawn)) == 3
    assert all(len(value) == 64 for value in drawn)
    assert "Generated postgres/password, postgres/admin-password" in done.told
    values = [value for data in made.values() for value in data.values()]
    assert [file for file in operator.folder.rglob("*") if file.is_file() and holds(file, values)] == []
    for played in (refused, done):
        # A module that gets its arguments through a file, Ansible tells with -vvv.
        assert "AnsiballZ_k8s.py" not in played.text
        assert not shown(played, empty_cluster)


def test_what_is_there_is_argo_cds_and_no_value_of_it_is_ever_replaced(
    operator: Player, empty_cluster: Cluster
) -> None:
    assert operator.play("secrets", **BEGUN).code == 0
    foundation = render("local", "foundation")
    (namespace,) = (one for one in of_kind(foundation, "Namespace") if one["metadata"]["name"] == SEEDS)
    empty_cluster.apply([namespace])
    before = written(empty_cluster, *KINDS)
    for options in ((), ("--check", "--diff")):
        again = operator.play("secrets", *options, **BEGUN)
        assert (again.code, again.changed) == (0, 0), again.text
        assert not shown(again, empty_cluster)
    values = {"vault_valkey_password": "another-one-altogether", "vault_postgres_password": "and-this-is-new-too"}
    refused = operator.play("secrets", **values)
    assert refused.code != 0
    for seed in ("valkey", "postgres"):
        assert f"vault_{seed}_password differs from what the cluster has" in refused.told
        assert f"rotate_secrets_what={seed}" in refused.told
    assert not any(value in refused.told for value in values.values())
    assert written(empty_cluster, *KINDS) == before


def test_what_cannot_be_made_up_is_asked_for_at_once(player: MakePlayer, empty_cluster: Cluster) -> None:
    before = written(empty_cluster, *KINDS)
    refused = player(empty_cluster, "staging").play("secrets", vault_pagerduty_routing_key="example-routing-key")
    assert refused.code != 0
    for name in ("backup_store_access_key_id", "backup_store_secret_access_key", "pagerduty_dead_mans_switch_url"):
        assert f"vault_{name} is missing" in refused.told
    assert "vault_pagerduty_routing_key" in refused.told
    assert "example" in refused.told
    assert written(empty_cluster, *KINDS) == before


def read_by(documents: list[Object]) -> set[tuple[str, str]]:
    """The entries that the ExternalSecrets of a cluster must find."""
    return {
        (entry["remoteRef"]["key"], entry["remoteRef"]["property"])
        for one in of_kind(documents, "ExternalSecret")
        for entry in one["spec"].get("data", [])
    }


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_inventory_wants_what_the_manifests_read(cluster: str) -> None:
    inventory = ANSIBLE / "inventories" / cluster / "group_vars" / "all" / "secrets.yml"
    wanted: list[dict[str, Any]] = yaml.safe_load(inventory.read_text())["secrets_wanted"]
    assert {(one["name"], key) for one in wanted for key in one["keys"]} == read_by(render_cluster(cluster))


def holds(file: Path, values: list[str]) -> bool:
    content = file.read_bytes()
    return any(value.encode() in content or base64.b64encode(value.encode()) in content for value in values)
