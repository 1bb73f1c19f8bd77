"""The programs that are measured: started, waited for, ended."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

SECONDS_TO_START = 300
ANY_ANSWER = "/memory/none"


@contextmanager
def program(command: list[str], environment: dict[str, str], port: int, path: str) -> Iterator[psutil.Process]:
    """Run a program until the block ends; it is ready when the path answers 200."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            deadline = time.monotonic() + SECONDS_TO_START
            while not _ready(port, path):
                if child.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise SystemExit(f"make bench: {command[0]} does not start:\n{said.read()[-2000:].decode()}")
                time.sleep(0.02)
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def cpu(process: psutil.Process) -> float:
    """The seconds of CPU that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def resident(process: psutil.Process) -> float:
    """The resident memory of a process in MiB."""
    return float(process.memory_info().rss / 2**20)


def _ready(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return b" 200 " in connection.recv(64) or path == ANY_ANSWER
    except OSError:
        return False


def say(text: str) -> None:
    """Tell a person how far it is."""
    print(text, file=sys.stderr, flush=True)
