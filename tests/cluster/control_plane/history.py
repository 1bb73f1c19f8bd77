"""What happened to the objects of a kind: the API server keeps every change for a while, so none is missed."""

import json
from typing import Any

from tests.cluster.control_plane.cluster import Cluster, Object

States = list[dict[str, Object]]


class History:
    """All objects of a kind in a namespace, from now on."""

    def __init__(self, cluster: Cluster, api_version: str, kind: str, namespace: str) -> None:
        self._resource = cluster.resource(api_version, kind)
        self._namespace = namespace
        listed = self._resource.get(namespace=namespace).to_dict()
        self._version = listed["metadata"]["resourceVersion"]
        self._start: dict[str, Object] = {one["metadata"]["name"]: one for one in listed["items"]}

    def states(self) -> States:
        """All objects by their names, as they were at the start and after each change since."""
        states = [self._start]
        for event in self._events():
            item = event["object"]
            if event["type"] not in {"ADDED", "MODIFIED", "DELETED"}:
                raise AssertionError(f"the history broke off: {event}")
            name = item["metadata"]["name"]
            state = {key: value for key, value in states[-1].items() if key != name}
            states.append(state if event["type"] == "DELETED" else {**state, name: item})
        return states

    def _events(self) -> list[dict[str, Any]]:
        answer = self._resource.get(
            namespace=self._namespace, resource_version=self._version, watch=True, timeout_seconds=1, serialize=False
        )
        return [json.loads(line) for line in answer.data.splitlines()]


def numbers(states: States, name: str, *path: str) -> list[int]:
    """The numbers that a field of one object went through, each as often as it was reached; none is 0."""
    found: list[int] = []
    for state in states:
        value: Any = state.get(name, {})
        for key in path:
            value = value.get(key) or {}
        number = value or 0
        if not found or found[-1] != number:
            found.append(number)
    return found
