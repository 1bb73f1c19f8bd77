"""Servers beside the one that the tests share: copies of a server, as backups and replicas are."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
