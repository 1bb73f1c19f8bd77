"""Programs that run beside the tests, with their logs, and that end when the tests do, however those end."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

STOPS_WITHIN = 10.0
PR_SET_PDEATHSIG = 1
# Most are Go's, and live for minutes: memory is spent rather than time on collecting it.
ENVIRONMENT = {"GOGC": "400"}
# Loaded here: between fork and exec is no place to load a library.
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Processes:
    """Starts programs, knows their logs, and stops them in the opposite order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str]) -> None:
        """Start a program; its output goes to a file of its name."""
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env=os.environ | ENVIRONMENT,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call into libc, in a session of one thread
            )

    def check(self) -> None:
        """Fail where a program has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise AssertionError(f"{name} ended with exit code {process.returncode}:\n{self.tail(name)}")

    def kill(self, name: str) -> None:
        """End a program at once, as a crash does; `start` may start it again."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Ask each to end, the newest first, and end it where it does not."""
        for process in reversed(self._running.values()):
            process.terminate()
            try:
                process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def tail(self, name: str, lines: int = 20) -> str:
        """The last lines of a program's log."""
        return "\n".join(line[:500] for line in self._log(name).read_text(errors="replace").splitlines()[-lines:])

    def tails(self) -> str:
        """The last lines of all logs."""
        return "\n".join(f"--- {log.name}\n{self.tail(log.stem)}" for log in sorted(self.folder.glob("*.log")))

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def die_with_parent() -> None:
    """Have the kernel end this process with its parent, so that a killed session leaves nothing behind."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for_port(processes: Processes, port: int, seconds: float) -> None:
    """Wait until something listens; fail early where a program has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        processes.check()
        with socket.socket() as probe:
            # A free port can connect to itself.
            if probe.connect_ex(("127.0.0.1", port)) == 0 and probe.getsockname() != probe.getpeername():
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port} after {seconds:.0f} s\n{processes.tails()}")
