"""The faster clock changes durations and nothing else."""

import pytest

from tests.alerting import clock, sources


@pytest.fixture(autouse=True)
def sixty_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MINUTE", 1.0)


@pytest.mark.parametrize(
    ("production", "here"),
    [
        ("rate(http_requests_total[5m])", "rate(http_requests_total[5000ms])"),
        ("max_over_time(x[30m:1m]) offset 2h", "max_over_time(x[30000ms:1000ms]) offset 120000ms"),
        ('x{le="15m", path!~"/5m.*"} > 900', 'x{le="15m", path!~"/5m.*"} > 900'),
        ("slo:burn_rate:5m > 14.4", "slo:burn_rate:5m > 14.4"),
    ],
)
def test_a_query_keeps_all_but_its_ranges(production: str, here: str) -> None:
    assert clock.expression(production) == here


def test_rules_and_routes_keep_all_but_their_durations() -> None:
    rules = {
        rule["alert"]: rule for group in clock.rules(sources.groups()) for rule in group["rules"] if "alert" in rule
    }
    for original in sources.alert_rules():
        found = rules[original["alert"]]
        assert found["labels"] == original["labels"]
        assert ("for" in found) == ("for" in original)
    assert rules["DatabaseDown"]["for"] == "1000ms"
    config = sources.alertmanager()
    routes = clock.routes(config)
    assert routes["inhibit_rules"] == config["inhibit_rules"]
    assert routes["time_intervals"] == config["time_intervals"]
    assert routes["route"]["group_wait"] == "500ms"
    assert routes["route"]["routes"][0]["group_wait"] == "0s"
