"""Answers in Prometheus' place what `verify` asks it, by way of the API server."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

from tests.cluster.control_plane.cluster import Cluster


class Prometheus(BaseHTTPRequestHandler):
    """Answers the two questions as Prometheus would."""

    up: ClassVar[tuple[str, ...]] = ("api", "web", "worker")
    groups: ClassVar[tuple[str, ...]] = ("backups",)

    def do_GET(self) -> None:
        up = [{"metric": {"service": name}, "value": [0, "1"]} for name in self.up]
        data = {"/api/v1/query": {"result": up}, "/api/v1/rules": {"groups": [{"name": one} for one in self.groups]}}
        body = json.dumps({"status": "success", "data": data[urlsplit(self.path).path]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def prometheus(cluster: Cluster) -> Iterator[None]:
    """It answers while the block runs; the namespace monitoring has to be there."""
    server = ThreadingHTTPServer(("", 0), Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        serve(cluster, server.server_port)
        yield
    finally:
        server.shutdown()
        server.server_close()


def own_address() -> str:
    """An address of this machine that is not the loopback's: no Endpoints may name that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def serve(cluster: Cluster, port: int) -> None:
    """Have the API server pass calls on to the test: it does so only where a pod has the address."""
    metadata = {"name": "monitoring-prometheus", "namespace": "monitoring"}
    container = {"name": "prometheus", "image": "quay.io/prometheus/prometheus:v3.7.3"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
    subset = {
        "addresses": [{"ip": own_address(), "targetRef": {"kind": "Pod", **metadata}}],
        "ports": [{"port": port}],
    }
    find = ("v1", "ServiceAccount", "default", "monitoring")
    cluster.wait_until(lambda: cluster.get(*find), "a service account in namespace monitoring")
    cluster.apply(
        [
            pod,
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 9090}]}},
            {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]},
        ]
    )

    def running() -> bool:
        found = cluster.get("v1", "Pod", metadata["name"], "monitoring")
        return found is not None and found["status"].get("phase") == "Running"

    cluster.wait_until(running, "a pod for Prometheus")
    address = {"status": {"podIP": own_address(), "podIPs": [{"ip": own_address()}]}}
    cluster.patch("v1", "Pod", metadata["name"], address, namespace="monitoring", subresource="status")
