"""barman-cloud as in the database's image, and an S3 of our own: test tools, in an environment of their own.

They are never installed beside the service: barman is GPL.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.gitops.rendering import ROOT
from webintel.db.account import Account

PACKAGES = ("barman[cloud]==3.19.1", "moto[s3,server]==5.2.5", "psycopg2-binary==2.9.13")
WITHOUT = "psycopg2; sys_platform == 'none'"
"""barman asks for the source package; the binary one is the same module without a compiler."""


def installed_tools(account: Account) -> Path:
    """The folder of the tools' programs, which the account may run."""
    uv = _uv()
    python = next((str(path) for path in _pythons() if account.may_run(path)), None)
    if python is None:
        pytest.skip(f"{account.name} may run no Python here: install python3, or run the tests as an ordinary user.")
    pins = hashlib.sha256("\n".join([*PACKAGES, python]).encode()).hexdigest()[:12]
    environment = _cache(account) / f"backups-{pins}"
    if not (environment / "complete").exists():
        _install(uv, python, environment)
    return environment / "bin"


def _uv() -> str:
    found = ROOT / ".bootstrap" / "bin" / "uv"
    if found.exists():
        return str(found)
    if on_path := shutil.which("uv"):
        return on_path
    pytest.skip("nothing here installs test tools: run `make setup`, or install uv")


def _pythons() -> list[Path]:
    return [Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"), Path("/usr/bin/python3")]


def _cache(account: Account) -> Path:
    """A folder that outlives the run and that the account may enter; root's own home is closed to others."""
    if account.borrowed:
        return Path("/var/cache/webintel-test-tools")
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".cache") / "webintel-test-tools"


def _install(uv: str, python: str, environment: Path) -> None:
    environment.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        without = Path(scratch, "without.txt")
        without.write_text(f"{WITHOUT}\n")
        for command in (
            ["venv", "--quiet", "--clear", "--python", python, environment],
            [
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                environment,
                "--overrides",
                without,
                *PACKAGES,
            ],
        ):
            done = subprocess.run([uv, *command], capture_output=True, text=True, check=False, timeout=600)
            if done.returncode:
                pytest.skip(f"barman-cloud and moto cannot be installed here: {done.stderr.strip()[-500:]}")
    (environment / "complete").touch()
