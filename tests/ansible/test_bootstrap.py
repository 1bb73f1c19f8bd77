"""From an empty cluster to the real Argo CD at work, as an operator does it; pods are kwok's, Argo CD is real."""

import base64
import json
from dataclasses import replace
from pathlib import Path

from kubernetes import client

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.own_hub import FORM, OwnHub, site
from tests.ansible.playing import Played
from tests.cluster.argocd.conftest import argocd_programs
from tests.cluster.argocd.hub import Hub, conditions, operation, status
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document

__all__ = ["argocd_programs", "site"]

KINDS = (
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("v1", "ConfigMap"),
    ("apps/v1", "Deployment"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)
REPOSITORY_TOKEN = "token-of-a-private-repository"
WORKLOADS = "gitops/clusters/local/workloads/kustomization.yaml"
WITHIN = 180
ADMISSION = "admissionregistration.k8s.io/v1"
POLICY = "ValidatingAdmissionPolicy"
REFUSAL = "the repo server is not for here"


def bootstrap(site: OwnHub, *options: str, **variables: object) -> Played:
    done = site.play("bootstrap", *options, bootstrap_repository_password=REPOSITORY_TOKEN, **variables)
    assert REPOSITORY_TOKEN not in done.text
    return done


def test_from_nothing_to_argo_cd_at_work(site: OwnHub, argocd_programs: dict[str, Path], tmp_path: Path) -> None:
    before = set(written(site.cluster, *KINDS))
    rehearsed = bootstrap(site, "--check", "--diff")
    assert (rehearsed.code, rehearsed.changed) == (0, 2), rehearsed.text
    assert "and register local" in rehearsed.told
    assert set(written(site.cluster, *KINDS)) == before

    refuse(site.cluster, "argocd-repo-server")
    refused = bootstrap(site)
    assert refused.failures() == ["bootstrap : Hand_over | Apply Argo CD"]
    assert REFUSAL in refused.told
    allow(site.cluster)

    killed = site.operator.interrupt(
        "bootstrap", lambda: site.cluster.get("v1", "Secret", "local", "argocd"), **site.variables()
    )
    assert killed.code != 0

    alone = bootstrap(site, bootstrap_wait_seconds=10)
    assert alone.failures() == ["bootstrap : Hand_over | Tell why it is not"]
    assert "Application root is not looked at yet" in alone.told
    assert f"Argo CD reads {site.repository.url}" in alone.told

    workloads = site.repository.read(WORKLOADS)
    site.repository.write(WORKLOADS, "resources: [nowhere.yaml]\n")
    site.repository.commit("Forget a file")
    with site.argocd(argocd_programs, tmp_path / "argocd") as hub:
        hub.wait("a unit cannot be rendered", WITHIN, lambda: unrenderable(hub, "local-workloads"))
        hub.wait("the root is settled", WITHIN, lambda: hub.settled("root"))
        unwell = bootstrap(site, bootstrap_wait_seconds=3)
        assert unwell.failures() == ["bootstrap : Applications | Tell which are not, and why"]
        assert "Application local-workloads is Unknown and " in unwell.told
        assert "nowhere.yaml" in unwell.told

        site.repository.write(WORKLOADS, workloads)
        site.repository.commit("Remember it")
        # Secrets come from nowhere here, and what needs them waits.
        done = bootstrap(site, bootstrap_applications_later=["edge", "secrets", "data", "workloads"])
        assert (done.code, done.changes()) == (0, []), done.told
        take_over(site, hub)
        again = bootstrap(site, bootstrap_applications=False)
        assert (again.code, again.changes()) == (0, [])
    live = written(site.cluster, *KINDS)
    rehearsed = bootstrap(site, "--check", "--diff")
    assert (rehearsed.code, rehearsed.changes()) == (0, [])
    assert written(site.cluster, *KINDS) == live


def unrenderable(hub: Hub, name: str) -> bool:
    return "ComparisonError" in conditions(hub.application(name))


def take_over(site: OwnHub, hub: Hub) -> None:
    """Argo CD keeps itself from here on: no conflict over what was applied for it, in the form that was installed."""
    assert hub.application("argocd")["spec"]["source"]["path"] == FORM
    site.cluster.apply(site.installation(), field_manager="argocd-controller", force=False)
    sync = {"initiatedBy": {"username": "operator"}, "sync": {"syncOptions": ["ServerSideApply=true"]}}
    body = {"operation": sync}
    site.cluster.patch("argoproj.io/v1alpha1", "Application", "argocd", body, namespace="argocd")

    def taken_over() -> bool:
        one = hub.application("argocd")
        assert one["status"].get("operationState", {}).get("phase") not in {"Failed", "Error"}, operation(one)
        return status(one) == ("Synced", "Healthy")

    hub.wait("Argo CD has taken itself over", WITHIN, taken_over)
    deployment = site.cluster.get("apps/v1", "Deployment", "argocd-repo-server", "argocd")
    assert deployment
    assert "argocd.argoproj.io/tracking-id" in deployment["metadata"]["annotations"]


def refuse(cluster: Cluster, name: str) -> None:
    """Have the cluster refuse a Deployment of this name."""
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    validation = {"expression": f"object.metadata.name != '{name}'", "message": REFUSAL}
    for kind, spec in (
        (POLICY, {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]}),
        (f"{POLICY}Binding", {"policyName": "refuse", "validationActions": ["Deny"]}),
    ):
        cluster.apply([{"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": "refuse"}, "spec": spec}])
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "one", "image": "none"}]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": pod}
    probe = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}

    def refused() -> bool:
        try:
            cluster.resource("apps/v1", "Deployment").create(body=probe, namespace="default", dry_run="All")
        except client.ApiException as error:
            return REFUSAL in str(error.body)
        return False

    cluster.wait_until(refused, "the policy is in force")


