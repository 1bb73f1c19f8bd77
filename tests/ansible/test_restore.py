"""Restoring as an operator does; the test plays the commit that Argo CD takes over, PostgreSQL and CloudNativePG.

What the server's scripts restore is shown with a real PostgreSQL in tests/backups.
"""

import copy
import time

import pytest
import yaml

from tests.ansible.conftest import MakePlayer, meanwhile, written
from tests.ansible.playing import Played, Player
from tests.ansible.refusing import REFUSAL, refusing
from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.server import NEVER_READY
from tests.gitops.rendering import Document, render

NAMESPACE = "web-intelligence"
SERVER = ("apps/v1", "StatefulSet", "postgres")
CLAIM = ("v1", "PersistentVolumeClaim", "data-postgres-0")
POSTGRES = ("postgresql.cnpg.io/v1", "Cluster", "postgres")
MEMORY = ("v1", "ConfigMap", "webintel-restore")
WHEN = "2026-11-20T09:30:00Z"
QUICK = {"restore_wait_pause": 1, "restore_wait_seconds": 90}
KINDS = (CLAIM[:2], SERVER[:2], ("v1", "ConfigMap"), ("v1", "PersistentVolume"))


@pytest.fixture(scope="module")
def cluster(staging_data: Cluster) -> Cluster:
    staging_data.wait_until(lambda: ready(staging_data), "the database runs", 60)
    return staging_data


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster, "staging")


def restore(operator: Player, *options: str, **variables: object) -> Played:
    return operator.play("restore", *options, **QUICK, **variables)


def ready(cluster: Cluster) -> bool:
    server = cluster.get(*SERVER, NAMESPACE)
    return bool(server and server["status"].get("readyReplicas") == 1)


def uid(cluster: Cluster, kind: tuple[str, str, str]) -> str:
    found = cluster.get(*kind, NAMESPACE)
    return found["metadata"]["uid"] if found and not found["metadata"].get("deletionTimestamp") else ""


def commit(cluster: Cluster, *, starts: bool, **settings: str) -> None:
    """What Argo CD applies after the commit; on a volume of another archive the server does not start."""
    documents = copy.deepcopy(render("staging", "data"))
    (server,) = [one for one in documents if one["kind"] == "StatefulSet" and one["metadata"]["name"] == "postgres"]
    spec = server["spec"]["template"]["spec"]
    (config,) = [one for one in documents if one["metadata"]["name"].startswith("postgres-backup-")]
    former = config["metadata"]["name"]
    config["data"] |= settings
    config["metadata"]["name"] = f"postgres-backup-{settings['BACKUP_SERVER'].replace('-', '')}"
    for container in (*spec["initContainers"], *spec["containers"]):
        for source in container.get("envFrom", []):
            if source["configMapRef"]["name"] == former:
                source["configMapRef"]["name"] = config["metadata"]["name"]
        if container["name"] == "postgres" and not starts:
            container["image"] = NEVER_READY
    cluster.apply([config, server], force=True)


def test_what_cannot_be_meant_is_refused_before_anything_is_looked_at(operator: Player) -> None:
    refused = restore(operator, restore_time="yesterday", restore_archive="Not/A/Name")
    assert refused.code == 2
    assert "restore_time is yesterday: not a moment in the past, in UTC" in refused.told
    assert "restore_archive is Not/A/Name" in refused.told
    future = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    assert f"restore_time is {future}: not a moment in the past" in restore(operator, restore_time=future).told


def test_a_database_comes_back_on_a_new_volume_once_git_says_so(operator: Player, cluster: Cluster) -> None:
    lost = uid(cluster, CLAIM)
    (volume,) = [one for one in cluster.all("v1", "PersistentVolume") if claimed(one)]
    before = written(cluster, *KINDS)
    asked = restore(operator, restore_time=WHEN, restore_confirm="staging")
    assert asked.code == 2
    assert "Nothing was changed." in asked.told
    said = settings_in(asked)
    assert said == {"databaseArchive": "postgres-2", "restoreFrom": "postgres", "restoreTime": WHEN}
    assert written(cluster, *KINDS) == before

    wanted = {"BACKUP_SERVER": "postgres-2", "RESTORE_FROM": "postgres", "RESTORE_TIME": WHEN}
    commit(cluster, starts=False, **wanted)
    cluster.wait_until(lambda: not ready(cluster), "the server that may not start stops")
    unconfirmed = restore(operator, restore_time=WHEN)
    assert unconfirmed.code == 2
    assert "run this again with: -e restore_confirm=staging" in unconfirmed.told
    assert uid(cluster, CLAIM) == lost
    rehearsed = restore(operator, "--check", "--diff", restore_time=WHEN)
    assert rehearsed.code == 0, rehearsed.text
    assert "Would restore: the database of staging" in rehearsed.told
    assert "restore : Replace | Give the claims up" in rehearsed.changes()
    assert uid(cluster, CLAIM) == lost

    with refusing(cluster, "DELETE", "persistentvolumeclaims"):
        refused = restore(operator, restore_time=WHEN, restore_confirm="staging")
    assert refused.failures() == ["restore : Replace | Give the claims up"]
    assert REFUSAL in refused.told
    assert uid(cluster, CLAIM) == lost
    # Killed as soon as the old volume is gone, with the new one not yet whole.
    killed = operator.interrupt(
        "restore", lambda: uid(cluster, CLAIM) not in (lost, ""), restore_confirm="staging", **QUICK
    )
    assert killed.code != 0
    made = uid(cluster, CLAIM)
    assert made not in (lost, "")
    kept = cluster.get("v1", "PersistentVolume", volume["metadata"]["name"])
    assert kept
    assert kept["spec"]["persistentVolumeReclaimPolicy"] == "Retain"

    def recover(other: Cluster) -> bool:
        commit(other, starts=True, **wanted)
        other.delete("v1", "Pod", "postgres-0", NAMESPACE)
        return True

    with meanwhile(cluster, recover):
        done = restore(operator, restore_confirm="staging")
    assert done.code == 0, done.text
    assert uid(cluster, CLAIM) == made, "a volume that is being restored was taken for the lost one"
    assert f"from\narchive postgres up to {WHEN}; it archives as postgres-2" in done.told
    for options in ((), ("--check", "--diff")):
        again = restore(operator, *options, restore_time=WHEN, restore_confirm="staging")
        assert (again.code, again.changed) == (0, 0), again.text
    assert uid(cluster, CLAIM) == made

    more = restore(operator, restore_archive="postgres-3", restore_confirm="staging")
    assert more.code == 2
    assert settings_in(more) == {"databaseArchive": "postgres-3", "restoreFrom": "postgres-2", "restoreTime": ""}


