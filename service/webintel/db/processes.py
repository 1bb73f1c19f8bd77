"""Processes that must not outlive their parent."""

import contextlib
import ctypes
import os
import signal
import sys

import psutil

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child that has only just been forked must not load anything.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def follow_parent(parent: int, signal_number: int) -> None:
    """Ask the kernel, in a new child, to send it a signal when its parent dies.

    The child of a thread follows that thread: start children from the main one.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os.kill(os.getpid(), signal.SIGKILL)


def end_process(process: psutil.Process, patience: float) -> None:
    """Ask a PostgreSQL server to shut down, then insist: fast, immediate, kill."""
    for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal_number)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(patience)
            return
