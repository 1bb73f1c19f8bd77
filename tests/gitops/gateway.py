"""What a Gateway does with a request, by the rules of the Gateway API, and which policy holds for a route."""

import copy
import re
from dataclasses import dataclass
from typing import Any

from tests.gitops.rendering import Document

KINDS = ("Gateway", "HTTPRoute", "BackendTrafficPolicy", "ClientTrafficPolicy")


@dataclass(frozen=True)
class Answer:
    """Where a request goes: to a Service, or to a filter that answers it."""

    route: str
    rule: Document

    @property
    def backend(self) -> tuple[str, int] | None:
        references = self.rule.get("backendRefs", [])
        return (references[0]["name"], references[0]["port"]) if references else None

    def filter(self, kind: str) -> Document | None:
        return next((f for f in self.rule.get("filters", []) if f["type"] == kind), None)


class Edge:
    """One cluster's unit `edge`."""

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents

    def all(self, kind: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] == kind]

    def one(self, kind: str, name: str) -> Document:
        (document,) = [document for document in self.all(kind) if document["metadata"]["name"] == name]
        return document

    @property
    def listeners(self) -> dict[str, Document]:
        return {listener["name"]: listener for listener in self.one("Gateway", "gateway")["spec"]["listeners"]}

    def connection(self, listener: str) -> Document:
        """The ClientTrafficPolicy that holds for a listener."""
        (policy,) = [
            policy["spec"]
            for policy in self.all("ClientTrafficPolicy")
            for target in policy["spec"]["targetRefs"]
            if target.get("sectionName") == listener
        ]
        return policy

    def policy(self, route: str) -> Document:
        """The BackendTrafficPolicy that holds for a route: its own over the gateway's, or the gateway's."""
        targets = {
            target["name"]: policy["spec"]
            for policy in self.all("BackendTrafficPolicy")
            for target in policy["spec"]["targetRefs"]
        }
        own = targets.get(route, {})
        if own and "mergeType" not in own:
            return own
        return _merge(targets["gateway"], own)

    def ask(self, listener: str, path: str, method: str = "GET") -> Answer | None:
        """The route that takes a request: an exact path first, then an expression, then the longest prefix."""
        found: list[tuple[int, int, Answer]] = []
        for route in self.all("HTTPRoute"):
            if listener not in {parent["sectionName"] for parent in route["spec"]["parentRefs"]}:
                continue
            for rule in route["spec"]["rules"]:
                for match in rule.get("matches", [{}]):
                    rank = _rank(match, path, method)
                    if rank is not None:
                        found.append((*rank, Answer(route["metadata"]["name"], rule)))
        return max(found, key=lambda hit: hit[:2])[2] if found else None


def _rank(match: Document, path: str, method: str) -> tuple[int, int] | None:
    if match.get("method", method) != method:
        return None
    wanted = match.get("path", {"type": "PathPrefix", "value": "/"})
    value = wanted["value"]
    if wanted["type"] == "Exact":
        return (2, len(value)) if path == value else None
    if wanted["type"] == "RegularExpression":
        return (1, len(value)) if re.fullmatch(value, path) else None
    prefix = value.rstrip("/")
    return (0, len(value)) if path == prefix or path.startswith(prefix + "/") else None


def _merge(base: Any, patch: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(patch, dict)):
        return copy.deepcopy(patch)
    return {key: _merge(base.get(key), patch[key]) if key in patch else base[key] for key in {**base, **patch}}


def seconds(duration: str) -> float:
    """A duration of the Gateway API, such as 1m30s or 250ms."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    parts = re.findall(r"(\d+)(ms|h|m|s)", duration)
    assert "".join(number + unit for number, unit in parts) == duration, duration
    return sum(int(number) * units[unit] for number, unit in parts)
