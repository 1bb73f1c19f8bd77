"""Writes the status that operators would write, for their charts need the internet.

It proves nothing about the operators, nor that they would accept what is asked of them: only that Argo CD, which waits
for such a status, goes on when it comes.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document

PAUSE = 1.0
Status = dict[str, Any]


def _condition(*types: str) -> list[Status]:
    fixed = {"status": "True", "reason": "StandIn", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return [{"type": one, **fixed} for one in types]


def _ready(_: Document) -> Status:
    return {"conditions": _condition("Ready")}


def _issued(_: Document) -> Status:
    end, renewal = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (60, 30))
    return {"conditions": _condition("Ready"), "notAfter": end, "renewalTime": renewal}


def _accepted(_: Document) -> Status:
    return {"conditions": _condition("Accepted", "Programmed")}


def _route(route: Document) -> Status:
    return {
        "parents": [
            {
                "parentRef": parent,
                "controllerName": "test/stand-in",
                "conditions": _condition("Accepted", "ResolvedRefs"),
            }
            for parent in route["spec"]["parentRefs"]
        ]
    }


def _policy(policy: Document) -> Status:
    targets = policy["spec"].get("targetRefs") or [policy["spec"]["targetRef"]]
    return {
        "ancestors": [
            {
                "ancestorRef": {key: target[key] for key in ("group", "kind", "name")},
                "controllerName": "test/stand-in",
                "conditions": _condition("Accepted"),
            }
            for target in targets
        ]
    }


STATUS: dict[tuple[str, str], Callable[[Document], Status]] = {
    ("external-secrets.io/v1", "ClusterSecretStore"): _ready,
    ("external-secrets.io/v1", "ExternalSecret"): _ready,
    ("keda.sh/v1alpha1", "ScaledObject"): _ready,
    ("cert-manager.io/v1", "ClusterIssuer"): _ready,
    ("cert-manager.io/v1", "Issuer"): _ready,
    ("cert-manager.io/v1", "Certificate"): _issued,
    ("gateway.networking.k8s.io/v1", "GatewayClass"): _accepted,
    ("gateway.networking.k8s.io/v1", "Gateway"): _accepted,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _route,
    ("gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy"): _policy,
    ("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy"): _policy,
    ("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy"): _policy,
}


class Operators:
    """Stands in for the operators while the block runs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        # Those of the kinds that some cluster of ours uses.
        self._known = {kind: status for kind, status in STATUS.items() if self._serves(*kind)}
        self._written: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            for (api_version, kind), status in self._known.items():
                for item in self._cluster.all(api_version, kind):
                    self._write(item, status(item))

    def _serves(self, api_version: str, kind: str) -> bool:
        try:
            return self._cluster.resource(api_version, kind) is not None
        except ResourceNotFoundError:
            return False

    def _write(self, item: Document, status: Status) -> None:
        metadata = item["metadata"]
        if self._written.get(metadata["uid"]) == metadata["generation"]:
            return
        kind, name, namespace = item["kind"], metadata["name"], metadata.get("namespace")
        with suppress(NotFoundError):
            self._cluster.patch(
                item["apiVersion"], kind, name, {"status": status}, namespace=namespace, subresource="status"
            )
            self._written[metadata["uid"]] = metadata["generation"]
