"""All playbooks in order, from an empty cluster to a platform that is well, with the real Argo CD.

It is rehearsed, refused, killed at each stage, and taken up again. Pods are kwok's: what operators, Prometheus and the
platform itself would do is played by stand-ins and by a `webintel up` beside the cluster. So this does not prove that
an image starts, a chart installs, an authority issues a certificate or a backup can be read: it proves that a playbook
waits for each of them, judges what they wrote, and leaves the rest alone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ansible.conftest import MakePlayer, decoded, written
from tests.ansible.own_hub import (
    CLUSTER,
    FORM,
    VAULT,
    OwnHub,
    have_what_operators_bring,
    repository_without_charts,
)
from tests.ansible.playing import Played
from tests.ansible.prometheus import prometheus
from tests.ansible.refusing import REFUSAL, refusing
from tests.ansible.webintel_up import Platform
from tests.cluster.argocd.conftest import argocd_programs
from tests.cluster.argocd.hub import Hub, conditions, operation, status
from tests.cluster.argocd.standins import Operators
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.metrics import Metrics

__all__ = ["argocd_programs"]

NAMESPACE, SEEDS = "web-intelligence", "platform-secrets"
KINDS = (
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)
WORKLOADS = f"gitops/clusters/{CLUSTER}/workloads/kustomization.yaml"
WITHIN = 300


@pytest.fixture
def site(
    start_control_plane: StartControlPlane,
    player: MakePlayer,
    platform: Platform,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OwnHub]:
    repository = repository_without_charts(tmp_path_factory.mktemp("own-hub") / "repository")
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(3, cpu="16", memory="32Gi")
        cluster.volumes(4)
        have_what_operators_bring(cluster)
        with (
            prometheus(cluster),
            Metrics(Cluster(cluster.kubeconfig, own=True), tmp_path_factory.mktemp("metrics")),
            Operators(Cluster(cluster.kubeconfig, own=True)),
        ):
            yield OwnHub(cluster, player(cluster, CLUSTER), repository, platform)


def test_from_an_empty_cluster_to_a_platform_that_is_well(
    site: OwnHub, argocd_programs: dict[str, Path], tmp_path: Path
) -> None:
    access = site.cluster.kubeconfig.read_bytes()
    rehearse(site)
    seeds = seed(site)
    hand_over(site)
    with site.argocd(argocd_programs, tmp_path / "argocd") as hub:
        come_to_an_end(site, hub)
        take_over(site, hub)
        again = site.site()
        assert (again.code, again.changes()) == (0, []), again.told
        assert "staging is well." in again.told
    live = written(site.cluster, *KINDS)
    rehearsed = site.site("--check", "--diff")
    assert (rehearsed.code, rehearsed.changes()) == (0, []), rehearsed.told
    assert written(site.cluster, *KINDS) == live
    assert seeds_of(site.cluster) == seeds
    assert site.cluster.kubeconfig.read_bytes() == access


def rehearse(site: OwnHub) -> None:
    """On an empty cluster: nothing is written, and it is told what would be."""
    before = set(written(site.cluster, *KINDS))
    rehearsed = site.site("--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert "Would write webintel, postgres" in rehearsed.told
    assert "and register staging" in rehearsed.told
    assert set(written(site.cluster, *KINDS)) == before


def seed(site: OwnHub) -> dict[str, dict[str, str]]:
    """Killed while seeds are written, and refused when Argo CD comes: what was generated stays as it is."""
    kill(site, lambda: site.cluster.get("v1", "Namespace", SEEDS))
    begun = seeds_of(site.cluster)
    with refusing(site.cluster, "CREATE", "deployments", "argocd-repo-server", group="apps"):
        refused = site.site()
    assert refused.failures() == ["bootstrap : Hand_over | Apply Argo CD"], refused.text
    assert REFUSAL in refused.told
    seeds = seeds_of(site.cluster)
    assert begun.items() <= seeds.items()
    assert set(seeds) == {"webintel", "postgres", "valkey", "backup-store", "pagerduty", "grafana"}
    return seeds


def hand_over(site: OwnHub) -> None:
    """Killed when Argo CD knows the cluster; then nobody looks at the root application."""
    kill(site, lambda: site.cluster.get("v1", "Secret", CLUSTER, "argocd"))
    alone = site.site(bootstrap_wait_seconds=5)
    assert alone.failures() == ["bootstrap : Hand_over | Tell why it is not"], alone.text
    assert "Application root is not looked at yet" in alone.told
    assert f"Argo CD reads {site.repository.url}" in alone.told
    assert decoded(site.cluster.get("v1", "Secret", "repository", "argocd")) == {
        "type": "git", "url": site.repository.url, "username": "git", "password": VAULT["vault_repository_password"],
    }  # fmt: skip


def come_to_an_end(site: OwnHub, hub: Hub) -> None:
    """A unit that cannot be rendered is told; once it is mended, killed during the backup, and then well."""
    workloads = site.repository.read(WORKLOADS)
    site.repository.write(WORKLOADS, "resources: [nowhere.yaml]\n")
    site.repository.commit("Forget a file")
    hub.wait("a unit cannot be rendered", WITHIN, lambda: unrenderable(hub, f"{CLUSTER}-workloads"))
    hub.wait("the root is settled", WITHIN, lambda: hub.settled("root"))
    unwell = site.site(bootstrap_wait_seconds=3)
    assert unwell.failures() == ["bootstrap : Applications | Tell which are not, and why"], unwell.text
    assert f"Application {CLUSTER}-workloads is Unknown and " in unwell.told
    assert "nowhere.yaml" in unwell.told

    site.repository.write(WORKLOADS, workloads)
    site.repository.commit("Remember it")
    kill(site, lambda: backups_by_hand(site.cluster))
    done = site.site()
    assert done.code == 0, f"{done.told}\n{hub.state()}"
    # The backup that nobody waited for may have come to its end meanwhile.
    assert set(done.changes()) <= {"cronjob : Start its job"}
    for words in ("certificates of staging are issued", "The newest base backup of staging", "staging is well."):
        assert words in done.told


def kill(site: OwnHub, when: Callable[[], object]) -> Played:
    killed = site.operator.interrupt("site", when, **site.variables())
    assert killed.code != 0
    assert site.secrets_in(killed) == []
    return killed


def backups_by_hand(cluster: Cluster) -> list[str]:
    jobs = [one["metadata"]["name"] for one in cluster.all("batch/v1", "Job", NAMESPACE)]
    return [name for name in jobs if name.startswith("postgres-backup-by-hand")]


def seeds_of(cluster: Cluster) -> dict[str, dict[str, str]]:
    return {one["metadata"]["name"]: decoded(one) for one in cluster.all("v1", "Secret", SEEDS)}


def unrenderable(hub: Hub, name: str) -> bool:
    return "ComparisonError" in conditions(hub.application(name))


def take_over(site: OwnHub, hub: Hub) -> None:
    """Argo CD keeps itself from here on: no conflict over what was applied for it, in the form that was installed."""
    assert hub.application("argocd")["spec"]["source"]["path"] == FORM
    site.cluster.apply(site.installation(), field_manager="argocd-controller", force=False)

    def sync() -> None:
        asked = {"initiatedBy": {"username": "operator"}, "sync": {"syncOptions": ["ServerSideApply=true"]}}
        body = {"operation": asked}
        site.cluster.patch("argoproj.io/v1alpha1", "Application", "argocd", body, namespace="argocd")

    def taken_over() -> bool:
        one = hub.application("argocd")
        phase = one["status"].get("operationState", {}).get("phase")
        assert phase != "Failed", operation(one)
        # On a machine that has too much to do, a comparison ends before it came to a result.
        if phase == "Error" and "operation" not in one:
            sync()
        return status(one) == ("Synced", "Healthy")

    sync()
    hub.wait("Argo CD has taken itself over", WITHIN, taken_over)
    deployment = site.cluster.get("apps/v1", "Deployment", "argocd-repo-server", "argocd")
    assert deployment
    assert "argocd.argoproj.io/tracking-id" in deployment["metadata"]["annotations"]
