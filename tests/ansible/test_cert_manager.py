"""Whether certificates are issued, and what is said where they are not.

What cert-manager would write, the test writes: nothing here proves that it would.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import Played, Player
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.definitions import definitions
from tests.gitops.rendering import Document, render

EDGE = "envoy-gateway-system"
CORE = "cert-manager.io/v1"
ACME = "acme.cert-manager.io/v1"
KINDS = ((CORE, "Issuer"), (CORE, "Certificate"), (CORE, "CertificateRequest"), (ACME, "Order"), (ACME, "Challenge"))
WHERE = {"kind": "Issuer", "name": "acme"}
REQUEST = "LS0tLS1CRUdJTg=="


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster without cert-manager."""
    with start_control_plane() as cluster:
        cluster.nodes(1)
        yield cluster


@pytest.fixture(scope="module")
def operator(player: MakePlayer, cluster: Cluster) -> Player:
    return player(cluster, "staging")


def look(operator: Player, *options: str, seconds: int = 2) -> Played:
    return operator.play("cert_manager", *options, cert_manager_wait_seconds=seconds, cert_manager_wait_pause=1)


def make(cluster: Cluster, one: Document, owner: Document | None = None, **status: Any) -> Document:
    """Apply an object and write its status, as cert-manager would."""
    if owner:
        reference = {key: owner[key] for key in ("apiVersion", "kind")}
        reference |= {key: owner["metadata"][key] for key in ("name", "uid")}
        one["metadata"]["ownerReferences"] = [reference]
    made = cluster.apply_one(one, force=True).object
    name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
    cluster.patch(one["apiVersion"], one["kind"], name, {"status": status}, namespace=namespace, subresource="status")
    return made


def ready(status: bool, message: str = "", reason: str = "Test") -> list[Document]:
    when = "2026-01-01T00:00:00Z"
    told = {"reason": reason, "message": message, "lastTransitionTime": when}
    return [{"type": "Ready", "status": str(status), **told}]


def moment(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(api_version: str, kind: str, name: str, spec: Document) -> Document:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": EDGE}, "spec": spec}


def certificate(name: str) -> Document:
    spec = {"secretName": name, "dnsNames": [f"{name}.example.org"], "issuerRef": WHERE}
    return document(CORE, "Certificate", name, spec)


def issuer() -> Document:
    [found] = [one for one in render("staging", "edge") if one["kind"] == "Issuer"]
    return found


def install(cluster: Cluster) -> None:
    """Have what cert-manager's chart brings: kinds, and a Deployment; its pods are kwok's."""
    cluster.apply(one for one in definitions() if one["spec"]["group"].endswith("cert-manager.io"))
    for name in ("cert-manager", EDGE):
        cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
    labels = {"app": "cert-manager"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "controller", "image": "cert-manager"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    metadata = {"name": "cert-manager", "namespace": "cert-manager"}
    cluster.apply([{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}])


def well(cluster: Cluster) -> None:
    """Everything issued."""
    make(cluster, issuer(), conditions=ready(True))
    for name in ("api", "app"):
        make(cluster, certificate(name), conditions=ready(True), notAfter=moment(60), renewalTime=moment(30))


def unanswering_webhook() -> Document:
    hook = {
        "name": "webhook.cert-manager.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        "rules": [
            {
                "apiGroups": ["cert-manager.io"],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["issuers"],
            }
        ],
        "sideEffects": "None",
        "timeoutSeconds": 1,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "cert-manager-webhook"},
        "webhooks": [hook],
    }


def test_a_cluster_without_it_is_sent_to_bootstrap_and_one_with_it_is_looked_at(
    operator: Player, cluster: Cluster
) -> None:
    refused = look(operator)
    assert refused.code == 2
    assert "cert-manager's kinds are not in staging after 2 s" in refused.told
    assert "staging-cert-manager, or run playbooks/bootstrap.yml first" in refused.told
    rehearsed = look(operator, "--check", "--diff")
    assert (rehearsed.code, rehearsed.changed) == (0, 0), rehearsed.text
    assert "cert-manager is not in staging yet" in rehearsed.told

    install(cluster)
    well(cluster)
    before = written(cluster, *KINDS)
    for options in ((), ("--check", "--diff")):
        done = look(operator, *options, seconds=60)
        assert (done.code, done.changed) == (0, 0), done.text
        assert "2 certificates of staging are issued; the first is renewed on " in done.told
    assert written(cluster, *KINDS) == before


def test_each_certificate_that_is_not_issued_is_told_with_its_cause(operator: Player, cluster: Cluster) -> None:
    install(cluster)
    well(cluster)
    make(cluster, issuer(), conditions=ready(False, "Failed to register ACME account: invalid contact"))
    cluster.apply([unanswering_webhook()])

    api = make(cluster, certificate("api"), conditions=ready(False, "Issuing certificate as Secret does not exist"))
    request = document(CORE, "CertificateRequest", "api-1", {"issuerRef": WHERE, "request": REQUEST})
    request = make(cluster, request, api, conditions=ready(False, "Waiting on order", "Pending"))
    order = document(
        ACME, "Order", "api-1-1", {"issuerRef": WHERE, "request": REQUEST, "dnsNames": ["api.example.org"]}
    )
    order = make(cluster, order, request, state="pending")
    challenge = {
        "authorizationURL": "https://acme.example/authz/1",
        "url": "https://acme.example/challenge/1",
        "dnsName": "api.example.org",
        "issuerRef": WHERE,
        "key": "key",
        "token": "token",
        "type": "HTTP-01",
        "solver": {"http01": {}},
    }
    make(
        cluster,
        document(ACME, "Challenge", "api-1-1-1", challenge),
        order,
        state="pending",
        reason="wrong status code '404', expected '200'",
    )
    make(cluster, certificate("app"), conditions=ready(True), notAfter=moment(10), renewalTime=moment(-20))
    before = written(cluster, *KINDS)
    try:
        done = look(operator)
    finally:
        cluster.delete("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "cert-manager-webhook")
    assert done.code == 2
    assert done.failures() == ["cert_manager : Issued | Tell all problems"]
    wanted = f"{EDGE}/api (api.example.org) is not issued: Challenge {EDGE}/api-1-1-1 (HTTP-01 for api.example.org)"
    overdue = f"{EDGE}/app ends on {moment(10)[:10]} and was to be renewed on {moment(-20)[:10]}"
    for problem in (
        "The webhook of cert-manager refuses everything: ",
        f"Issuer {EDGE}/acme is not ready: Failed to register ACME account: invalid contact",
        f"Certificate {wanted} is pending: wrong status code '404', expected '200' Does api.example.org point at",
        f"Certificate {overdue}: cert-manager does not see to it.",
    ):
        assert problem in done.told
    assert written(cluster, *KINDS) == before
