"""Child processes that are started again when they end, and that never outlive the launcher."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from webintel.db.processes import follow_parent

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
HEALTHY_SECONDS = 20.0
"""A child that lived so long has started well: its next end is a new story."""
MAX_QUICK_ENDS = 6
"""So many ends in a row, each soon after the start, mean that it cannot run here."""

logger = structlog.get_logger(__name__)


class LaunchError(Exception):
    """The platform cannot run here; the message is one line that says why and what to do."""


class Child:
    """One process that should always run."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._arguments = [sys.executable, "-m", "webintel", *arguments]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._quick_ends = 0

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process in a session of its own: Ctrl-C is for the launcher, which ends its children in order."""
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._arguments,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=functools.partial(follow_parent, os.getpid(), signal.SIGKILL),  # noqa: PLW1509 - no threads here
        )

    def look_after(self) -> None:
        """Start the process again if it has ended, after a pause that grows with each quick end.

        Raises:
            LaunchError: it ends again and again.
        """
        if self.pid is not None:
            return
        now = time.monotonic()
        if self._process is not None:
            quick = now - self._started_at < HEALTHY_SECONDS
            self._quick_ends = self._quick_ends + 1 if quick else 1
            if self._quick_ends >= MAX_QUICK_ENDS:
                raise LaunchError(
                    f"The {self.name} ended {self._quick_ends} times in a row (exit code {self._process.returncode}): "
                    "see its last lines above."
                )
            pause = min(FIRST_PAUSE * 2 ** (self._quick_ends - 1), LONGEST_PAUSE)
            logger.warning("process ended, starts again", name=self.name, code=self._process.returncode, pause=pause)
            self._process = None
            self._start_at = now + pause
        if now >= self._start_at:
            self.start()

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process is not None and self.pid is not None:
            self._process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait until the process has ended, and end it the hard way at the deadline."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))
            return
        logger.warning("process did not end in time", name=self.name)
        self._process.kill()
        self._process.wait()


def stop_all(children: Sequence[Child], patience: float) -> None:
    """End all children, all at the same time."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + patience
    for child in children:
        child.wait(deadline)


class Stopped(BaseException):
    """A signal asked the launcher to end; like KeyboardInterrupt, no handler of errors may swallow it."""


def on_signals(numbers: Sequence[signal.Signals]) -> Callable[[], None]:
    """Raise `Stopped` at the first of some signals, wherever the launcher is; give a function that ignores them."""

    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    def stop(_number: int, _frame: object) -> None:
        ignore()
        raise Stopped

    for number in numbers:
        signal.signal(number, stop)
    return ignore
