"""A cluster as the tests see it: apply, read, delete, evict, and wait until something is so."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
        ordered = sorted(objects, key=rank)
        for index, one in enumerate(ordered):
            if index and rank(one) > 0 and rank(ordered[index - 1]) == 0:
                self._established(ordered[:index])
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
            self.client.create(eviction, body=body, name=pod, namespace=namespace)
        except ApiException as error:
            return int(error.status)
        return 201

    def may(self, user: str, verb: str, resource: str, namespace: str | None = None, **attributes: str) -> bool:
        """Whether the server's RBAC lets someone do something."""
        group, _, name = resource.rpartition("/")
        wanted = {"verb": verb, "group": group, "resource": name, "namespace": namespace or "", **attributes}
        groups = ["system:authenticated"]
        if user.startswith("system:serviceaccount:"):
            groups += ["system:serviceaccounts", f"system:serviceaccounts:{user.split(':')[2]}"]
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, "resourceAttributes": wanted},
        }
        answer = self.resource("authorization.k8s.io/v1", "SubjectAccessReview").create(body=review)
        return bool(answer.status.allowed)

    def nodes(self, count: int, *, cpu: str = "4", memory: str = "8Gi") -> list[str]:
        """Have nodes without containers, in zones in turn; kwok makes them ready."""
        names = [f"node-{number}" for number in range(1, count + 1)]
        for number, name in enumerate(names):
            capacity = {"cpu": cpu, "memory": memory, "pods": "110"}
            labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"zone-{'abc'[number % 3]}"}
            node = {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux", **labels}},
                "status": {"capacity": capacity, "allocatable": capacity},
            }
            if self.get("v1", "Node", name) is None:
                self.resource("v1", "Node").create(body=node)
        self.wait_until(lambda: all(self._schedulable(name) for name in names), f"{count} ready nodes")
        return names

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
        self, reached: Callable[[], Result | None], what: str, seconds: float = 30, pause: float = 0.2
    ) -> Result:
        """Wait until something is so, and give it; say what was awaited where it does not come in time."""
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
                raise AssertionError(f"not within {seconds:.0f} s: {what} (last: {last!r})")
            time.sleep(pause)

    def _schedulable(self, name: str) -> bool:
        node = self.get("v1", "Node", name) or {}
        conditions = node.get("status", {}).get("conditions", [])
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        return ready and not node["spec"].get("taints")

    def _established(self, definitions: Iterable[Object]) -> None:
        names = {one["metadata"]["name"] for one in definitions}
        kind = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        self.wait_until(
            lambda: names <= {one["metadata"]["name"] for one in self.all(*kind) if established(one)},
            "the definitions are established",
        )
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
