import pytest

from tests.gitops.cases import broken, names, right
from tests.gitops.policies import alerts, containers, data, images, isolation, pods, rollouts, scaling, secrecy
from tests.gitops.policies.objects import Document
from tests.gitops.rendering import ARGOCD, GITOPS, ROOT, load

PRODUCTION = ("production", "production-eu")

# What every cluster keeps ...
EVERYWHERE = (
    alerts.alerts_say_how_bad_it_is,
    alerts.alerts_say_what_to_do,
    containers.accounts_mount_no_token,
    containers.containers_state_what_they_need,
    containers.each_workload_has_its_own_account,
    containers.pods_hold_no_token,
    containers.root_file_systems_are_read_only,
    containers.scratch_space_is_bounded,
    data.backup_schedules_have_seconds,
    data.backups_are_daily_by_the_plugin,
    data.backups_are_kept_30_days,
    data.deletion_of_data_is_confirmed,
    images.foreign_images_have_a_full_version,
    images.images_are_pulled_once,
    images.our_image_has_a_digest,
    isolation.namespaces_deny_by_default,
    isolation.namespaces_enforce_pod_security,
    isolation.policies_name_peers_or_ports,
    isolation.the_internet_excludes_the_inside,
    isolation.workers_reach_only_what_they_need,
    pods.app_armor_stays_on,
    pods.containers_are_not_privileged,
    pods.containers_drop_all_capabilities,
    pods.nothing_runs_as_root,
    pods.pods_share_nothing_with_the_host,
    pods.privileges_do_not_grow,
    pods.probes_stay_with_their_pod,
    pods.proc_is_masked,
    pods.selinux_stays_with_containers,
    pods.sysctls_are_safe,
    pods.system_calls_are_filtered,
    pods.users_are_not_zero,
    pods.volumes_are_of_harmless_kinds,
    rollouts.jobs_come_to_an_end,
    rollouts.probes_have_their_own_endpoints,
    rollouts.replicas_spread_over_nodes,
    rollouts.rollouts_add_before_they_remove,
    rollouts.servers_wait_before_they_stop,
    scaling.autoscalers_keep_their_targets,
    scaling.autoscalers_rise_at_once_and_fall_slowly,
    scaling.budgets_leave_an_eviction,
    scaling.one_scaler_for_each_workload,
    scaling.what_scales_has_a_budget,
    scaling.what_scales_has_no_replicas,
    secrecy.no_secret_carries_data,
    secrecy.no_setting_is_a_secret,
    secrecy.no_text_is_a_secret,
)
# ... and what a small cluster may have less of.
IN_PRODUCTION = (
    containers.servers_get_what_was_promised,
    scaling.autoscalers_keep_their_range,
    scaling.workers_follow_the_queue,
)
POLICIES = EVERYWHERE + IN_PRODUCTION


@pytest.mark.parametrize("policy", EVERYWHERE, ids=lambda policy: policy.__name__)
def test_every_cluster(policy, clusters: dict[str, list[Document]]) -> None:
    faults = [f"{cluster}: {fault}" for cluster, documents in clusters.items() for fault in policy(documents)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("policy", IN_PRODUCTION, ids=lambda policy: policy.__name__)
def test_production(policy, clusters: dict[str, list[Document]]) -> None:
    faults = [f"{cluster}: {fault}" for cluster in PRODUCTION for fault in policy(clusters[cluster])]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_the_bad_fixture_fails(policy) -> None:
    documents, expected = broken("invalid", policy.__name__)
    faults = policy(documents)
    assert sorted({fault.object for fault in faults}) == expected, [str(fault) for fault in faults]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_the_valid_fixture_passes(policy) -> None:
    assert [str(fault) for fault in policy(right())] == []


def test_each_policy_has_a_bad_fixture() -> None:
    assert names("invalid") == {policy.__name__ for policy in POLICIES}


@pytest.mark.parametrize("policy", [secrecy.no_secret_carries_data, secrecy.no_text_is_a_secret])
def test_sources_hold_no_secret(policy) -> None:
    """Also what no cluster renders."""
    faults = []
    for path in sorted([*GITOPS.rglob("*.yaml"), *ARGOCD.rglob("*.yaml")]):
        documents = [document for document in load(path.read_text("utf-8")) if isinstance(document, dict)]
        objects = [document for document in documents if "name" in document.get("metadata", {})]
        faults += [f"{path.relative_to(ROOT)}: {fault}" for fault in policy(objects)]
    assert not faults, "\n".join(faults)
