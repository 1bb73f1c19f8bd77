"""Every query of every dashboard, rule and alert is asked of a Prometheus that scrapes the platform under load."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.alerting import clock, sources
from tests.alerting.conftest import World

PATIENCE = 300.0
# What has no data while all is well, and why.
EMPTY_WHILE_WELL = {
    "CertificateMetricsMissing": "asks whether something is missing that is there",
    "BudgetSpentByOutage": "looks at alerts that fired",
    "WarningUnattended": "looks at warnings that fire",
    "ApplicationOutOfSync": "asks for applications that are out of sync",
    "ApplicationDegraded": "asks for applications that are unwell",
    "JobsDie": "counts jobs that were given up",
}
COMPARISON = re.compile(r"(?P<kept>\{[^}]*\}|\"[^\"]*\")|(?P<operator>[=!<>]=|[<>])")


def whole(expression: str) -> str:
    """A query that gives 0 where an alert's condition does not hold, instead of nothing."""
    return COMPARISON.sub(lambda found: found["kept"] or f"{found['operator']} bool", expression)


def panels() -> Iterator[tuple[str, str]]:
    for name, dashboard in sources.dashboards().items():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield f"{name}: {panel['title']}: {target['refId']}", target["expr"].replace("$__rate_interval", "5m")


def rules() -> Iterator[tuple[str, str]]:
    for group in sources.groups():
        for rule in group["rules"]:
            name = rule.get("alert") or f"{rule['record']} {rule.get('labels', '')}"
            if name not in EMPTY_WHILE_WELL:
                yield name, whole(rule["expr"])


def selected(node: Any) -> Iterator[str]:
    """The metrics that a parsed query names."""
    if isinstance(node, list):
        for one in node:
            yield from selected(one)
    elif isinstance(node, dict):
        if node.get("type") in {"vectorSelector", "matrixSelector"} and node.get("name"):
            yield node["name"]
        for one in node.values():
            yield from selected(one)


@pytest.fixture(scope="module")
def busy(world: World) -> World:
    """The world, after jobs of each kind."""
    client = world.platform.client
    deadline = time.monotonic() + PATIENCE
    while not (known := [one for one in client.get("/sites").json()["items"] if one["blueprint_version"]]):
        assert time.monotonic() < deadline, world.platform.processes.tails()
        time.sleep(0.5)
    # What was counted before the first look is in no rate.
    while not world.prometheus.query("fetches_total"):
        assert time.monotonic() < deadline, "Prometheus has not seen the worker"
        time.sleep(0.5)
    for kind in ("blueprint_update", "extraction"):
        client.post("/jobs", json={"site_id": known[0]["id"], "job_type": kind}).raise_for_status()
    return world


@pytest.mark.parametrize("queries", [panels, rules], ids=lambda queries: queries.__name__)
def test_each_query_gives_data(busy: World, queries: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    asked = {name: clock.expression(query) for name, query in queries()}
    assert len(asked) > 30
    # Each at its time: the rate of what a job has asked for is over before that of a minute later begins.
    while asked := {name: query for name, query in asked.items() if not busy.prometheus.query(query)}:
        empty = "\n".join(f"{name}: {query}" for name, query in asked.items())
        assert time.monotonic() < deadline, f"no data for\n{empty}"
        time.sleep(1)


def test_each_metric_that_is_named_is_one_that_somebody_tells(busy: World) -> None:
    known = busy.prometheus.metrics() | {"ALERTS"}
    queries = [*panels(), *((rule.get("alert", "rule"), rule["expr"]) for g in sources.groups() for rule in g["rules"])]
    for name, query in queries:
        answer = busy.prometheus.client.get("/parse_query", params={"query": query}).json()
        assert answer["status"] == "success", f"{name}: {answer}"
        named = set(selected(answer["data"]))
        assert named <= known, f"{name} names {', '.join(sorted(named - known))}, which nobody tells"


def test_what_is_empty_while_all_is_well_is_an_alert_that_there_is() -> None:
    assert EMPTY_WHILE_WELL.keys() <= {rule["alert"] for rule in sources.alert_rules()}
