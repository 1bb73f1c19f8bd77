"""The platform as it is deployed: PostgreSQL, API, worker and web UI as processes, with somebody who uses them."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from typing import Any

import httpx

from tests.cluster.control_plane.processes import Processes, free_ports
from tests.service.conftest import SECRET_KEY
from webintel.db.embedded import EmbeddedServer
from webintel.demo.server import Reply, Request, RunningSite
from webintel.demo.shop import DOMAIN, demo_shop

PATIENCE = 300.0
SERVICES = ("api", "worker", "web")
NAMESPACE = "web-intelligence"
USERS = 3
PAUSE = 0.1


class Sites:
    """The sites that are visited: a shop that answers, and all others, that do not until they are let go."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.server = RunningSite(self._answer)

    def _answer(self, request: Request) -> Reply:
        if request.host.partition(":")[0] == DOMAIN:
            return demo_shop(request)
        self.released.wait(PATIENCE)
        return Reply(status=404)


class Platform:
    """Everything that Prometheus looks at, but for the cluster itself."""

    def __init__(self, processes: Processes, server: EmbeddedServer, sites: Sites) -> None:
        self.processes = processes
        self.server = server
        self.sites = sites
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self._environment = {
            "WEBINTEL_DATABASE_URL": server.url,
            "WEBINTEL_SECRET_KEY": SECRET_KEY,
            "WEBINTEL_API_URL": f"http://127.0.0.1:{self.ports['api']}",
            "WEBINTEL_RATE_LIMIT_PER_MINUTE": "1000000",
            "WEBINTEL_FETCH_ALLOW_PRIVATE": "127.0.0.0/8",
            "WEBINTEL_FETCH_CONNECT_TO": f"::127.0.0.1:{sites.server.port}",
            "WEBINTEL_FETCH_DELAY": "0",
            "WEBINTEL_FETCH_MAX_PAGES": "10",
            "WEBINTEL_WORKER_CONCURRENCY": "2",
        }
        self._run("migrate")
        password = self._run("user", "add", "admin@shop.example", "--role", "admin", "--generate").split()[-1]
        for service in SERVICES:
            self.start(service)
        self.until_ready(*SERVICES)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.ports['api']}/api/v1", timeout=20)
        answer = self.client.post("/auth/login", json={"email": "admin@shop.example", "password": password})
        answer.raise_for_status()
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._leaving = threading.Event()
        self._users = [threading.Thread(target=self._use, daemon=True) for _ in range(USERS)]
        for user in self._users:
            user.start()

    def targets(self, exporters: int) -> list[dict[str, Any]]:
        """What Prometheus scrapes, with the labels that the operator gives."""
        ours = [
            {
                "job_name": service,
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{port}"],
                        "labels": {"namespace": NAMESPACE, "service": service, "pod": f"{service}-0"},
                    }
                ],
            }
            for service, port in self.ports.items()
        ]
        cluster = {"targets": [f"127.0.0.1:{exporters}"]}
        return [*ours, {"job_name": "cluster", "honor_labels": True, "static_configs": [cluster]}]

    def start(self, service: str) -> None:
        port = ["--port", str(self.ports[service])]
        settings = [f"{name}={value}" for name, value in self._environment.items()]
        self.processes.start(service, ["env", *settings, sys.executable, "-m", "webintel", service, *port])

    def until_ready(self, *services: str) -> None:
        deadline = time.monotonic() + PATIENCE
        for service in services:
            while not self._ready(service):
                assert time.monotonic() < deadline, f"{service} is not ready:\n{self.processes.tails()}"
                time.sleep(0.1)

    def add_site(self, domain: str) -> None:
        """Register a site, which starts its jobs."""
        self.client.post("/sites", json={"domain": domain}).raise_for_status()

    def leave(self) -> None:
        """Have the users go."""
        self._leaving.set()
        for user in self._users:
            user.join()

    def _ready(self, service: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.ports[service]}/health/ready", timeout=5).is_success
        return False

    def _use(self) -> None:
        """Read sites and jobs, and look at a page, over and over, whatever comes."""
        with httpx.Client(timeout=20, headers=dict(self.client.headers)) as client:
            while not self._leaving.wait(PAUSE):
                for service, path in (("api", "/api/v1/sites"), ("api", "/api/v1/jobs"), ("web", "/")):
                    with contextlib.suppress(httpx.HTTPError):
                        client.get(f"http://127.0.0.1:{self.ports[service]}{path}")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "webintel", *arguments],
            env={**os.environ, **self._environment}, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
