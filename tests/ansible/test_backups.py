"""Backups and the drill as an operator runs them; kwok completes the jobs, and the test plays CloudNativePG."""

from collections.abc import Iterator

import pytest

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import Played, Player
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document, render

NAMESPACE = "web-intelligence"
QUICK = {
    "backups_wait_pause": 1,
    "backups_wait_seconds": 60,
    "restore_drill_wait_pause": 1,
    "restore_drill_wait_seconds": 60,
}
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
