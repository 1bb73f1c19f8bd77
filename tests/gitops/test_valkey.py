"""The cache's own command, run as in its pod: on Valkey where it is installed, else on the Redis that it comes from."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.gitops.policies.objects import of_kind
from tests.gitops.rendering import render

PATIENCE = 60.0
SECRETS = "/run/secrets/valkey"
CONFIG = "/etc/valkey/valkey.conf"


@contextmanager
def cache(folder: Path, **secrets: str) -> Iterator[int]:
    """The port of a cache that finds these files where its pod mounts its passwords."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip("Neither Valkey nor Redis is installed: apt-get install valkey-server")
    (folder / "valkey-server").symlink_to(program)
    for name, value in secrets.items():
        (folder / name.replace("_", "-")).write_text(value)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    documents = render("local", "data")
    (config,) = [one for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"].startswith("valkey")]
    (workload,) = [one for one in of_kind(documents, "Deployment") if one["metadata"]["name"] == "valkey"]
    (folder / "valkey.conf").write_text(f"{config['data']['valkey.conf']}\nbind 127.0.0.1\nport {port}\n")
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    command = [
        part.replace(SECRETS, str(folder)).replace(CONFIG, f"{folder}/valkey.conf") for part in container["command"]
    ]
    with subprocess.Popen(
        command, env={"PATH": f"{folder}:{os.environ['PATH']}"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield port
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def answer(port: int, password: str) -> str:
    """What a client with this password is told, once the cache is there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with redis.Redis(port=port, password=password) as client:
                return str(client.set("key", "value"))
        except redis.AuthenticationError as error:
            return str(error)
        except redis.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_while_it_is_rotated_clients_come_with_either_password(tmp_path: Path) -> None:
    with cache(tmp_path, password="new", password_previous="old") as port:
        assert [answer(port, password) for password in ("new", "old")] == ["True", "True"]
        assert "invalid" in answer(port, "neither")
        with redis.Redis(port=port, password="old") as client, pytest.raises(NoPermissionError):
            client.config_get()


@pytest.mark.parametrize("previous", [{}, {"password_previous": ""}])
def test_otherwise_they_come_with_the_one(tmp_path: Path, previous: dict[str, str]) -> None:
    with cache(tmp_path, password="new", **previous) as port:
        assert answer(port, "new") == "True"
        assert all("invalid" in answer(port, password) for password in ("old", ">"))
