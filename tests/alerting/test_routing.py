"""Alerts that a real Alertmanager gets: whom it tells, what it keeps quiet because of another, and when."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.alerting import sources
from tests.alerting.pagerduty import PagerDuty
from tests.alerting.running import Alertmanager
from tests.cluster.control_plane.processes import Processes

Labels = dict[str, str]
ALWAYS = [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]
NEVER = [{"years": ["1999"]}]

CLUSTER_DOWN = {"alertname": "ClusterDown", "severity": "critical"}
DATABASE_DOWN = {"alertname": "DatabaseDown", "severity": "critical", "namespace": "web-intelligence"}
API_DOWN = {"alertname": "ServiceDown", "severity": "critical", "service": "api", "needs": "database"}
ERRORS = {"alertname": "ErrorRateHigh", "severity": "critical", "service": "api", "needs": "database"}
BURNING = {"alertname": "ErrorBudgetBurnsFast", "severity": "critical", "service": "api", "needs": "database"}
SLOW = {"alertname": "RequestsSlow", "severity": "warning", "service": "api", "needs": "database"}
QUEUE = {"alertname": "QueueNotDraining", "severity": "critical", "service": "worker", "needs": "database"}
CERTIFICATE = {"alertname": "CertificateExpiresVerySoon", "severity": "critical", "namespace": "envoy-gateway-system"}

Start = Callable[..., Alertmanager]


@pytest.fixture
def pagerduty() -> Iterator[PagerDuty]:
    receiver = PagerDuty()
    yield receiver
    receiver.close()


@pytest.fixture
def start(tmp_path: Path, pagerduty: PagerDuty) -> Iterator[Start]:
    """Start Alertmanager with production's routes, by default by day."""
    processes = Processes(tmp_path)

    def begin(quiet_hours: list[dict[str, Any]] | None = None) -> Alertmanager:
        config = sources.alertmanager()
        config["time_intervals"][0]["time_intervals"] = quiet_hours or NEVER
        return Alertmanager(processes, pagerduty, config)

    yield begin
    processes.stop()


def alert(labels: Labels, lasts: float = 3600) -> dict[str, Any]:
    return {
        "labels": {"cluster": "production", **labels},
        "annotations": {"summary": "Something.", "runbook_url": "https://example.com/page"},
        "endsAt": datetime.fromtimestamp(time.time() + lasts, UTC).isoformat(),
    }


def over(labels: Labels) -> dict[str, Any]:
    return alert(labels, lasts=-1)


def told(pagerduty: PagerDuty) -> set[str]:
    return {one.alert for one in pagerduty.incidents() if one.open}


@pytest.mark.parametrize(
    ("cause", "consequence"),
    [
        (CLUSTER_DOWN, DATABASE_DOWN),
        (CLUSTER_DOWN, API_DOWN),
        (CLUSTER_DOWN, CERTIFICATE),
        (DATABASE_DOWN, API_DOWN),
        (DATABASE_DOWN, ERRORS),
        (DATABASE_DOWN, SLOW),
        (DATABASE_DOWN, QUEUE),
        (API_DOWN, BURNING),
        (API_DOWN, SLOW),
        (BURNING, SLOW),
        (ERRORS, {**ERRORS, "severity": "warning"}),
    ],
    ids=lambda labels: f"{labels['alertname']}-{labels['severity']}",
)
def test_a_cause_is_told_and_its_consequence_only_when_it_outlives_it(
    start: Start, pagerduty: PagerDuty, cause: Labels, consequence: Labels
) -> None:
    alertmanager = start()
    alertmanager.post(alert(cause))
    pagerduty.until(lambda: told(pagerduty) == {cause["alertname"]}, "the cause was told")
    alertmanager.post(alert(cause), alert(consequence))
    (quiet,) = [one for one in alertmanager.alerts() if one["labels"].items() >= consequence.items()]
    assert quiet["status"]["state"] == "suppressed"
    assert quiet["status"]["inhibitedBy"]
    assert len(pagerduty.incidents()) == 1
    alertmanager.post(over(cause), alert(consequence))
    pagerduty.until(
        lambda: (
            any(one.open and one.severity == consequence["severity"] for one in pagerduty.incidents())
            and consequence["alertname"] in told(pagerduty)
        ),
        "the consequence was told after its cause was over",
    )
    assert not pagerduty.refused


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DATABASE_DOWN, CERTIFICATE),
        (API_DOWN, QUEUE),
        (API_DOWN, {**ERRORS, "service": "web"}),
        (ERRORS, QUEUE),
        (DATABASE_DOWN, {"alertname": "Watchdog", "severity": "none"}),
        (CLUSTER_DOWN, {"alertname": "Watchdog", "severity": "none"}),
    ],
    ids=lambda labels: f"{labels['alertname']}-{labels.get('service', '')}",
)
def test_what_has_another_cause_is_told_too(start: Start, pagerduty: PagerDuty, one: Labels, other: Labels) -> None:
    alertmanager = start()
    alertmanager.post(alert(one), alert(other))
    assert {found["status"]["state"] for found in alertmanager.alerts()} <= {"active", "unprocessed"}
    expected = {one["alertname"], other["alertname"]} - {"Watchdog"}
    pagerduty.until(lambda: told(pagerduty) == expected, "both were told")
    if other["alertname"] == "Watchdog":
        pagerduty.until(lambda: pagerduty.alive > 1, "the dead man's switch hears from us again and again")
    assert not any(found["status"]["inhibitedBy"] for found in alertmanager.alerts())


