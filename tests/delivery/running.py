"""Runs a command of the image as a container would: not as root, as the first process, on a read-only tree."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.delivery.image import Image

PATIENCE = 60.0
READ_ONLY = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"
mount --bind "$0/tmp" "$0/tmp" && mount -o remount,bind,rw "$0/tmp"
mount -o remount,bind,ro /
exec "$@"
"""
"""As root: everything is mounted read-only, but the image's /tmp."""


class Running:
    """A command that runs."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, port: int) -> None:
        self.process = process
        self.output = output
        self.port = port

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def service(self) -> psutil.Process:
        """The process of the service, which is the first one in its own namespace where we may make one."""
        process = psutil.Process(self.process.pid)
        return process.children()[0] if isolated() else process

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)

    def until_answers(self, path: str, status: int = 200) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            try:
                answer = self.get(path)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == status:
                return answer
            time.sleep(0.1)

    def stop(self, name: str) -> int:
        """Send the signal and give the exit code."""
        self.service.send_signal(getattr(signal, name))
        return self.process.wait(PATIENCE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@functools.cache
def isolated() -> bool:
    """Whether namespaces can be made here."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode == 0


def command_line(image: Image, arguments: list[str]) -> list[str]:
    """Start with what only root can set up, then become the image's user."""
    program = shutil.which(image.entrypoint[0], path=image.environment["PATH"])
    assert program, "the entry point is on no path"
    command = [program, *image.entrypoint[1:], *arguments]
    if os.geteuid() != 0:
        return command
    user, group = image.user.split(":")
    # Python itself may be in a folder of root's: reading is allowed, writing is not.
    reading = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    identity = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs", *reading]
    identity += ["--bounding-set=-all,+dac_read_search"]
    if not isolated():
        return [*identity, *command]
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return [*alone, "sh", "-ec", READ_ONLY, str(image.root), *identity, *command]


@contextmanager
def running(image: Image, *arguments: str, port: int = 0, **settings: str) -> Iterator[Running]:
    """Run a command with the environment of the image and nothing else of ours."""
    output = image.root.with_suffix(f".{free_port()}.log")
    with output.open("wb") as log:
        process = subprocess.Popen(
            command_line(image, list(arguments)),
            env=image.environment | settings,
            cwd=image.workdir,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process, output, port)
    finally:
        process.kill()
        process.wait()
        output.unlink()
