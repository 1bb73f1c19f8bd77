"""Backups and the drill as an operator runs them; kwok completes the jobs, and the test plays CloudNativePG."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from tests.ansible.conftest import MakePlayer, meanwhile, written
from tests.ansible.playing import Played, Player
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.definitions import definitions
from tests.cluster.control_plane.server import NEVER_READY
from tests.gitops.rendering import Document, render

NAMESPACE = "web-intelligence"
QUICK = {
    "backups_wait_pause": 1,
    "backups_wait_seconds": 60,
    "restore_drill_wait_pause": 1,
    "restore_drill_wait_seconds": 60,
}
BACKUP = ("postgresql.cnpg.io/v1", "Backup")
POSTGRES = ("postgresql.cnpg.io/v1", "Cluster", "postgres")
NOW = "2026-01-01T00:00:00Z"
JOBS = (("batch/v1", "Job"), ("batch/v1", "CronJob"))


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with staging's data in it, and nodes on which each job is complete at once."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(1)
        cluster.volumes(4)
        foundation = render("staging", "foundation")
        cluster.apply([*foundation, *render("staging", "data")])
        yield cluster


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster, "staging")


def jobs(cluster: Cluster, name: str, namespace: str = NAMESPACE) -> list[Document]:
    return [one for one in cluster.all("batch/v1", "Job", namespace) if one["metadata"]["name"].startswith(name)]


def backup(operator: Player, *options: str, **variables: object) -> Played:
    return operator.play("backups", *options, **QUICK, **variables)


def test_a_backup_is_taken_where_there_is_none_and_not_again(operator: Player, cluster: Cluster) -> None:
    before = written(cluster, *JOBS)
    rehearsed = backup(operator, "--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert rehearsed.changes() == ["cronjob : Start its job"]
    assert written(cluster, *JOBS) == before
    done = backup(operator)
    assert done.code == 0, done.text
    (made,) = jobs(cluster, "postgres-backup")
    assert made["status"]["succeeded"] == 1
    assert made["metadata"]["ownerReferences"][0]["name"] == "postgres-backup"
    assert "the one just taken" in done.told
    again = backup(operator)
    assert (again.code, again.changed) == (0, 0), again.text
    assert "hours old" in again.told
    forced = backup(operator, backups_now=True)
    assert (forced.code, forced.changed) == (0, 1), forced.text
    assert len(jobs(cluster, "postgres-backup")) == 2


def test_the_drill_is_run_and_its_failure_is_told(operator: Player, cluster: Cluster) -> None:
    done = operator.play("restore_drill", **QUICK)
    assert (done.code, done.changed) == (0, 1), done.text
    assert "was restored" in done.told
    cronjob = cluster.get("batch/v1", "CronJob", "restore-drill", "restore-drill")
    assert cronjob
    container = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    pod = {"containers": [{**container, "image": NEVER_READY}], "initContainers": None}
    never_ends = {"activeDeadlineSeconds": 1, "template": {"spec": pod}}
    patch = {"spec": {"jobTemplate": {"spec": never_ends}}}
    cluster.patch("batch/v1", "CronJob", "restore-drill", patch, namespace="restore-drill")
    failed = operator.play("restore_drill", **QUICK)
    assert failed.code == 2
    assert "in namespace restore-drill failed: Job was active longer than specified deadline" in failed.told
    assert "was restored" not in failed.told


@pytest.fixture(scope="module")
def replicated(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with production's data in it, whose operator is the test."""
    with start_control_plane(with_definitions=True, controllers=False) as cluster:
        # No manifest of ours is a Backup: the operator's installation brings the kind.
        cluster.apply([one for one in definitions() if one["metadata"]["name"] == "backups.postgresql.cnpg.io"])
        cluster.apply([*render("production", "foundation"), *render("production", "data")])
        yield cluster


def test_cloudnative_backups_are_asked_for_and_waited_for(player: MakePlayer, replicated: Cluster) -> None:
    operator = player(replicated, "production")
    silent = backup(operator)
    assert silent.code == 2
    assert "Cluster postgres archives no WAL: it has not said yet that it does." in silent.told
    archiving = {
        "type": "ContinuousArchiving",
        "status": "True",
        "reason": "Success",
        "message": "",
        "lastTransitionTime": NOW,
    }
    replicated.patch(*POSTGRES, {"status": {"conditions": [archiving]}}, namespace=NAMESPACE, subresource="status")
    with meanwhile(replicated, give({"phase": "failed", "error": "the bucket is full"})):
        failed = backup(operator)
    assert failed.code == 2
    assert "failed: the bucket is full" in failed.told
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with meanwhile(replicated, give({"phase": "completed", "stoppedAt": now})):
        done = backup(operator)
    assert (done.code, done.changed) == (0, 1), done.text
    (made,) = [one for one in replicated.all(*BACKUP, NAMESPACE) if one["status"]["phase"] == "completed"]
    assert made["spec"]["pluginConfiguration"]["name"] == "barman-cloud.cloudnative-pg.io"
    again = backup(operator)
    assert (again.code, again.changed) == (0, 0), again.text


def give(status: Document) -> Callable[[Cluster], bool]:
    """Give each new Backup this status, as CloudNativePG would in the end."""

    def act(cluster: Cluster) -> bool:
        new = [one for one in cluster.all(*BACKUP, NAMESPACE) if not one.get("status")]
        for one in new:
            name = one["metadata"]["name"]
            cluster.patch(*BACKUP, name, {"status": status}, namespace=NAMESPACE, subresource="status")
        return bool(new)

    return act


def test_a_database_that_nothing_backs_up_is_refused(
    player: MakePlayer, start_control_plane: StartControlPlane
) -> None:
    with start_control_plane(with_definitions=True, controllers=False) as cluster:
        refused = backup(player(cluster, "staging"))
        assert refused.code == 2
        assert "Nothing backs up the database of staging" in refused.told
        unwanted = backup(player(cluster, "staging"), backups_wanted=False)
        assert (unwanted.code, unwanted.changed) == (0, 0), unwanted.text
