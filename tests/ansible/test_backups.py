"""Backups and the drill as an operator runs them; kwok completes the jobs, and the test plays CloudNativePG."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.ansible.conftest import MakePlayer, meanwhile, written
from tests.ansible.playing import Played, Player
from tests.ansible.refusing import REFUSAL, refusing
from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.server import NEVER_READY
from tests.gitops.rendering import Document

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
def cluster(staging_data: Cluster) -> Cluster:
    return staging_data


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
    with refusing(cluster, "CREATE", "jobs", group="batch"):
        refused = backup(operator)
    assert refused.failures() == ["cronjob : Start its job"]
    assert REFUSAL in refused.told
    done = backup(operator)
    assert done.code == 0, done.text
    (made,) = jobs(cluster, "postgres-backup")
    assert made["status"]["succeeded"] == 1
    assert made["metadata"]["ownerReferences"][0]["name"] == "postgres-backup"
    assert "the one just taken" in done.told
    # What is played by its tag alone is played whole.
    for options in (("--tags", "backups"), ("--check", "--diff")):
        again = backup(operator, *options)
        assert (again.code, again.changed) == (0, 0), again.text
        assert "hours old" in again.told
    forced = backup(operator, backups_now=True)
    assert (forced.code, forced.changed) == (0, 1), forced.text
    assert len(jobs(cluster, "postgres-backup")) == 2


def test_the_drill_is_run_and_its_failure_is_told(operator: Player, cluster: Cluster) -> None:
    before = written(cluster, *JOBS)
    rehearsed = operator.play("restore_drill", "--check", "--diff", **QUICK)
    assert (rehearsed.code, rehearsed.changes()) == (0, ["cronjob : Start its job"]), rehearsed.text
    assert "was restored" not in rehearsed.told
    assert written(cluster, *JOBS) == before
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


def test_cloudnative_backups_are_asked_for_and_waited_for(player: MakePlayer, production_data: Cluster) -> None:
    operator = player(production_data, "production")
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
    production_data.patch(*POSTGRES, {"status": {"conditions": [archiving]}}, namespace=NAMESPACE, subresource="status")
    with meanwhile(production_data, give({"phase": "failed", "error": "the bucket is full"})):
        failed = backup(operator)
    assert failed.code == 2
    assert "failed: the bucket is full" in failed.told
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with meanwhile(production_data, give({"phase": "completed", "stoppedAt": now})):
        done = backup(operator)
    assert (done.code, done.changed) == (0, 1), done.text
    (made,) = [one for one in production_data.all(*BACKUP, NAMESPACE) if one["status"]["phase"] == "completed"]
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


def test_a_database_that_nothing_backs_up_or_drills_is_refused(player: MakePlayer, kinds_only: Cluster) -> None:
    operator = player(kinds_only, "staging")
    refused = backup(operator)
    assert refused.code == 2
    assert "Nothing backs up the database of staging" in refused.told
    unwanted = backup(operator, backups_wanted=False)
    assert (unwanted.code, unwanted.changed) == (0, 0), unwanted.text
    undrilled = operator.play("restore_drill", **QUICK)
    assert undrilled.code == 2
    assert "There is no CronJob restore-drill in namespace restore-drill of staging" in undrilled.told
