"""Who may talk to whom, worked out from NetworkPolicies as the specification of Kubernetes says; no traffic flows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.cluster.control_plane.cluster import Object
from tests.gitops.policies.objects import selects


@dataclass(frozen=True)
class Pod:
    """One end of a connection inside the cluster, with the names of its ports."""

    namespace: str
    labels: Mapping[str, str]
    ports: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outside:
    """An end of a connection that is no pod."""

    address: str


class Network:
    """The policies of a cluster and the labels of its namespaces."""

    def __init__(self, policies: Iterable[Object], namespaces: Iterable[Object]) -> None:
        self._policies = list(policies)
        self._labels = {one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in namespaces}

    def allows(self, source: Pod | Outside, target: Pod | Outside, port: int) -> bool:
        """Whether both ends let a TCP connection through."""
        return self._leaves(source, target, port) and self._enters(source, target, port)

    def _leaves(self, source: Pod | Outside, target: Pod | Outside, port: int) -> bool:
        return not isinstance(source, Pod) or self._passes(source, target, target, port, ("Egress", "egress", "to"))

    def _enters(self, source: Pod | Outside, target: Pod | Outside, port: int) -> bool:
        return not isinstance(target, Pod) or self._passes(target, source, target, port, ("Ingress", "ingress", "from"))

    def _passes(
        self, pod: Pod, peer: Pod | Outside, target: Pod | Outside, port: int, direction: tuple[str, str, str]
    ) -> bool:
        kind, rules, peers = direction
        policies = [
            one["spec"]
            for one in self._policies
            if one["metadata"]["namespace"] == pod.namespace
            and kind in one["spec"]["policyTypes"]
            and selects(one["spec"].get("podSelector") or {}, dict(pod.labels))
        ]
        return not policies or any(
            self._names(rule.get(peers), peer, pod.namespace) and covers(rule.get("ports"), target, port)
            for policy in policies
            for rule in policy.get(rules) or []
        )

    def _names(self, peers: list[dict[str, Any]] | None, end: Pod | Outside, namespace: str) -> bool:
        return not peers or any(self._is(peer, end, namespace) for peer in peers)

    def _is(self, peer: dict[str, Any], end: Pod | Outside, namespace: str) -> bool:
        if block := peer.get("ipBlock"):
            return isinstance(end, Outside) and within(block, end.address)
        if not isinstance(end, Pod):
            return False
        if (selector := peer.get("namespaceSelector")) is None:
            here = end.namespace == namespace
        else:
            here = selects(selector, self._labels[end.namespace])
        return here and selects(peer.get("podSelector") or {}, dict(end.labels))


def covers(ports: list[dict[str, Any]] | None, target: Pod | Outside, port: int) -> bool:
    """Whether a rule's ports have this one; their names are those that the target's containers give them."""
    names = target.ports if isinstance(target, Pod) else {}
    return not ports or any(
        one.get("protocol", "TCP") == "TCP"
        and one.get("port", port) in {port, *(n for n, p in names.items() if p == port)}
        for one in ports
    )


def within(block: dict[str, Any], address: str) -> bool:
    """Whether an address is in a block and in none of its exceptions."""
    end = ip_address(address)

    def has(text: str) -> bool:
        network = ip_network(text)
        return network.version == end.version and end in network

    return has(block["cidr"]) and not any(has(text) for text in block.get("except", []))
