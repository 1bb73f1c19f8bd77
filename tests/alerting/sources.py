"""What production runs: rules, routes and dashboards, as git has them."""

import json
from typing import Any

from tests.gitops.rendering import GITOPS, kustomize

Document = dict[str, Any]
MONITORING = GITOPS / "base" / "monitoring"
STACK = GITOPS / "operators" / "kube-prometheus-stack"


def groups() -> list[Document]:
    """All groups of rules."""
    rules = [document for document in kustomize(MONITORING) if document["kind"] == "PrometheusRule"]
    return [group for document in rules for group in document["spec"]["groups"]]


def alert_rules() -> list[Document]:
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


def alertmanager() -> Document:
    """The configuration of Alertmanager."""
    (application,) = kustomize(STACK)
    config: Document = application["spec"]["source"]["helm"]["valuesObject"]["alertmanager"]["config"]
    return config


def dashboards() -> dict[str, Document]:
    """The dashboards that Grafana's sidecar finds, by name."""
    maps = [document for document in kustomize(MONITORING) if document["kind"] == "ConfigMap"]
    return {item["metadata"]["name"]: json.loads(text) for item in maps for text in item["data"].values()}
