"""Follows the Dockerfile with no container engine: the same commands, every path moved below a folder."""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.delivery.dockerfile import Instruction, Stage, parse

DOCKERFILE = Path(__file__).parents[2] / "service/Dockerfile"
MOVED = re.compile(r"(?<![\w./-])/(?=(?:opt|src|tmp)\b)")
"""The start of a path that the image has and this machine must not."""
BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class BuildError(Exception):
    """A command of the Dockerfile failed; the message is its output."""


@dataclass
class Image:
    """What the Dockerfile makes: a folder that is its root, and how to start it."""

    root: Path
    python: Path
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    stop_signal: str = "SIGTERM"
    entrypoint: list[str] = field(default_factory=list)

    def moved(self, text: str) -> str:
        """Put every path of the image below the folder."""
        return MOVED.sub(f"{self.root}/", text)

    def contents(self) -> dict[str, str]:
        """Every file of the application by its mode and content, not by its date: an image is exported with one."""
        found = {}
        top = self.root / "opt"
        for path in sorted(top.rglob("*")):
            mode = stat.filemode(path.lstat().st_mode)
            if path.is_symlink():
                content = str(path.readlink())
            else:
                content = "" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(top))] = f"{mode} {content}"
        return found


def build(root: Path, context: Path) -> Image:
    """Follow the Dockerfile into a folder, with a copy of the build's context; a base from an earlier build is kept."""
    stages = parse(DOCKERFILE.read_text())
    toolbox = root / "base"
    if not toolbox.exists():
        subprocess.run([find_python(), "-m", "venv", toolbox], check=True)
    for name in ("opt", "src", "tmp"):
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)
    image = Image(root, toolbox / "bin/python")
    for stage in stages:
        image = Image(root, image.python)
        _follow(stage, image, context)
    shutil.rmtree(root / "src")
    return image


def find_python() -> str:
    """The interpreter of the base image's version where this machine has it, else the one that runs the tests."""
    version = parse(DOCKERFILE.read_text())[0].base.removeprefix("python:").split(".")
    name = f"python{version[0]}.{version[1]}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    installed = sorted(pyenv.glob(f"*/bin/{name}")) if os.access(pyenv, os.R_OK | os.X_OK) else []
    for candidate in (shutil.which(name), *installed):
        if candidate and subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return str(candidate)
    return sys.executable


def _follow(stage: Stage, image: Image, context: Path) -> None:
    arguments: dict[str, str] = {}
    for step in stage.instructions:
        match step.keyword:
            case "ARG":
                arguments |= step.pairs
            case "ENV":
                path = f"{image.root}/base/bin:{BASE_PATH}"
                image.environment |= {k: image.moved(v).replace("$PATH", path) for k, v in step.pairs.items()}
            case "WORKDIR":
                image.workdir = image.moved(step.value)
            case "COPY":
                _copy(step, image, context)
            case "RUN":
                _run(step.value, image, arguments)
            case "USER":
                image.user = step.value
            case "STOPSIGNAL":
                image.stop_signal = step.value
            case "ENTRYPOINT":
                image.entrypoint = json.loads(step.value)


def _copy(step: Instruction, image: Image, context: Path) -> None:
    """Copy from the context; what another stage made is in its place already, as all stages share the folder."""
    if step.source_stage:
        source, target = step.words
        assert source == target, "the stages share one folder"
        return
    *sources, target = step.words
    place = Path(image.workdir, image.moved(target))
    for path in sorted(context.rglob("*")):
        name = path.relative_to(context).as_posix()
        for source in sources:
            if name == source:
                copied = place / Path(source).name if target.endswith("/") else place
            elif name.startswith(f"{source}/"):
                copied = place / name.removeprefix(f"{source}/")
            else:
                continue
            if path.is_file():
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copied)


def _run(command: str, image: Image, arguments: dict[str, str]) -> None:
    # Where packages come from, whom to trust for them, and the cache of earlier downloads are this machine's own.
    own = ("PIP_", "UV_", "XDG_", "SSL_CERT_")
    ours = {name: value for name, value in os.environ.items() if name.startswith(own) or name == "HOME"}
    path = {"PATH": f"{image.root}/base/bin:{BASE_PATH}"}
    done = subprocess.run(
        ["/bin/sh", "-c", image.moved(command)],
        env=ours | path | arguments | image.environment,
        cwd=image.workdir,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        umask=0o022,
    )
    if done.returncode != 0:
        raise BuildError(f"{command}\n{done.stdout}")
