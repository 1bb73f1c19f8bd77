"""What a manifest must hold, and a Kubernetes API in a state in which a real one cannot be put by a test."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import pytest

from webintel.drill.cluster import DrillCluster, read_manifest
from webintel.drill.errors import DrillError
from webintel.drill.kubernetes import ClusterAccess, KubernetesApi

GOOD = {
    "apiVersion": "postgresql.cnpg.io/v1",
    "kind": "Cluster",
    "metadata": {"name": "restored"},
    "spec": {"instances": 1, "bootstrap": {"recovery": {"source": "live"}}},
}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "Pooler"}, "holds no Cluster"),
        ({"metadata": None}, "has no metadata.name"),
        ({"spec": {"bootstrap": {"initdb": {}}}}, "would restore nothing"),
        ({"spec": {**GOOD["spec"], "plugins": [{"name": "barman", "isWALArchiver": True}]}}, "a drill only reads"),
        ({"spec": {**GOOD["spec"], "backup": {"retentionPolicy": "30d"}}}, "a drill only reads"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_no_drill_is_refused(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(json.dumps(GOOD))
    assert read_manifest(path) == GOOD
    path.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(DrillError, match=sentence):
        read_manifest(path)


@pytest.mark.parametrize("content", ["", "[]", "just text", "a: [", "spec: 1", "\x00"])
def test_what_is_no_manifest_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(content)
    with pytest.raises(DrillError, match=r"cluster\.yaml") as refusal:
        read_manifest(path)
    assert "\n" not in str(refusal.value)


class StumblingApi:
    """Answers each request with the next of some statuses, and with the last ever after."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.requests: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head.split()[0])
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        body = json.dumps({"items": [], "message": "not now"}).encode()
        writer.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("secret")
    return path


@pytest.fixture
async def ports() -> AsyncIterator[list[asyncio.Server]]:
    servers: list[asyncio.Server] = []
    yield servers
    for server in servers:
        server.close()


async def delete_from(api: StumblingApi, ports: list[asyncio.Server], token: Path, seconds: float) -> None:
    server = await asyncio.start_server(api.answer, "127.0.0.1", 0)
    ports.append(server)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with KubernetesApi(ClusterAccess(url=url, token_file=token, ca_file=token)) as kubernetes:
        cluster = DrillCluster(kubernetes, GOOD, "restore-drill", lambda _: None)
        await cluster.delete(time.monotonic() + seconds)


async def test_an_api_that_stumbles_is_asked_again_until_all_is_gone(ports: list[asyncio.Server], token: Path) -> None:
    api = StumblingApi(500, 503, 429, 200, 500, 404)
    await delete_from(api, ports, token, 30)
    assert api.requests == ["DELETE", "DELETE", "DELETE", "DELETE", "GET", "GET", "GET"]


async def test_an_api_that_stays_away_is_said_at_the_deadline(ports: list[asyncio.Server], token: Path) -> None:
    with pytest.raises(DrillError, match=r"was not gone .* refused DELETE .*: not now\): delete it by hand"):
        await delete_from(StumblingApi(503), ports, token, 0.2)