@pytest.mark.parametrize("service", ["", "api"])
def test_an_outage_that_is_over_is_not_told_again_as_a_budget_that_burns(
    start: Start, pagerduty: PagerDuty, service: str
) -> None:
    alertmanager = start()
    outage = {"alertname": "BudgetSpentByOutage", "severity": "none"} | ({"service": service} if service else {})
    alertmanager.post(alert(outage), alert(BURNING), alert({**BURNING, "service": "web"}), alert(QUEUE))
    others = {"QueueNotDraining"} | ({"ErrorBudgetBurnsFast"} if service else set())
    pagerduty.until(lambda: told(pagerduty) == others, "others were told")
    assert "api" not in {one.component for one in pagerduty.incidents()}


def test_several_alerts_about_one_service_are_one_incident(start: Start, pagerduty: PagerDuty) -> None:
    alertmanager = start()
    alertmanager.post(alert(ERRORS), alert(BURNING))
    pagerduty.until(lambda: len(pagerduty.pages()) == 1, "one page")
    (page,) = pagerduty.pages()
    assert page.component == "api"
    event = page.events[0]
    assert event["links"] == [{"href": "https://example.com/page", "text": "Runbook"}]
    assert event["payload"]["summary"].startswith("production: ErrorBudgetBurnsFast: ")
    alertmanager.post(over(ERRORS), alert(BURNING))
    alertmanager.post(over(BURNING))
    pagerduty.until(lambda: not page.open, "its end")
    assert pagerduty.pages() == [page]
    assert page.resolved == 1


def test_a_warning_waits_for_the_morning_and_a_page_does_not(start: Start, pagerduty: PagerDuty) -> None:
    alertmanager = start(ALWAYS)
    alertmanager.post(alert(SLOW | {"service": "web"}), alert(ERRORS))
    pagerduty.until(lambda: told(pagerduty) == {"ErrorRateHigh"}, "the page")
    pagerduty.until(
        lambda: alertmanager.muted() == {"RequestsSlow": ["quiet-hours"]},
        "the warning is muted",
    )
    assert told(pagerduty) == {"ErrorRateHigh"}


def test_the_warning_comes_by_day(start: Start, pagerduty: PagerDuty) -> None:
    start(NEVER).post(alert(SLOW))
    pagerduty.until(lambda: told(pagerduty) == {"RequestsSlow"}, "the ticket")
    (ticket,) = pagerduty.incidents()
    assert ticket.severity == "warning"


def test_quiet_hours_leave_time_to_see_a_warning_before_it_pages() -> None:
    (interval,) = sources.alertmanager()["time_intervals"]
    (quiet,) = interval["time_intervals"]
    assert set(quiet) == {"times"}, "a quiet weekend is longer than the day after which a warning pages"
    hours = sum(int(time["end_time"][:2]) - int(time["start_time"][:2]) for time in quiet["times"])
    (unattended,) = [rule for rule in sources.alert_rules() if rule["alert"] == "WarningUnattended"]
    assert unattended["for"] == "1d"
    assert hours <= 12
