"""The smoke test of a cluster finds what is wrong; that all is well, and a scan, test_site shows.

Prometheus, and the status that Argo CD and cert-manager write, are the test's own: that is what `verify` reads.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.ansible.conftest import MakePlayer
from tests.ansible.playing import Played, Player
from tests.ansible.prometheus import Prometheus, prometheus
from tests.ansible.webintel_up import Platform
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document, render
from webintel.demo.shop import DOMAIN

NAMESPACE = "web-intelligence"


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster in which everything is well."""
    with start_control_plane(with_definitions=True) as cluster:
        cluster.nodes(1)
        for name in ("argocd", "monitoring"):
            cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}], force=True)
        cluster.apply(render("staging", "foundation"), force=True)
        cluster.apply(web())
        for one in (application("staging-workloads"), application("production-workloads", cluster="production")):
            make(cluster, one)
        make(cluster, certificate(days=60))
        make(cluster, autoscaler(active=True))
        with prometheus(cluster):
            yield cluster


def make(cluster: Cluster, one: Document) -> None:
    """Apply an object and write its status, as its controller would."""
    cluster.apply([{key: value for key, value in one.items() if key != "status"}])
    metadata = one["metadata"]
    # Application's status is no subresource.
    part = "" if one["kind"] == "Application" else "status"
    body = {"status": one["status"]}
    cluster.patch(
        one["apiVersion"], one["kind"], metadata["name"], body, namespace=metadata["namespace"], subresource=part
    )


def application(name: str, *, health: str = "Healthy", cluster: str = "staging", message: str = "") -> Document:
    source = {"repoURL": "https://git.example/platform.git", "path": ".", "targetRevision": "main"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"project": "workloads", "source": source, "destination": {"name": cluster, "namespace": NAMESPACE}},
        "status": {
            "sync": {"status": "Synced"},
            "health": {"status": health},
            "conditions": [{"type": "SyncError", "message": message}] if message else [],
        },
    }


def certificate(*, days: int) -> Document:
    end = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "True", "message": "", "lastTransitionTime": end, "reason": "Ready"}
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "api", "namespace": NAMESPACE},
        "spec": {"secretName": "api-tls", "dnsNames": ["api.example"], "issuerRef": {"name": "public"}},
        "status": {"conditions": [ready], "notAfter": end},
    }


def web() -> list[Document]:
    """One workload, as git has it."""
    kinds = {"Deployment", "ServiceAccount"}
    return [one for one in render("staging", "workloads") if one["kind"] in kinds and one["metadata"]["name"] == "web"]


def autoscaler(*, active: bool) -> Document:
    """One of a kind that does not exist, so that no controller says whether it scales."""
    condition = {"type": "ScalingActive", "status": str(active), "message": "the metrics API is not available."}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "idle", "namespace": NAMESPACE},
        "spec": {
            "maxReplicas": 2,
            "scaleTargetRef": {"apiVersion": "webintel.io/v1", "kind": "Nothing", "name": "idle"},
        },
        "status": {"desiredReplicas": 1, "conditions": [condition]},
    }


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster, "staging")


def verify(operator: Player, platform: Platform, *options: str, **variables: object) -> Played:
    waits = {"verify_wait_seconds": 2, "verify_wait_pause": 1}
    return operator.play("verify", *options, **{**waits, **platform.verified(), **variables})


def test_every_problem_is_told_at_once(
    operator: Player, platform: Platform, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prometheus, "up", ("api", "web"))
    monkeypatch.setattr(Prometheus, "groups", ())
    make(cluster, application("staging-workloads", health="Degraded", message="no such image"))
    make(cluster, certificate(days=5))
    make(cluster, autoscaler(active=False))
    kind = ("apps/v1", "Deployment", "web")
    asked = {"spec": {"replicas": 200}}
    cluster.patch(*kind, asked, namespace=NAMESPACE)
    try:
        done = verify(operator, platform, verify_app_url="http://127.0.0.1:9")
    finally:
        cluster.patch(*kind, {"spec": {"replicas": 1}}, namespace=NAMESPACE)
        for one in (application("staging-workloads"), certificate(days=60), autoscaler(active=True)):
            make(cluster, one)
    assert done.code == 2
    assert done.failures() == ["verify : Tell all problems"]
    (told,) = [line for line in done.told.splitlines() if "is not well" in line]
    assert told == "staging is not well:"
    for problem in (
        "Application staging-workloads is Synced and Degraded: no such image",
        "Deployment web-intelligence/web has ",
        "HorizontalPodAutoscaler web-intelligence/idle does not scale: the metrics API is not available.",
        "Certificate web-intelligence/api ends on ",
        "Prometheus gets no metrics from worker",
        "Prometheus has not loaded our alerts",
        "http://127.0.0.1:9/health/ready is not ready",
    ):
        assert problem in done.told
    # What another cluster runs is another cluster's.
    assert "production" not in done.told


def test_an_account_that_may_not_sign_in_is_named_and_its_password_is_not(operator: Player, platform: Platform) -> None:
    done = verify(operator, platform, verify_domain=DOMAIN, verify_password="wrong-password-of-somebody")
    assert done.code == 2
    assert "admin@webintel.local may not sign in" in done.told
    assert "wrong-password-of-somebody" not in done.told
