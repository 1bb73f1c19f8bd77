"""Servers beside the one that the tests share: copies of a server, as backups and replicas are."""

import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import asyncpg
from sqlalchemy import make_url

from webintel.db.embedded import TEST_OPTIONS, EmbeddedServer
from webintel.db.programs import installed_programs, reachable_programs


@contextmanager
def own_server(options: Mapping[str, str] | None = None) -> Iterator[EmbeddedServer]:
    """A server of its own, gone at the end."""
    with _folder() as folder, EmbeddedServer(folder, options={**TEST_OPTIONS, **(options or {})}) as server:
        yield server


@contextmanager
def copy_of(
    original: EmbeddedServer, *, signal_file: str | None = None, follow: bool = False
) -> Iterator[EmbeddedServer]:
    """A server on a base backup of another.

    With the signal file `standby.signal` it stays in recovery; with `follow` it streams from the original besides.
    """
    with _folder() as folder:
        copy = EmbeddedServer(folder, options=TEST_OPTIONS)
        account = original._account()
        installed = installed_programs()
        assert installed
        programs = reachable_programs(installed, account, original.data_dir)
        folder.chmod(0o711)
        target = folder / "postgres"
        target.mkdir(mode=0o700)
        account.give(target)
        sockets = str(make_url(original.url).query["host"])
        done = account.run(
            *(programs / "pg_basebackup", "-h", sockets, "-U", "webintel", "-D", target, "-c", "fast", "--no-sync"),
            *(["-R"] if follow else []),
        )
        assert done.returncode == 0, done.stdout
        if signal_file:
            (target / signal_file).touch()
            account.give(target / signal_file)
        with copy:
            yield copy


@contextmanager
def _folder() -> Iterator[Path]:
    # Not pytest's own: PostgreSQL's account must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="webintel-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PasswordServer(NamedTuple):
    """A server that lets the role `wip` in from the network by its password alone."""

    server: EmbeddedServer
    port: int

    def url(self, password: str) -> str:
        return f"postgresql://wip:{quote(password, safe='')}@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        return (self.server.data_dir / "postgres.log").read_text()

    async def administer(self, *statements: str) -> None:
        """Run statements as the superuser, who comes by the socket."""
        connection = await asyncpg.connect(self.server.url, port=self.port)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def change_password(self, password: str) -> None:
        literal = password.replace("'", "''")
        await self.administer(f"ALTER ROLE wip PASSWORD '{literal}'")


@contextmanager
def password_server(options: Mapping[str, str] | None = None) -> Iterator[PasswordServer]:
    """A server of its own, as in the clusters; `wip` may make tables in it and has no password yet."""
    with _folder() as folder, socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        probe.close()
        folder.chmod(0o711)
        rules = folder / "pg_hba.conf"
        rules.write_text("local all all trust\nhost all wip 127.0.0.1/32 scram-sha-256\n")
        rules.chmod(0o644)
        network = {"listen_addresses": "127.0.0.1", "port": str(port), "hba_file": str(rules)}
        with EmbeddedServer(folder, options={**TEST_OPTIONS, **network, **(options or {})}) as server:
            yield PasswordServer(server, port)
