"""What is not in order about objects of the cluster, each in a sentence that says where to look."""

from datetime import UTC, datetime, timedelta


def unwell(objects, cluster, certificate_days=14):
    """The problems of Applications of a cluster, Deployments, autoscalers and certificates, as sentences."""
    problems = []
    for one in objects:
        judge = JUDGES[one["kind"]]
        problems += judge(one, cluster, certificate_days)
    return problems


def application(one, cluster, _):
    """Those of this cluster, and the root that makes them. Argo CD itself is synced by hand."""
    name, status = one["metadata"]["name"], one.get("status") or {}
    if name != "root" and one["spec"]["destination"].get("name") != cluster:
        return []
    sync = (status.get("sync") or {}).get("status", "not compared yet")
    health = (status.get("health") or {}).get("status", "unknown")
    if (sync, health) == ("Synced", "Healthy"):
        return []
    said = [condition["message"] for condition in status.get("conditions") or []]
    said.append((status.get("operationState") or {}).get("message", ""))
    return [f"Application {name} is {sync} and {health}: {' '.join(filter(None, said)) or 'it does not say why.'}"]


def deployment(one, *_):
    """Every pod that is wanted is available."""
    wanted, available = one["spec"].get("replicas", 1), (one.get("status") or {}).get("availableReplicas", 0)
    if available >= wanted:
        return []
    said = [text for kind, status, text in conditions(one) if (kind, status) != ("Available", "True")]
    return [f"Deployment {place(one)} has {available} of {wanted} pods: {' '.join(said)}"]


def autoscaler(one, *_):
    """It reads its metrics, without which it leaves the number as it is."""
    state = {kind: (status, text) for kind, status, text in conditions(one)}
    status, text = state.get("ScalingActive", ("Unknown", "it has not looked yet."))
    # With no pod at all there is nothing to measure, and that is meant.
    if status == "True" or "scaling is disabled since the replica count" in text:
        return []
    return [f"HorizontalPodAutoscaler {place(one)} does not scale: {text} Does metrics-server answer?"]


def certificate(one, _, days):
    """It is issued, and was renewed in time."""
    state = {kind: (status, text) for kind, status, text in conditions(one)}
    status, text = state.get("Ready", ("Unknown", "cert-manager has not looked at it yet."))
    if status != "True":
        return [f"Certificate {place(one)} is not issued: {text}"]
    end = datetime.strptime(one["status"]["notAfter"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if end - datetime.now(UTC) < timedelta(days=days):
        return [f"Certificate {place(one)} ends on {end:%Y-%m-%d}: it should have been renewed. Look at its Order."]
    return []


def conditions(one):
    """Type, status and message of each condition."""
    found = (one.get("status") or {}).get("conditions") or []
    return [(each["type"], each["status"], each.get("message", "")) for each in found]


def place(one):
    """Namespace and name."""
    return f"{one['metadata'].get('namespace', '')}/{one['metadata']['name']}"


JUDGES = {
    "Application": application,
    "Deployment": deployment,
    "HorizontalPodAutoscaler": autoscaler,
    "Certificate": certificate,
}


class FilterModule:
    """For Ansible."""

    def filters(self):
        """The filter `unwell`."""
        return {"unwell": unwell}
