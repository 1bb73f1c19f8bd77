"""A cluster as the tests see it: apply, read, delete, evict, and wait until something is so."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from kubernetes import config
from kubernetes.client import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

Object = dict[str, Any]
Result = TypeVar("Result")

FIELD_MANAGER = "argocd-controller"
FIRST = ("CustomResourceDefinition", "Namespace", "PriorityClass", "ServiceAccount")
# What a server says as: 299 - "text"
WARNING_PREFIX = '299 - "'


class Applied(NamedTuple):
    """What the server made of an object, and what it warned of."""

    object: Object
    warnings: list[str]


class Cluster:
    """An API server that a kubeconfig names; `own` where nobody else uses it."""

    def __init__(self, kubeconfig: Path, *, own: bool, logs: Callable[[], str] = str) -> None:
        self.kubeconfig = kubeconfig
        self.own = own
        self.logs = logs
        self.api = config.new_client_from_config(str(kubeconfig))
        # The default place of this cache is shared by all servers that ever had this port.
        self.client = DynamicClient(self.api, cache_file=str(kubeconfig.with_name("discovery.json")) if own else None)

    def apply(self, objects: Iterable[Object], *, force: bool = False, field_manager: str = FIELD_MANAGER) -> list[str]:
        """Apply objects by server-side apply, as Argo CD does; the warnings of the server."""
        warnings: list[str] = []
        definitions, others = [], []
        for one in sorted(objects, key=rank):
            (others if rank(one) else definitions).append(one)
        for one in definitions:
            warnings += self.apply_one(one, force=force, field_manager=field_manager).warnings
        self._established(definitions)
        for one in others:
            warnings += self.apply_one(one, force=force, field_manager=field_manager).warnings
        return warnings

    def apply_one(self, wanted: Object, *, force: bool = False, field_manager: str = FIELD_MANAGER) -> Applied:
        """Apply one object; what it is then, and the warnings."""
        response = self.client.server_side_apply(
            self.resource(wanted["apiVersion"], wanted["kind"]),
            body=wanted,
            namespace=wanted["metadata"].get("namespace"),
            force_conflicts=force,
            field_manager=field_manager,
            serialize=False,
        )
        warnings = [
            identity(wanted) + ": " + text.removeprefix(WARNING_PREFIX).removesuffix('"')
            for text in response.headers.getlist("Warning")
        ]
        return Applied(json.loads(response.data), warnings)

    def resource(self, api_version: str, kind: str) -> Any:
        """A kind of object, as the server knows it."""
        return self.client.resources.get(api_version=api_version, kind=kind)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object, or None where there is none."""
        try:
            found = self.resource(api_version, kind).get(name=name, namespace=namespace)
        except NotFoundError:
            return None
        return dict(found.to_dict())

    def all(self, api_version: str, kind: str, namespace: str | None = None, **options: str) -> list[Object]:
        """The objects of a kind; `label_selector` and such narrow them."""
        found = self.resource(api_version, kind).get(namespace=namespace, **options)
        return list(found.to_dict()["items"])

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        body: Object,
        *,
        namespace: str | None = None,
        subresource: str = "",
    ) -> None:
        """Change some fields of an object, as a person with kubectl would."""
        resource = self.resource(api_version, kind)
        if subresource:
            resource = resource.subresources[subresource]
        resource.patch(name=name, namespace=namespace, body=body, content_type="application/merge-patch+json")

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object, if it is there, and what it owns."""
        body = {"propagationPolicy": "Background"}
        try:
            self.resource(api_version, kind).delete(name=name, namespace=namespace, body=body)
        except NotFoundError:
            return

    def evict(self, pod: str, namespace: str) -> int:
        """Ask for a pod to go, as a drain does; the status of the answer: 201, or 429 where a budget forbids it."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        eviction = self.resource("v1", "Pod").subresources["eviction"]
        try:
            eviction.create(body=body, name=pod, namespace=namespace)
        except ApiException as error:
            return int(error.status)
        return 201

    def impersonate(self, account: str) -> Self:
        """This cluster as a service account sees it."""
        other = type(self)(self.kubeconfig, own=self.own)
        namespace = account.split(":")[2]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        other.api.set_default_header("Impersonate-User", account)
        # One header with three values does not exist in urllib3; these decide what the groups of accounts may.
        other.api.set_default_header("Impersonate-Group", groups[-1])
        return other

    def rules(self, namespace: str) -> list[Object]:
        """What the one who asks may do in a namespace, as the server sees it."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        answer = self.resource("authorization.k8s.io/v1", "SelfSubjectRulesReview").create(body=review).to_dict()
        assert not answer["status"]["incomplete"], answer
        return list(answer["status"]["resourceRules"])

    def nodes(self, count: int, *, cpu: str = "4", memory: str = "8Gi") -> list[str]:
        """Have nodes without containers, in zones in turn; kwok makes them ready."""
        names = [f"node-{number}" for number in range(1, count + 1)]
        for number, name in enumerate(names):
            self.node(name, cpu=cpu, memory=memory, zone=f"zone-{'abc'[number % 3]}")
        self.wait_until(lambda: all(self._schedulable(name) for name in names), f"{count} ready nodes")
        return names

    def node(self, name: str, *, cpu: str, memory: str, zone: str = "") -> None:
        """Have one node, which need not be ready yet; in no zone where none is named."""
        capacity = {"cpu": cpu, "memory": memory, "pods": "110"}
        labels = {"kubernetes.io/os": "linux", "kubernetes.io/hostname": name}
        if zone:
            labels["topology.kubernetes.io/zone"] = zone
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "status": {"capacity": capacity, "allocatable": capacity},
        }
        if self.get("v1", "Node", name) is None:
            self.resource("v1", "Node").create(body=node)

    def volumes(self, count: int, size: str = "100Gi") -> None:
        """Have volumes for those who claim one; nothing is ever stored in them."""
        for number in range(1, count + 1):
            spec = {
                "capacity": {"storage": size},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": f"/volumes/{number}"},
            }
            metadata = {"name": f"volume-{number}"}
            self.apply([{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}])

    def wait_until(
        self,
        reached: Callable[[], Result | None],
        what: str | Callable[[], object],
        seconds: float = 30,
        pause: float = 0.2,
    ) -> Result:
        """Wait until something is so, and give it; say what is missing where it does not come in time."""
        end = time.monotonic() + seconds
        last: ApiException | None = None
        while True:
            try:
                if result := reached():
                    return result
                last = None
            except ApiException as error:
                last = error
            if time.monotonic() > end:
                missing = what() if callable(what) else what
                raise AssertionError(f"not within {seconds:.0f} s: {missing} (last: {last!r})")
            time.sleep(pause)

    def _schedulable(self, name: str) -> bool:
        node = self.get("v1", "Node", name) or {}
        conditions = node.get("status", {}).get("conditions", [])
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        return ready and not node["spec"].get("taints")

    def _established(self, definitions: Iterable[Object]) -> None:
        kind = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        for definition in definitions:
            name = definition["metadata"]["name"]
            self.wait_until(lambda name=name: established(self.get(*kind, name) or {}), f"{name} is established")
        self.client.resources.invalidate_cache()


def rank(one: Mapping[str, Any]) -> int:
    """The place in the order in which objects are applied."""
    return FIRST.index(one["kind"]) if one["kind"] in FIRST else len(FIRST)


def identity(one: Mapping[str, Any]) -> str:
    """An object in one word, for messages."""
    namespace = one["metadata"].get("namespace")
    return f"{one['kind']}/{f'{namespace}/' if namespace else ''}{one['metadata']['name']}"


def established(definition: Mapping[str, Any]) -> bool:
    """Whether the server serves a definition's kind."""
    conditions = definition.get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
