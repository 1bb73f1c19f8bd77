"""The cluster that Argo CD runs in: asks what became of its applications, and says how things stand where it waits."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kubernetes.client import ApiException

from tests.cluster.argocd.server import ArgoCD
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document

API = "argoproj.io/v1alpha1"
NAMESPACE = "argocd"
PAUSE = 0.3


class Hub:
    """Reads and waits; `cluster` is for what a person would do by hand."""

    def __init__(self, cluster: Cluster, argocd: ArgoCD) -> None:
        self.cluster = cluster
        self._argocd = argocd

    def applications(self) -> dict[str, Document]:
        return {one["metadata"]["name"]: one for one in self.cluster.all(API, "Application", NAMESPACE)}

    def application(self, name: str) -> Document:
        """One application, an empty one where there is none."""
        return self.cluster.get(API, "Application", name, NAMESPACE) or {}

    def look_for_folders(self) -> None:
        """Have the application sets look into git, as a webhook of the code host would."""
        asked = {"metadata": {"annotations": {"argocd.argoproj.io/application-set-refresh": "true"}}}
        for one in self.cluster.all(API, "ApplicationSet", NAMESPACE):
            self.cluster.patch(API, "ApplicationSet", one["metadata"]["name"], asked, namespace=NAMESPACE)

    def approve_deletion(self, name: str) -> None:
        """What the button in the UI does."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        approval = {"metadata": {"annotations": {"argocd.argoproj.io/deletion-approved": now}}}
        self.cluster.patch(API, "Application", name, approval, namespace=NAMESPACE)

    def let_go(self, name: str) -> None:
        """Have an application go without what it made."""
        self.cluster.patch(API, "Application", name, {"metadata": {"finalizers": None}}, namespace=NAMESPACE)

    def wait(self, what: str, seconds: float, reached: Callable[[], object]) -> float:
        """Wait until it is so; how many seconds it took. Where it is not so in time, say how things stand."""
        start = time.monotonic()
        while True:
            try:
                if reached():
                    return time.monotonic() - start
            except ApiException as error:
                what = f"{what} (last: {error.reason})"
            if time.monotonic() - start > seconds:
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.state()}")
            time.sleep(PAUSE)

    def settled(self, *names: str, revision: str | None = None) -> bool:
        """Whether these applications are Synced and Healthy, at this revision if one is named."""
        known = self.applications()
        return all(
            name in known
            and status(known[name]) == ("Synced", "Healthy")
            and revision in {None, known[name]["status"]["sync"].get("revision")}
            for name in names
        )

    def state(self) -> str:
        return "\n".join([*map(describe, self.applications().values()), self._argocd.complaints()])


def status(application: Document) -> tuple[str, str]:
    """How an application is: synced, healthy."""
    told = application.get("status", {})
    return told.get("sync", {}).get("status", "-"), told.get("health", {}).get("status", "-")


def conditions(application: Document) -> dict[str, str]:
    """The messages of an application's conditions by type."""
    return {one["type"]: one["message"] for one in application.get("status", {}).get("conditions") or []}


def operation(application: Document) -> str:
    """What the last sync said."""
    message: str = application.get("status", {}).get("operationState", {}).get("message", "")
    return message


def describe(application: Document) -> str:
    """An application in a few lines: status, conditions, and what of it is not in order."""
    told: dict[str, Any] = application.get("status", {})
    health = told.get("health", {}).get("message", "")
    last = f"{told.get('operationState', {}).get('phase', 'no sync')} {operation(application)[:400]}"
    lines = [f"{application['metadata']['name']}: {' '.join(status(application))}, {last} {health}"]
    lines += [f"    {kind}: {message[:400]}" for kind, message in conditions(application).items()]
    lines += [
        f"    {one['kind']}/{one['name']}: {one.get('status', '-')}"
        for one in told.get("resources") or []
        if one.get("status") != "Synced"
    ]
    return "\n".join(lines)