def claimed(volume: Document) -> bool:
    return (volume["spec"].get("claimRef") or {}).get("name") == CLAIM[2]


def settings_in(played: Played) -> dict[str, str]:
    """The settings that the operator is told to commit."""
    lines = [line for line in played.told.splitlines() if line.startswith(("  database", "  restore"))]
    return dict(yaml.safe_load("\n".join(lines)))


def test_a_cloudnative_cluster_is_stopped_before_the_commit_and_made_anew_after_it(
    player: MakePlayer, production_data: Cluster
) -> None:
    operator = player(production_data, "production")
    become_whole(production_data)
    old = uid(production_data, POSTGRES)
    careful = restore(operator, restore_time=WHEN)
    assert careful.code == 2
    assert "Nothing was changed." in careful.told
    stopped = restore(operator, restore_time=WHEN, restore_confirm="production")
    assert stopped.code == 2
    assert "The database is stopped, and nothing was deleted" in stopped.told
    found = production_data.get(*POSTGRES, NAMESPACE)
    assert found
    assert found["metadata"]["annotations"]["cnpg.io/hibernation"] == "on"
    assert settings_in(stopped) == {"databaseArchive": "postgres-2"}
    patch = patch_in(stopped)
    recovery = patch["spec"]["bootstrap"]["recovery"]
    (source,) = [one for one in patch["spec"]["externalClusters"] if one["name"] == recovery["source"]]
    assert source["plugin"]["parameters"] == {"barmanObjectName": "production", "serverName": "postgres"}
    assert recovery["recoveryTarget"] == {"targetTime": WHEN}

    wanted = committed(patch)
    production_data.patch(*POSTGRES, {"spec": wanted["spec"]}, namespace=NAMESPACE)

    def make_anew(other: Cluster) -> bool:
        if other.get(*POSTGRES, NAMESPACE):
            return False
        other.apply([wanted], force=True)
        become_whole(other)
        return True

    with meanwhile(production_data, make_anew):
        done = restore(operator, restore_confirm="production")
    assert done.code == 0, done.text
    assert uid(production_data, POSTGRES) not in (old, "")
    again = restore(operator, restore_time=WHEN)
    assert (again.code, again.changed) == (0, 0), again.text


def test_an_archive_that_a_running_cluster_was_given_is_not_restored_into(
    player: MakePlayer, kinds_only: Cluster
) -> None:
    operator = player(kinds_only, "production")
    nothing = restore(operator)
    assert nothing.code == 2
    assert "there is no database with an archive" in nothing.told
    external = [{"name": "lost", "plugin": plugin("postgres")}]
    spec = {"bootstrap": {"initdb": None, "recovery": {"source": "lost"}}, "externalClusters": external}
    wanted = committed({"spec": spec})
    kinds_only.apply([*render("production", "foundation"), wanted])
    refused = restore(operator, restore_confirm="production")
    assert refused.code == 2
    assert "Git names the archive postgres-2, and the database that is to be replaced was not stopped" in refused.told
    assert "-e restore_archive=postgres-3" in refused.told
    asked = restore(operator, restore_archive="postgres-3")
    assert asked.code == 2


def plugin(server: str) -> Document:
    parameters = {"barmanObjectName": "production", "serverName": server}
    return {"name": "barman-cloud.cloudnative-pg.io", "parameters": parameters}


def committed(patch: Document) -> Document:
    """Production's Cluster with what the operator was told to commit."""
    (one,) = [each for each in copy.deepcopy(render("production", "data")) if each["kind"] == "Cluster"]
    one["spec"]["plugins"][0]["parameters"]["serverName"] = "postgres-2"
    one["spec"]["externalClusters"] = patch["spec"]["externalClusters"]
    one["spec"]["bootstrap"] = {"recovery": patch["spec"]["bootstrap"]["recovery"]}
    return one


def become_whole(cluster: Cluster) -> None:
    cluster.patch(*POSTGRES, {"status": {"readyInstances": 3}}, namespace=NAMESPACE, subresource="status")


def patch_in(played: Played) -> Document:
    """The patch that the operator is told to commit."""
    told = played.told
    start = told.index("  apiVersion: postgresql.cnpg.io/v1")
    text = told[start : told.index("A region that follows")]
    return dict(yaml.safe_load(text))
