"""Secrets that are rotated under load: two processes behind a balancer, replaced as the playbook has it done.

What each process is given at each stage is what the role writes, carried as the ExternalSecrets say and mounted as the
Deployment says; Kubernetes itself is played here.
"""

import asyncio
import base64
import importlib.util
import itertools
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
import yaml

from tests.gitops.policies.objects import of_kind
from tests.gitops.rendering import ROOT, render
from tests.service.balancer import PATIENCE, Balancer
from tests.service.second_server import PasswordServer, password_server
from webintel.accounts.services import ensure_first_admin
from webintel.db import create_database
from webintel.db.migrate import migrate
from webintel.settings import load_settings

ROLE = ROOT / "ansible/roles/rotate_secrets"
PLACEHOLDER = re.compile(r'\{\{ (?:index \. "([^"]+)"|\.([\w-]+))( \| urlquery)? \}\}')
ADMIN = "admin@shop.example"
CLIENTS = 4
BETWEEN = 40
"""Requests that are answered at each stage before the next one."""
PAUSE = 0.05
"""Of each client, so that processes get to start beside them."""

Values = dict[str, str]


class Cluster:
    """Seeds, and the folders in which pods find what is carried from them."""

    def __init__(self, server: PasswordServer, folder: Path) -> None:
        self.seeds = {"postgres": {"password": "0" * 64}, "webintel": {"secret-key": "0123456789abcdef" * 4}}
        self._address = f"@127.0.0.1:{server.port}/postgres"
        self._folder = folder
        self._number = itertools.count()
        external = of_kind(render("local", "secrets"), "ExternalSecret")
        self._external = {one["metadata"]["name"]: one["spec"] for one in external}
        (self._api,) = [
            one for one in of_kind(render("local", "workloads"), "Deployment") if one["metadata"]["name"] == "api"
        ]

    def mount(self) -> Path:
        """Make the folder of a pod that starts now."""
        folder = self._folder / str(next(self._number))
        folder.mkdir()
        (volume,) = [one for one in self._api["spec"]["template"]["spec"]["volumes"] if one["name"] == "secrets"]
        for source in volume["projected"]["sources"]:
            for item in source["secret"]["items"]:
                spec = self._external[source["secret"]["name"]]
                seed = self.seeds.get(spec["data"][0]["remoteRef"]["key"])
                if seed is not None:  # there is no Valkey here
                    text = spec["target"]["template"]["data"][item["key"]]
                    (folder / item["path"]).write_text(self._filled(text, seed))
        return folder

    def _filled(self, text: str, seed: Values) -> str:
        def value(found: re.Match[str]) -> str:
            value = seed.get(found[1] or found[2], "")
            return quote_plus(value) if found[3] else value

        return PLACEHOLDER.sub(value, text).replace("@postgres:5432/web_intelligence", self._address)


