"""Decides whether nodes may be upgraded, and says what runs, what git pins and what is not available."""

import re

RELEASE = re.compile(r"^v(\d+)\.(\d+)\.(\d+)\+k3s(\d+)$")
MARK = "webintel.io/upgrade"


def parse(version):
    """A release as numbers that compare, or nothing where it is none of k3s."""
    found = RELEASE.match(version)
    return tuple(map(int, found.groups())) if found else None


def upgrade_problems(nodes, target, servers, agents):
    """Why the nodes may not be upgraded to a version, as sentences."""
    wanted = parse(target)
    if wanted is None:
        return [f"upgrade_version is {target}, which names no release of k3s. Name one like v1.36.3+k3s1."]
    names = {node["metadata"]["name"] for node in nodes}
    hosts = [*servers, *agents]
    problems = [
        f"Node {name} is in the cluster and not in the inventory: it would be left behind. Put it into the group "
        "k3s_servers or k3s_agents, or delete the node if its machine is gone."
        for name in sorted(names - set(hosts))
    ]
    problems += [
        f"Host {host} is in the inventory and no node of the cluster: run playbooks/k3s.yml for it, or take it out."
        for host in hosts
        if host not in names
    ]
    return problems + [problem for node in nodes if (problem := step(node, wanted, target))]


def step(node, wanted, target):
    """Why one node may not take this step."""
    name, version = node["metadata"]["name"], node["status"]["nodeInfo"]["kubeletVersion"]
    runs = parse(version)
    if runs is None:
        return f"Node {name} runs {version}, which is no release of k3s: upgrade it as it was installed."
    if wanted < runs:
        return (
            f"Node {name} runs {version}, and {target} is older: nothing goes back. Name {version} or a newer one with "
            "-e upgrade_version=..., or restore a snapshot of etcd."
        )
    if (wanted[0], wanted[1] - 1) > runs[:2]:
        return (
            f"Node {name} runs {version}, and {target} skips v{runs[0]}.{runs[1] + 1}: Kubernetes goes one minor "
            f"version at a time. Run -e upgrade_version=v{runs[0]}.{runs[1] + 1}.<newest>+k3s1 first."
        )
    return ""


def unsynced(applications, cluster):
    """The Applications of a cluster that are not as git says, as sentences."""
    problems = []
    for one in applications:
        if not concerns(one, cluster):
            continue
        told = one.get("status") or {}
        sync = (told.get("sync") or {}).get("status", "not compared yet")
        if sync != "Synced":
            said = [each["message"] for each in told.get("conditions") or []]
            why = " ".join(said) or "sync it, and look what differs."
            problems.append(f"Application {one['metadata']['name']} is {sync}: {why}")
    return problems


def concerns(application, cluster):
    """Whether an Application is about this cluster, or about the hub that looks after it."""
    labelled = (application["metadata"].get("labels") or {}).get("webintel.io/cluster", cluster)
    destination = application["spec"]["destination"].get("name") or cluster
    return labelled == cluster and destination in {cluster, "in-cluster"}


def unavailable(objects, ignored=()):
    """The workloads that have fewer pods than they want, as sentences."""
    problems = []
    for one in objects:
        metadata, spec, told = one["metadata"], one["spec"], one.get("status") or {}
        if metadata["namespace"] in ignored:
            continue
        wanted, there = COUNTS[one["kind"]](spec, told)
        seen = told.get("observedGeneration", metadata["generation"]) >= metadata["generation"]
        if not seen or there < wanted:
            problems.append(f"{one['kind']} {metadata['namespace']}/{metadata['name']} has {there} of {wanted} pods.")
    return problems


COUNTS = {
    "Deployment": lambda spec, told: (spec.get("replicas", 1), told.get("availableReplicas", 0)),
    "StatefulSet": lambda spec, told: (spec.get("replicas", 1), told.get("availableReplicas", 0)),
    "DaemonSet": lambda _, told: (told.get("desiredNumberScheduled", 0), told.get("numberAvailable", 0)),
    "Cluster": lambda spec, told: (spec.get("instances", 1), told.get("readyInstances", 0)),
}


def upgrade_versions(nodes, target):
    """What each node runs, in lines."""
    return [
        f"{node['metadata']['name']}: runs {node['status']['nodeInfo']['kubeletVersion']}, gets {target}"
        + (" (begun)" if MARK in (node["metadata"].get("annotations") or {}) else "")
        for node in nodes
    ]


def upgrade_pins(applications, operators, cluster):
    """What git pins of each operator and what runs of it, in lines; those that this cluster has."""
    runs = {
        one["metadata"]["name"]: ((one.get("status") or {}).get("sync") or {}).get("revision", "nothing yet")
        for one in applications
    }
    return [
        f"{name}: git pins {source['targetRevision']}, runs {runs[f'{cluster}-{name}']}"
        for name, source in sorted((each["metadata"]["name"], each["spec"]["source"]) for each in operators)
        if f"{cluster}-{name}" in runs
    ]


class FilterModule:
    """For Ansible."""

    def filters(self):
        """All of them."""
        return {
            "unavailable": unavailable,
            "unsynced": unsynced,
            "upgrade_pins": upgrade_pins,
            "upgrade_problems": upgrade_problems,
            "upgrade_versions": upgrade_versions,
        }
