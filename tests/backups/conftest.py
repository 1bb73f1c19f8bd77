import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.backups.pod import Pod, find, lose
from tests.backups.store import Store
from tests.backups.tools import installed_tools
from tests.gitops.rendering import render
from webintel.db.account import Account, account_for
from webintel.db.programs import installed_programs, reachable_programs

PASSWORD = 'it\'s 100% "hard" \\ to guess'
BACKUP_PASSWORD = "another"
START_TIMEOUT = 180

RECOVER = {"RESTORE_FROM": "postgres", "BACKUP_SERVER": "postgres-2"}
"""What the recovery of a lost volume changes in git."""


@dataclass
class Place:
    """What every pod of the test shares."""

    folder: Path
    account: Account
    programs: list[Path]
    psql: Path
    store: Store
    processes: list[subprocess.Popen[Any]] = field(default_factory=list)

    def pod(self, kind: str, name: str, *, cluster: str = "staging", live: int = 0, restored: int = 0) -> Pod:
        """A new pod of a workload, with volumes of its own, and with the ports of the servers that it is told of."""
        documents = render(cluster, "data")
        owner = find(documents, kind, name)
        spec = owner["spec"] if kind == "StatefulSet" else owner["spec"]["jobTemplate"]["spec"]
        folder = Path(tempfile.mkdtemp(prefix=name[:8], dir=self.folder))
        folder.chmod(0o755)
        pod = Pod(
            documents,
            spec["template"]["spec"],
            folder=folder,
            account=self.account,
            programs=self.programs,
            secrets={
                "postgres-app": {"password": PASSWORD, "uri": uri(live), "restored-uri": uri(restored)},
                "postgres-admin": {"password": BACKUP_PASSWORD},
                "backup-store": {"access-key-id": "test", "secret-access-key": "test"},
            },
        )
        pod.settings |= {"AWS_ENDPOINT_URL_S3": self.store.url}
        return pod


class Server:
    """The database's pod: prepared and started as the StatefulSet says, but for its port."""

    def __init__(self, place: Place, pod: Pod, *, password: str = PASSWORD, port: int | None = None) -> None:
        self._place = place
        self._password = password
        self.pod = pod
        self.port = port or free_port()
        self._process = pod.start("postgres", "-c", f"port={self.port}", "-c", "fsync=off")
        place.processes.append(self._process)
        deadline = time.monotonic() + START_TIMEOUT
        while self.sql("SELECT 1", check=False) != "1":
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.1)

    @property
    def log(self) -> str:
        return (self.pod.folder / "postgres.log").read_text()

    def sql(
        self,
        statement: str,
        *,
        user: str = "wip",
        password: str | None = None,
        database: str = "web_intelligence",
        check: bool = True,
    ) -> str:
        done = subprocess.run(
            [self._place.psql, "-XAtq", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-c", statement, database],
            env={"PGPASSWORD": password or self._password, "PGCONNECT_TIMEOUT": "10"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()

    def administer(self, statement: str) -> str:
        return self.sql(statement, user="backup", password=BACKUP_PASSWORD, database="postgres")

    def archive(self) -> None:
        """Close the WAL that is being written, and wait until it is in the archive."""
        segment = self.administer("SELECT pg_walfile_name(pg_current_wal_lsn())")
        self.administer("SELECT pg_switch_wal()")
        deadline = time.monotonic() + START_TIMEOUT
        while self.administer("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver") < segment:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.1)

    def stop(self) -> None:
        """Shut down as `pg_ctl stop --mode=fast` does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    def lose(self) -> None:
        """Lose the server and its volume."""
        lose(self._process)
        shutil.rmtree(self.pod.volume("data"))


@dataclass
class Lost:
    """A database that is gone, but for its archive: a base backup, and rows that are only in the WAL behind it."""

    rows: str
    """What `ROWS` answered."""
    log: str


ROWS = "SELECT count(*), min(id), max(id), md5(string_agg(id || text, ',' ORDER BY id)) FROM notes"


def insert(server: Server, count: int) -> None:
    server.sql(f"INSERT INTO notes (text) SELECT md5(i::text) FROM generate_series(1, {count}) i")  # noqa: S608


def uri(port: int) -> str:
    return f"postgresql://wip:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/web_intelligence"


def webintel(*arguments: str, live: int, said: str = "") -> None:
    """Run a command of ours on a server."""
    program = Path(sys.executable).with_name("webintel")
    environment = {"WEBINTEL_DATABASE_URL": uri(live)}
    done = subprocess.run(
        [program, *arguments], env=environment, input=said, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def take_backup(place: Place, server: Server, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the daily backup beside the server: it mounts the same volume."""
    pod = place.pod("CronJob", "postgres-backup")
    pod.volume("data").rmdir()
    pod.volume("data").symlink_to(server.pod.volume("data"))
    shutil.copytree(server.pod.volume("config"), pod.volume("config"), dirs_exist_ok=True)
    pod.settings |= {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), **settings}
    return pod.run("backup")


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    # Short, for the path of a socket; and in a folder that the server's account may enter.
    folder = Path(tempfile.mkdtemp(prefix="backups-"))
    folder.chmod(0o755)
    account = account_for(folder / "none")
    if account is None:
        pytest.skip("PostgreSQL does not run as root: run the tests as an ordinary user, or add an account `postgres`.")
    installed = installed_programs()
    assert installed is not None
    tools = installed_tools(account)
    programs = [reachable_programs(installed, account, folder), tools]
    with Store(tools / "moto_server", folder / "store.log") as store:
        place = Place(folder, account, programs, installed / "psql", store)
        yield place
        for process in place.processes:
            if process.poll() is None:
                lose(process)
    shutil.rmtree(folder)


@pytest.fixture
def new_server(place: Place) -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    started: list[Server] = []

    def start(pod: Pod, **options: Any) -> Server:
        started.append(Server(place, pod, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def lost(place: Place) -> Lost:
    pod = place.pod("StatefulSet", "postgres")
    prepared = pod.run("prepare")
    assert prepared.returncode == 0, prepared.stdout
    server = Server(place, pod)
    webintel("migrate", live=server.port)
    server.sql("CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL)")
    insert(server, 1000)
    backup = take_backup(place, server)
    assert backup.returncode == 0, backup.stdout
    webintel("user", "add", "someone@webintel.example", live=server.port, said="a passphrase of some length\n")
    insert(server, 500)
    server.archive()
    rows = server.sql(ROWS)
    server.lose()
    return Lost(rows, f"{prepared.stdout}{server.log}{backup.stdout}")


@pytest.fixture(scope="session")
def recovered(place: Place, lost: Lost) -> Server:
    """The lost database on a new volume, as its operator brings it back; tests leave it as it is."""
    pod = place.pod("StatefulSet", "postgres")
    pod.settings |= RECOVER
    prepared = pod.run("prepare")
    assert prepared.returncode == 0, prepared.stdout
    return Server(place, pod)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
