"""Builds the tools of the tests into a cache folder outside the repository: `make test-tools`.

What is there already is kept; a build that is interrupted leaves only whole files behind.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools.paths import HERE, build_folder, cache, crds, tool
from tests.tools.recipes import RECIPES, AdaptedBinaries, Binaries, Files

# The first Go that fetches by itself the newer one that a module asks for.
OLDEST_GO = (1, 21)
GO_ADVICE = "install it from https://go.dev/dl or your distribution (Debian 13: apt-get install golang-go)"
UNREACHABLE = re.compile(
    r"dial tcp|no such host|i/o timeout|connection refused|connection reset|TLS handshake timeout|proxyconnect"
    r"|module lookup disabled|download go[\d.]+ .*: toolchain not available"
)


class BuildError(Exception):
    """Something that the person at the keyboard has to see to, in one line."""


def main() -> int:
    """Make what is missing."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with (cache() / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            build_missing()
    except BuildError as error:
        print(f"make test-tools: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"make test-tools: {error}. Free some space or choose a folder: WEBINTEL_TEST_TOOLS=...", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmake test-tools: stopped; the next run goes on from here", file=sys.stderr)
        return 130
    print(f"tools of the tests: {cache()}")
    return 0


def build_missing() -> None:
    """Compile the commands, then collect the files, for which helm is needed."""
    missing = [
        (module, name)
        for module, recipe in RECIPES.items()
        if isinstance(recipe, Binaries)
        for name in recipe.packages
        if tool(name) is None
    ]
    # They come into their folder all at once.
    collect = crds() is None
    if not missing and not collect:
        return
    check_go()
    steps = len(missing) + collect
    for number, (module, name) in enumerate(missing, 1):
        with step(f"[{number}/{steps}] {module}: {name}"):
            compile_command(module, name)
    if collect:
        with step(f"[{steps}/{steps}] crds: definitions and manifests of the operators"):
            for module, recipe in RECIPES.items():
                if isinstance(recipe, Files):
                    collect_files(module, recipe)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show what is being made, then how long it took."""
    print(f"{title} ...", end=" ", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - start:.0f} s", flush=True)


def check_go() -> None:
    """Refuse early where Go is missing or too old."""
    if shutil.which("go") is None:
        raise BuildError(f"Go is not installed: {GO_ADVICE}")
    version = run("go", "env", "GOVERSION", cwd=cache()).strip()
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST_GO:
        raise BuildError(f"{version} is older than {'.'.join(map(str, OLDEST_GO))}: {GO_ADVICE}")


def compile_command(module: str, name: str) -> None:
    """Compile one command under another name and rename it when it is whole."""
    recipe = RECIPES[module]
    assert isinstance(recipe, Binaries)
    folder = build_folder(module) / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part"
    arguments = ["-mod=readonly", "-trimpath", "-ldflags", recipe.linker_flags, "-o", str(part)]
    with adapted(module, recipe) as options:
        run("go", "build", *arguments, *options, recipe.packages[name], cwd=HERE / module)
    part.replace(folder / name)


@contextmanager
def adapted(module: str, recipe: Binaries) -> Iterator[list[str]]:
    """Give the options that have Go build with tags, and from copies of modules that have the files they lack."""
    if not isinstance(recipe, AdaptedBinaries):
        yield []
        return
    tags = ["-tags", recipe.tags]
    if not recipe.added:
        yield tags
        return
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".adapted-") as scratch:
        modfile = Path(scratch, "go.mod")
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(HERE / module / name, Path(scratch, name))
        for number, (path, files) in enumerate(recipe.added.items()):
            run("go", "mod", "download", path, cwd=HERE / module)
            source = run("go", "list", "-m", "-f", "{{.Dir}}", path, cwd=HERE / module).strip()
            copy = Path(scratch, str(number))
            shutil.copytree(source, copy, copy_function=shutil.copyfile)
            for folder in (copy, *copy.rglob("*/")):
                folder.chmod(0o755)
            for file, text in files.items():
                (copy / file).parent.mkdir(parents=True, exist_ok=True)
                (copy / file).write_text(text)
            run("go", "mod", "edit", f"-replace={path}={copy}", str(modfile), cwd=scratch)
        yield [*tags, f"-modfile={modfile}"]


def collect_files(module: str, recipe: Files) -> None:
    """Copy folders out of downloaded modules, and render the charts that hold definitions."""
    sources = download(module)
    target = build_folder(module)
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".collect-") as scratch:
        for name, (path, folder) in recipe.folders.items():
            # Files of the module cache are read-only: copy what is in them, not their mode.
            shutil.copytree(sources[path] / folder, Path(scratch, "new", name), copy_function=shutil.copyfile)
        for name, (path, folder) in recipe.charts.items():
            settings = [part for value in recipe.chart_values for part in ("--set", value)]
            rendered = run(str(tool("helm")), "template", "crds", str(sources[path] / folder), *settings, cwd=cache())
            Path(scratch, "new", name).mkdir(parents=True)
            Path(scratch, "new", name, "crds.yaml").write_text(rendered)
        for made in Path(scratch).rglob("*/"):
            made.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        Path(scratch, "new").replace(target)


def download(module: str) -> dict[str, Path]:
    """Download the modules that go.mod requires, without theirs; what they hold must be what go.sum says."""
    required = re.findall(
        r"^\s*(?:require )?(\S+\.\S+/\S+) (v\S+)$", (HERE / module / "go.mod").read_text(), re.MULTILINE
    )
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".download-") as scratch:
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(HERE / module / name, Path(scratch, name))
        answer = run(
            "go", "mod", "download", "-json", *(f"{path}@{version}" for path, version in required), cwd=scratch
        )
        # Go adds what it does not find, so a sum that nobody committed shows here.
        if Path(scratch, "go.sum").read_bytes() != (HERE / module / "go.sum").read_bytes():
            raise BuildError(
                f"tests/tools/{module}/go.sum lacks a module that go.mod requires: commit `go mod download`'s"
            )
    decoder = json.JSONDecoder()
    sources, position = {}, 0
    while position < len(answer.rstrip()):
        fields, position = decoder.raw_decode(answer, position)
        sources[fields["Path"]] = Path(fields["Dir"])
        position += len(answer[position:]) - len(answer[position:].lstrip())
    return sources


def run(*command: str, cwd: str | Path) -> str:
    """Run a command and give its output; say in one line why it failed."""
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "auto", "GOWORK": "off"}
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    # `go mod download -json` puts its errors into the output.
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines()]
    said = [line for line in lines if line and not line.startswith(("go: downloading", "#", "{", "}"))]
    if unreachable := next((line for line in said if UNREACHABLE.search(line)), None):
        raise BuildError(
            f"the Go module proxy cannot be reached: check the network, or name one with GOPROXY ({unreachable})"
        )
    raise BuildError(f"`{' '.join(command[:3])} ...` failed: {' | '.join(said[-5:]) or f'exit code {done.returncode}'}")


if __name__ == "__main__":
    sys.exit(main())