def allow(cluster: Cluster) -> None:
    for kind in (f"{POLICY}Binding", POLICY):
        cluster.delete(ADMISSION, kind, "refuse")


def decoded(secret: Document | None) -> dict[str, str]:
    assert secret
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_a_private_repository_is_read_with_what_the_vault_has(site: OwnHub) -> None:
    bootstrap(site, bootstrap_wait_seconds=10, bootstrap_applications=False)
    found = site.cluster.get("v1", "Secret", "repository", "argocd")
    wanted = {"type": "git", "url": site.repository.url, "username": "git", "password": REPOSITORY_TOKEN}
    assert decoded(found) == wanted
    assert found
    assert found["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}


def test_a_cluster_is_registered_with_another_hub(
    site: OwnHub, start_control_plane: StartControlPlane, player: MakePlayer, tmp_path: Path
) -> None:
    bootstrap(site, bootstrap_wait_seconds=10, bootstrap_applications=False)
    with start_control_plane() as cluster:
        staging = player(cluster, "staging")
        given = {"bootstrap_hub_kubeconfig": str(site.cluster.kubeconfig), "bootstrap_wait_pause": 1}
        refused = staging.play("bootstrap", **{**given, "bootstrap_hub_kubeconfig": str(cluster.kubeconfig)})
        assert refused.failures() == ["bootstrap : Register | Refuse a hub without it"]
        before = [written(one, *KINDS[:5]) for one in (cluster, site.cluster)]
        rehearsed = staging.play("bootstrap", "--check", "--diff", **given)
        assert (rehearsed.code, rehearsed.changed) == (0, 2), rehearsed.text
        assert [written(one, *KINDS[:5]) for one in (cluster, site.cluster)] == before

        alone = staging.play("bootstrap", **given, bootstrap_wait_seconds=5)
        assert alone.failures() == ["bootstrap : Applications | Refuse a cluster that has none"]
        registered = site.cluster.get("v1", "Secret", "staging", "argocd")
        assert registered
        assert registered["metadata"]["labels"]["webintel.io/environment"] == "staging"
        assert registered["metadata"]["labels"]["webintel.io/region"] == "us-east"
        token = admitted(decoded(registered), tmp_path / "ca.crt")
        again = staging.play("bootstrap", "--diff", **given, bootstrap_applications=False)
        assert (again.code, again.changes()) == (0, [])
        assert token not in alone.text + again.text
        # Nothing but the account: Argo CD is elsewhere.
        assert cluster.get("v1", "Namespace", "argocd") is None


def admitted(registration: dict[str, str], authority: Path) -> str:
    """The token by which the hub comes in; it may do everything there."""
    access = json.loads(registration["config"])
    authority.write_bytes(base64.b64decode(access["tlsClientConfig"]["caData"]))
    settings = client.Configuration(host=registration["server"])
    settings.ssl_ca_cert = str(authority)
    everything = client.V1ResourceAttributes(group="*", resource="*", verb="*")
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=everything))
    with client.ApiClient(settings, "authorization", f"Bearer {access['bearerToken']}") as api:
        assert client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed
    return str(access["bearerToken"])


def test_a_machine_that_renders_nothing_is_told_what_to_install(site: OwnHub, tmp_path: Path) -> None:
    for program in Path("/usr/bin").iterdir():
        if program.name not in {"kubectl", "kustomize"}:
            (tmp_path / program.name).symlink_to(program)
    bare = replace(site.operator, path=str(tmp_path))
    refused = bare.play("bootstrap", **{**site.variables(), "bootstrap_kustomize": str(tmp_path / "nothing")})
    assert refused.code == 2
    assert refused.failures() == ["preflight : Tell all problems"]
    assert "Neither kustomize nor kubectl is on this machine" in refused.told
