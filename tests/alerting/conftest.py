"""One platform with its monitoring for all tests of this folder that need it; each leaves it well."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from tests.alerting.exporters import Exporters
from tests.alerting.pagerduty import PagerDuty
from tests.alerting.platform import Platform, Sites
from tests.alerting.running import Alertmanager, Prometheus, program
from tests.cluster.control_plane.processes import Processes
from tests.service.second_server import own_server
from webintel.db.engine import driver_dsn
from webintel.demo.shop import DOMAIN

DRILL = """
INSERT INTO restore_drills
  (id, created_at, updated_at, started_at, finished_at, outcome, recovery_point, missing_seconds, rows_read)
VALUES
  (gen_random_uuid(), now(), now(), now() - interval '9 minutes', now(), 'success', now(), 0, 1)
"""


@dataclass
class World:
    """The platform, and everyone who watches it."""

    platform: Platform
    prometheus: Prometheus
    pagerduty: PagerDuty
    alertmanager: Alertmanager
    targets: list[dict[str, Any]]

    def forget(self) -> None:
        """Begin with a Prometheus that has seen nothing: the windows of a budget are long."""
        processes = self.platform.processes
        processes.kill("prometheus")
        shutil.rmtree(processes.folder / "prometheus")
        self.prometheus = Prometheus(processes, self.targets, self.alertmanager)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    program("prometheus")
    processes = Processes(tmp_path_factory.mktemp("alerting"))
    pagerduty, sites = PagerDuty(), Sites()
    with own_server() as server, sites.server:
        exporters = Exporters(server.url)
        try:
            platform = Platform(processes, server, sites)
            asyncio.run(note_a_drill(server.url))
            platform.add_site(DOMAIN)
            alertmanager = Alertmanager(processes, pagerduty)
            targets = platform.targets(exporters.port)
            prometheus = Prometheus(processes, targets, alertmanager)
            yield World(platform, prometheus, pagerduty, alertmanager, targets)
            platform.leave()
        finally:
            sites.released.set()
            processes.stop()
            exporters.close()
            pagerduty.close()


async def note_a_drill(url: str) -> None:
    """A platform on which no restore was ever proven has an alert from its first minute."""
    connection = await asyncpg.connect(driver_dsn(url))
    await connection.execute(DRILL)
    await connection.close()


@pytest.fixture
def well(world: World) -> World:
    """The world, in which nothing was ever amiss."""
    pages = world.pagerduty.pages
    world.forget()
    world.pagerduty.until(
        lambda: world.prometheus.value('slo:events:increase5m{slo="availability", service="api"}') > 0, "load"
    )
    world.pagerduty.until(lambda: not any(one.open for one in pages()), "all pages are over")
    world.pagerduty.until(lambda: not firing(world), "nothing pages")
    world.pagerduty.forget()
    return world


def firing(world: World) -> set[str]:
    """The alerts that wake somebody, or are about to; a warning has a day until it is one of them."""
    found = world.prometheus.query('ALERTS{severity="critical", alertname!="WarningUnattended"}')
    return {one["metric"]["alertname"] for one in found}
