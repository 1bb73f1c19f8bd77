"""What a process tells Prometheus about its connections."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from webintel.db.engine import Database


class ConnectionCollector:
    """Numbers of the pool, read when Prometheus asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Give the numbers of this moment."""
        connections = GaugeMetricFamily("database_connections", "Connections of this process.", labels=["state"])
        in_use, idle = self._database.connections()
        connections.add_metric(["in_use"], in_use)
        connections.add_metric(["idle"], idle)
        yield connections
