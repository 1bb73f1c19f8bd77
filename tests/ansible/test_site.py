"""All playbooks in order: a rehearsal on an empty cluster writes nothing, and what failed is taken up where it stopped.

Argo CD does not run here, so that the run ends where it would be waited for; test_bootstrap goes on from there.
"""

from tests.ansible.conftest import written
from tests.ansible.own_hub import OwnHub, site

__all__ = ["site"]

KINDS = (
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("apps/v1", "Deployment"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)


def test_all_of_it_is_rehearsed_begun_and_taken_up_again(site: OwnHub) -> None:
    before = written(site.cluster, *KINDS)
    rehearsed = site.play("site", "--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert set(written(site.cluster, *KINDS)) == set(before)

    begun = site.play("site", bootstrap_wait_seconds=5)
    assert begun.failures() == ["bootstrap : Hand_over | Tell why it is not"], begun.text
    assert any(name.startswith("secrets : ") for name in begun.changes())
    assert site.cluster.get("apps/v1", "Deployment", "argocd-server", "argocd")

    seeds = written(site.cluster, ("v1", "Secret"))
    again = site.play("site", bootstrap_wait_seconds=5)
    assert (again.failures(), again.changes()) == (["bootstrap : Hand_over | Tell why it is not"], [])
    assert written(site.cluster, ("v1", "Secret")) == seeds


def test_a_cluster_that_has_no_folder_is_told_which_there_are(site: OwnHub) -> None:
    refused = site.play("site", cluster_name="nowhere")
    assert refused.failures() == ["preflight : Tell all problems"]
    assert "Name one of local, production, production-eu, staging in group_vars/all/main.yml" in refused.told
