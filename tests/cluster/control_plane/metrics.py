"""Serves the metrics of pods that a test says, so that autoscalers can read them: pods are idle until it says more."""

import json
import ssl
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.cluster.control_plane.certificates import Authority
from tests.cluster.control_plane.cluster import Cluster
from tests.gitops.rendering import Document

API = "metrics.k8s.io/v1beta1"
IDLE = {"cpu": "1m", "memory": "1Mi"}
NAME = "app.kubernetes.io/name"
PODS = {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
Usage = dict[str, str]


class Metrics:
    """An aggregated API while the block runs; the API server calls it by the name that a Service gives it."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._usage: dict[tuple[str, str], Usage] = {}
        certificate = Authority(folder, "metrics-ca").issue("metrics", hosts=("localhost",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._cluster.apply(registered(self._server.server_port))
        return self

    def __exit__(self, *_: object) -> None:
        # A namespace cannot go while an API is announced that nobody serves.
        for one in registered(self._server.server_port):
            metadata = one["metadata"]
            self._cluster.delete(one["apiVersion"], one["kind"], metadata["name"], metadata.get("namespace"))
        self._server.shutdown()
        self._server.server_close()

    def use(self, namespace: str, name: str, **usage: str) -> None:
        """Let each container of a workload use so much from now on: `cpu="1"`, `memory="100Mi"`; the rest is idle."""
        self._usage[namespace, name] = {**IDLE, **usage}

    def of_pod(self, pod: Document) -> Document:
        """What a pod uses now."""
        metadata = {key: pod["metadata"].get(key) for key in ("name", "namespace", "labels")}
        usage = self._usage.get((metadata["namespace"], (metadata["labels"] or {}).get(NAME, "")), IDLE)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        containers = [{"name": one["name"], "usage": usage} for one in pod["spec"]["containers"]]
        return {"metadata": metadata, "timestamp": now, "window": "10s", "containers": containers}

    def answer_to(self, path: str) -> dict[str, Any] | None:
        """What the API says at a path: its kinds, or the metrics of a namespace's pods."""
        url = urlsplit(path)
        match url.path.strip("/").split("/"):
            case ["apis", "metrics.k8s.io", "v1beta1"]:
                return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": API, "resources": [PODS]}
            case ["apis", "metrics.k8s.io", "v1beta1", "namespaces", namespace, "pods"]:
                [selector] = parse_qs(url.query).get("labelSelector", [""])
                found = self._cluster.all("v1", "Pod", namespace, label_selector=selector)
                items = [self.of_pod(pod) for pod in found]
                return {"kind": "PodMetricsList", "apiVersion": API, "metadata": {}, "items": items}
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer_to = self.answer_to

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answer_to(self.path)
                body = json.dumps(answer).encode()
                self.send_response(200 if answer else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def registered(port: int) -> list[Document]:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "metrics", "namespace": "kube-system"},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }
    spec = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "metrics", "namespace": "kube-system", "port": port},
    }
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": spec,
    }
    return [service, api]
