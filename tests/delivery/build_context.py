"""What of a folder enters an image's build: `.dockerignore`, whose last pattern that matches decides."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def context_files(root: Path) -> list[str]:
    """List the files that a build sees, by their path below the root."""
    text = (root / ".dockerignore").read_text()
    rules = list(_rules(text))
    named = [line.strip("!/ ") for line in text.splitlines() if line.startswith("!")]
    found = []
    for folder, folders, files in os.walk(root):
        above = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if _worth_a_look((above / name).as_posix(), rules, named)]
        found += [name for name in ((above / file).as_posix() for file in files) if _enters(name, rules)]
    return sorted(found)


def _worth_a_look(folder: str, rules: list[tuple[re.Pattern[str], bool]], named: list[str]) -> bool:
    return _enters(folder, rules) or any(name.startswith((f"{folder}/", "*")) for name in named)


def copy_context(root: Path, target: Path) -> Path:
    """Copy what a build sees."""
    for name in context_files(root):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target / name)
    return target


def _rules(text: str) -> Iterator[tuple[re.Pattern[str], bool]]:
    for line in text.splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            yield _expression(pattern.removeprefix("!").strip("/")), pattern.startswith("!")


def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/?|\*|\?|\[[^]]*\])", pattern)
    wild = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(wild.get(part, part if part.startswith("[") else re.escape(part)) for part in parts))


def _enters(name: str, rules: list[tuple[re.Pattern[str], bool]]) -> bool:
    above = [str(folder) for folder in PurePosixPath(name).parents if str(folder) != "."]
    enters = True
    for expression, included in rules:
        if any(expression.fullmatch(candidate) for candidate in (name, *above)):
            enters = included
    return enters
