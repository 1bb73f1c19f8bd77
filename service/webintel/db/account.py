"""Running PostgreSQL's programs, which refuse to run as root, under an account that may."""

import os
import pwd
import subprocess
from pathlib import Path
from typing import IO, Any

import msgspec

ACCOUNTS = ("postgres", "nobody")
"""Existing accounts that root borrows, best first: no account is created on anybody's machine."""

PROGRAM_TIMEOUT = 120


class Account(msgspec.Struct, frozen=True):
    """Whose processes and files the server's are."""

    uid: int
    gid: int
    name: str
    borrowed: bool
    """Root acts for this account; otherwise it is the account that we run as."""

    def options(self) -> dict[str, Any]:
        """What `subprocess` needs to start a program under this account, in a folder that it may enter."""
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        common: dict[str, Any] = {"cwd": "/", "env": environment, "stdin": subprocess.DEVNULL}
        if self.borrowed:
            common |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return common

    def run(self, *command: str | Path, timeout: float = PROGRAM_TIMEOUT) -> subprocess.CompletedProcess[str]:
        """Run a program to its end and keep what it says."""
        return subprocess.run(  # noqa: S603 - our own programs and paths
            [str(part) for part in command],
            **self.options(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *command: str | Path, log: IO[bytes], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program that goes on running and writes to the log."""
        return subprocess.Popen(  # noqa: S603 - our own programs and paths
            [str(part) for part in command], **self.options(), stdout=log, stderr=subprocess.STDOUT, **options
        )

    def may_run(self, program: Path) -> bool:
        """Whether the account can reach and run a program."""
        try:
            return self.run(program, "--version").returncode == 0
        except OSError:
            return False

    def may_enter(self, folder: Path) -> bool:
        """Whether the account can reach a folder."""
        try:
            return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0
        except OSError:
            return False

    def give(self, path: Path) -> None:
        """Make a file or folder the account's own."""
        if self.borrowed:
            os.chown(path, self.uid, self.gid)


def account_for(pgdata: Path) -> Account | None:
    """The account that owns the data, or may come to own it; none where root finds nobody to act for."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), str(os.geteuid()), borrowed=False)
    if pgdata.exists() and pgdata.stat().st_uid != 0:
        owner = pgdata.stat()
        return Account(owner.st_uid, owner.st_gid, str(owner.st_uid), borrowed=True)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, borrowed=True)
    return None
