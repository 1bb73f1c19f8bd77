"""Prometheus and Alertmanager as programs of the tests."""

from typing import Any

import httpx
import pytest
import yaml

from tests.alerting import clock, sources
from tests.alerting.pagerduty import ROUTING_KEY, PagerDuty
from tests.cluster.control_plane.processes import Processes, free_ports, wait_for_port
from tests.tools.paths import MISSING, tool

PATIENCE = 120.0
CLUSTER = "production"


def program(name: str) -> str:
    built = tool(name)
    if built is None:
        pytest.skip(f"{name} is not built: {MISSING}")
    return str(built)


class Alertmanager:
    """Production's routes; only durations, addresses and where keys are read differ."""

    def __init__(self, processes: Processes, pagerduty: PagerDuty, config: dict[str, Any] | None = None) -> None:
        folder = processes.folder
        (self.port,) = free_ports(1)
        (folder / "routing-key").write_text(ROUTING_KEY)
        (folder / "switch-url").write_text(f"{pagerduty.url}/alive")
        config = clock.routes(config or sources.alertmanager())
        for receiver in config["receivers"]:
            for pager in receiver.get("pagerduty_configs", []):
                pager |= {"url": f"{pagerduty.url}/v2/enqueue", "routing_key_file": str(folder / "routing-key")}
            for hook in receiver.get("webhook_configs", []):
                hook |= {"url_file": str(folder / "switch-url")}
        (folder / "alertmanager.yaml").write_text(yaml.safe_dump(config))
        processes.start(
            "alertmanager",
            [
                program("alertmanager"),
                f"--config.file={folder / 'alertmanager.yaml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
        )
        wait_for_port(processes, self.port, PATIENCE)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v2", timeout=20)

    def post(self, *alerts: dict[str, Any]) -> None:
        self.client.post("/alerts", json=list(alerts)).raise_for_status()

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("/alerts").raise_for_status().json()
        return found

    def muted(self) -> dict[str, list[str]]:
        """The alerts that a time interval keeps quiet, with its name."""
        groups = self.client.get("/alerts/groups").raise_for_status().json()
        return {
            one["labels"]["alertname"]: one["status"]["mutedBy"]
            for group in groups
            for one in group["alerts"]
            if one["status"]["mutedBy"]
        }


class Prometheus:
    """Production's rules."""

    def __init__(self, processes: Processes, targets: list[dict[str, Any]], alertmanager: Alertmanager | None) -> None:
        folder = processes.folder
        (self.port,) = free_ports(1)
        (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": clock.rules(sources.groups())}, sort_keys=False))
        config: dict[str, Any] = {
            # A scrape takes its time however fast the clock runs: only this is less frequent than in production.
            "global": {
                "scrape_interval": clock.shorten("1m"),
                "scrape_timeout": clock.shorten("1m"),
                "evaluation_interval": clock.shorten("30s"),
                "external_labels": {"cluster": CLUSTER},
            },
            "rule_files": ["rules.yaml"],
            "scrape_configs": targets,
        }
        if alertmanager:
            config["alerting"] = {
                "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]
            }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        processes.start(
            "prometheus",
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--rules.alert.resend-delay={clock.shorten('1m')}",
            ],
        )
        wait_for_port(processes, self.port, PATIENCE)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=20)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of a query, now; what Prometheus refuses is an error that says why."""
        answer = self.client.post("/query", data={"query": expression}).json()
        assert answer["status"] == "success", f"{answer.get('error')}: {expression}"
        result = answer["data"]["result"]
        return result if answer["data"]["resultType"] in {"vector", "matrix"} else [{"value": result}]

    def value(self, expression: str) -> float:
        """The one value of a query, 0 where there is none."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else 0.0

    def metrics(self) -> set[str]:
        """Every name that was scraped or recorded."""
        return set(self.client.get("/label/__name__/values").raise_for_status().json()["data"])
