"""What Argo CD has not taken over yet, and which applications of a cluster are not in order."""

TRACKED = "argocd.argoproj.io/tracking-id"
CLUSTER, UNIT = "webintel.io/cluster", "webintel.io/unit"
SETTLED = ("Synced", "Healthy")


def untracked(definitions, live):
    """Those of the definitions whose live object, if there is one, Argo CD does not track."""
    owned = {identity(one) for one in live if TRACKED in (one["metadata"].get("annotations") or {})}
    return [one for one in definitions if identity(one) not in owned]


def identity(one):
    """Kind and name; all of them are in one namespace."""
    return one["kind"], one["metadata"]["name"]


def of_cluster(applications, cluster, later=()):
    """The applications of a cluster: its units but for those of `later`, and its operators."""
    return [
        one
        for one in applications
        if (labels(one).get(CLUSTER) == cluster or one["spec"]["destination"].get("name") == cluster)
        and labels(one).get(UNIT) not in later
    ]


def unsettled(applications):
    """How those applications are that are not both Synced and Healthy, and why."""
    return [describe(one) for one in sorted(applications, key=identity) if state(one) != SETTLED]


def describe(one):
    """An application in a sentence: how it is, what it says, and what of it is not in order."""
    status = one.get("status") or {}
    said = [each["message"] for each in status.get("conditions") or []]
    said.append((status.get("operationState") or {}).get("message", ""))
    for part in status.get("resources") or []:
        health = part.get("health") or {}
        if health.get("status", "Healthy") not in {"Healthy", "Suspended"}:
            said.append(f"{part['kind']}/{part['name']} is {health['status']}: {health.get('message', '')}")
    why = " ".join(dict.fromkeys(filter(None, said)))
    why = why or "Argo CD does not say why: look at the log of argocd-application-controller in namespace argocd."
    sync, health = state(one)
    return f"Application {one['metadata']['name']} is {sync} and {health}: {why}"


def state(one):
    """Whether it is as in git, and whether it works."""
    status = one.get("status") or {}
    sync, health = ((status.get(part) or {}).get("status") for part in ("sync", "health"))
    return sync or "not looked at yet", health or "of unknown health"


def unavailable(workloads):
    """The Deployments and StatefulSets that have fewer pods than they want, with how many they have."""
    told = []
    for one in workloads:
        status, wanted = one.get("status") or {}, one["spec"].get("replicas", 1)
        ready = status.get("readyReplicas", 0)
        if ready < wanted or status.get("observedGeneration", 0) < one["metadata"]["generation"]:
            told.append(f"{one['kind']} {one['metadata']['name']} has {ready} of {wanted} pods")
    return told


def labels(one):
    """The labels of an object."""
    return one["metadata"].get("labels") or {}


class FilterModule:
    """For Ansible."""

    def filters(self):
        """All of them."""
        return {one.__name__: one for one in (untracked, of_cluster, unsettled, unavailable)}