class Pods:
    """The API's processes behind the balancer."""

    def __init__(self, cluster: Cluster, balancer: Balancer) -> None:
        self._cluster = cluster
        self._balancer = balancer
        self._running: dict[int, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self._running[port] = await run("api", "--port", str(port), secrets=self._cluster.mount())
        await self._balancer.add(port)

    async def roll_over(self) -> None:
        """One more, then one less, as `maxSurge: 1` and `maxUnavailable: 0` have it."""
        for port in list(self._running):
            await self.start()
            await self._balancer.take_out(port)
            process = self._running.pop(port)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0

    async def end(self) -> None:
        for process in self._running.values():
            process.kill()
            await process.wait()


class Load:
    """Clients that read and write, each request with a connection and a token of its own choice."""

    def __init__(self, url: str, password: str) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self.tokens: list[str] = []
        self._password = password
        self._client = httpx.AsyncClient(
            base_url=url, timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._number = itertools.count()

    async def sign_in(self) -> None:
        """Get one more token, from whatever key signs now."""
        response = await self._client.post("/api/v1/auth/login", json={"email": ADMIN, "password": self._password})
        assert response.status_code == 200, response.text
        self.tokens.append(response.json()["access_token"])

    async def at_least(self, more: int) -> None:
        wanted = self.answered + more
        async with asyncio.timeout(PATIENCE):
            while self.answered < wanted and not self.failures:
                await asyncio.sleep(0.02)
        assert self.failures == []

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        await self.sign_in()
        clients = [asyncio.create_task(self._ask()) for _ in range(CLIENTS)]
        try:
            yield
        finally:
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
            await self._client.aclose()

    async def _ask(self) -> None:
        while True:
            number = next(self._number)
            headers = {"Authorization": f"Bearer {self.tokens[number % len(self.tokens)]}"}
            try:
                if number % 10 == 0:
                    site = {"domain": f"shop-{number}.example"}
                    response = await self._client.post("/api/v1/sites", json=site, headers=headers)
                else:
                    response = await self._client.get("/api/v1/sites", headers=headers)
            except httpx.HTTPError as error:
                self.failures.append(f"{number}: {error!r}")
            else:
                self.answered += 1
                if response.status_code not in {200, 201}:
                    self.failures.append(f"{number}: {response.status_code} {response.text}")
            await asyncio.sleep(PAUSE)


async def run(*arguments: str, secrets: Path) -> asyncio.subprocess.Process:
    """Start one of our commands as a pod does."""
    environment = {
        "PATH": os.environ["PATH"],
        "WEBINTEL_SECRETS_DIR": str(secrets),
        "WEBINTEL_RATE_LIMIT_PER_MINUTE": "1000000",
        "WEBINTEL_LOG_LEVEL": "WARNING",
        # All but one connection are closed after each request: signing in to the database never ceases.
        "WEBINTEL_DATABASE_POOL_SIZE": "1",
        "WEBINTEL_DATABASE_MAX_OVERFLOW": "10",
        "WEBINTEL_DATABASE_POOL_TIMEOUT": "60",
        "WEBINTEL_DATABASE_CONNECT_TIMEOUT": "30",
    }
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "webintel", *arguments, env=environment)


def seeds_of_the_role() -> dict[str, dict[str, Any]]:
    """What the role knows of each seed."""
    found = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__rotate_secrets_seeds"]
    return {one["name"]: one for one in found}


def steps_of(seed: dict[str, Any], values: Values) -> list[tuple[str, Values]]:
    """What the role writes, stage by stage."""
    spec = importlib.util.spec_from_file_location("rotation_plan", ROLE / "filter_plugins/rotation_plan.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    options = {"token_seconds": 900, "rest_seconds": 900, "forget": False, "lenient": False}
    resource = {"metadata": {"name": seed["name"]}, "data": encoded}
    (planned,) = module.rotation_plan([seed], [resource], {}, options)["seeds"]
    return [
        (step["phase"], {key: base64.b64decode(value).decode() for key, value in step["data"].items()})
        for step in planned["steps"]
    ]


@pytest.fixture
def server() -> Iterator[PasswordServer]:
    with password_server() as server:
        yield server


async def test_no_request_is_lost_while_key_and_password_are_rotated(server: PasswordServer, tmp_path: Path) -> None:
    cluster = Cluster(server, tmp_path)
    await server.administer("CREATE ROLE wip LOGIN", "GRANT ALL ON SCHEMA public TO wip")
    await server.change_password(cluster.seeds["postgres"]["password"])
    settings = load_settings(database_url=server.url(cluster.seeds["postgres"]["password"]))
    await migrate(settings)
    async with create_database(settings, role="test") as database, database.transaction() as session:
        password = await ensure_first_admin(session, ADMIN)
    assert password
    stages: list[str] = []
    async with Balancer() as balancer:
        pods, load = Pods(cluster, balancer), Load(balancer.url, password)
        try:
            for _ in range(2):
                await pods.start()
            async with load.flowing():
                await load.at_least(BETWEEN)
                for seed in (seeds_of_the_role()[name] for name in ("webintel", "postgres")):
                    for phase, values in steps_of(seed, cluster.seeds[seed["name"]]):
                        cluster.seeds[seed["name"]] = values
                        if phase == "switched" and seed.get("changed_in_database"):
                            job = await run("database-password", secrets=cluster.mount())
                            assert await asyncio.wait_for(job.wait(), PATIENCE) == 0
                        if "api" in seed["restarts"].get(phase, []):
                            await pods.roll_over()
                        await load.sign_in()
                        await load.at_least(BETWEEN)
                        stages.append(f"{seed['name']} {phase}")
        finally:
            await pods.end()
    assert load.failures == []
    assert stages == [
        "webintel announced", "webintel switched", "postgres announced", "postgres switched", "postgres forgotten",
    ]  # fmt: skip
    # The clients have used tokens of both keys to the end, and the password of the beginning opens nothing any more.
    assert len(load.tokens) == len(stages) + 1
    with pytest.raises(Exception, match="password authentication failed"):
        await migrate(settings, wait_seconds=1)
