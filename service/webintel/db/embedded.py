"""A PostgreSQL of our own, from a wheel, for a laptop and for tests.

The wheel's own server handling shares one lock between users, leaves servers behind whose owner died, creates accounts
and opens folders; so only its programs are used. The server is a child of whoever starts it, listens on nothing but a
socket in a private folder, and is told by the kernel to shut down when its parent dies, even by SIGKILL.
"""

import fcntl
import functools
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psutil

from webintel.db.account import ACCOUNTS, Account, account_for
from webintel.db.processes import end_process, follow_parent
from webintel.db.programs import MAJOR_VERSION, installed_programs, reachable_programs

SUPERUSER = "webintel"
DATABASE = "postgres"
SOCKET = ".s.PGSQL.5432"
MAX_SOCKET_PATH = 107
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
MAX_LOG_BYTES = 5_000_000

TEST_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
"""For data that nobody will miss."""


class EmbeddedServerError(Exception):
    """The server cannot run here; the message is one line that says why and what to do."""


def default_data_dir() -> Path:
    """Where data goes when nobody says otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/webintel")
    base = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "share") / "webintel"


class EmbeddedServer:
    """One server on one data folder; `start` and `stop` belong in the main thread."""

    def __init__(self, data_dir: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self._options = options or {}
        self._pgdata = self.data_dir / "postgres"
        self._log = self.data_dir / "postgres.log"
        self._sockets = self._socket_folder()
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the database, as the setting `DATABASE_URL` has it."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self._sockets), safe='')}"

    @property
    def running(self) -> bool:
        """Whether the server that was started is still there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server, on a new cluster where there is none; also after it has died.

        Raises:
            EmbeddedServerError: it cannot run here.
        """
        if self.running:
            return
        try:
            self._take_lock()
            account = self._account()
            programs = self._programs(account)
            self._own(account)
            self._end_leftover()
            if not self._pgdata.exists():
                self._create_cluster(account, programs)
            self._check_version()
            self._launch(account, programs)
        except OSError as error:
            self.stop()
            raise EmbeddedServerError(
                f"{error.filename or self.data_dir}: {error.strerror or error}. Choose a folder that can be written "
                "with --data-dir or WEBINTEL_DATA_DIR."
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut the server down, wait until it is gone, and let go of the data folder."""
        if self._process is not None:
            if self.running:
                end_process(psutil.Process(self._process.pid), STOP_TIMEOUT)
            self._process.wait()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _socket_folder(self) -> Path:
        folder = self.data_dir / "run"
        if len(os.fsencode(folder / SOCKET)) <= MAX_SOCKET_PATH:
            return folder
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"webintel-{os.geteuid()}-{digest}"

    def _take_lock(self) -> None:
        """Be the only one that uses the data folder; the lock ends with this process, however it ends."""
        if self._lock is not None:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise EmbeddedServerError(
                f"{self.data_dir} is in use by process {owner or 'unknown'}, perhaps another `webintel up`: "
                "stop that one, or choose another folder with --data-dir."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def _account(self) -> Account:
        account = account_for(self._pgdata)
        if account is None:
            raise EmbeddedServerError(
                f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)} to run it under: "
                "start as an ordinary user, or give WEBINTEL_DATABASE_URL."
            )
        return account

    def _programs(self, account: Account) -> Path:
        installed = installed_programs()
        if installed is None:
            raise EmbeddedServerError(
                "The embedded PostgreSQL is not installed: install webintel[embedded], or give WEBINTEL_DATABASE_URL."
            )
        if account.borrowed:
            # The data folder belongs to root; the server only passes through to its own folders.
            self.data_dir.chmod(0o711)
            if not account.may_enter(self.data_dir):
                raise EmbeddedServerError(
                    f"Root runs PostgreSQL under the account {account.name}, which may not enter {self.data_dir}: "
                    "choose another with --data-dir or WEBINTEL_DATA_DIR."
                )
        return reachable_programs(installed, account, self.data_dir)

    def _own(self, account: Account) -> None:
        """Prepare the folder of the socket and the log."""
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        found = self._sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.uid}:
            raise EmbeddedServerError(f"{self._sockets} belongs to somebody else: remove it, or set TMPDIR.")
        self._sockets.chmod(0o700)
        account.give(self._sockets)
        if self._log.exists() and self._log.stat().st_size > MAX_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))

    def _end_leftover(self) -> None:
        """End a server whose owner died before it, and forget one that died itself."""
        try:
            pid = int((self._pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        process = _server_on(self._pgdata, pid)
        if process is not None:
            end_process(process, STOP_TIMEOUT)
        # A number that another process has been given since would keep the new server from starting.
        for name in (self._pgdata / "postmaster.pid", self._sockets / SOCKET, self._sockets / f"{SOCKET}.lock"):
            name.unlink(missing_ok=True)

    def _create_cluster(self, account: Account, programs: Path) -> None:
        """Make the cluster aside and move it into place, so that an interrupted attempt leaves nothing half made."""
        partial = self._pgdata.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        account.give(partial)
        done = account.run(
            *(
                programs / "initdb",
                "-D",
                partial,
                "-U",
                SUPERUSER,
                "--auth=trust",
                "--encoding=UTF8",
                "--no-instructions",
            ),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(["--no-sync"] if self._options.get("fsync") == "off" else []),
        )
        if done.returncode != 0:
            raise EmbeddedServerError(
                f"PostgreSQL could not make its data folder: {_last_line(done.stdout)}. "
                "Give WEBINTEL_DATABASE_URL to use another server."
            )
        partial.rename(self._pgdata)

    def _check_version(self) -> None:
        found = (self._pgdata / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise EmbeddedServerError(
                f"{self._pgdata} was made by PostgreSQL {found}, but this is {MAJOR_VERSION}: "
                "dump it with the old version, or choose another folder with --data-dir."
            )

    def _launch(self, account: Account, programs: Path) -> None:
        options = {
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            "listen_addresses": "",
            "cluster_name": "webintel",
            "timezone": "UTC",
            "log_timezone": "UTC",
        } | dict(self._options)
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = account.start(
                *[str(programs / "postgres"), "-D", str(self._pgdata), *arguments],
                log=log,
                # Ctrl-C is for whoever started it; and SIGINT, when that one dies, is PostgreSQL's fast shutdown.
                start_new_session=True,
                preexec_fn=functools.partial(follow_parent, os.getpid(), signal.SIGINT),
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if not self.running or time.monotonic() > deadline:
                reason = _last_line(self._log.read_text(errors="replace"))
                raise EmbeddedServerError(f"PostgreSQL did not start: {reason}. The whole log is {self._log}.")
            time.sleep(0.02)

    def _ready(self) -> bool:
        try:
            lines = (self._pgdata / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


def _server_on(pgdata: Path, pid: int) -> psutil.Process | None:
    """The process of that number, if it is a server on this very folder and not a stranger with the same number."""
    try:
        process = psutil.Process(pid)
        command = process.cmdline()
    except psutil.Error:
        return None
    return process if str(pgdata) in command and "postgres" in command[0] else None


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
