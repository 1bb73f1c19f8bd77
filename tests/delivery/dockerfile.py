"""Reads the Dockerfile: stages of instructions, as far as ours uses the language."""

import re
import shlex
from dataclasses import dataclass, field

KEYWORDS = {"ARG", "COPY", "ENTRYPOINT", "ENV", "FROM", "LABEL", "RUN", "STOPSIGNAL", "USER", "WORKDIR"}


@dataclass(frozen=True)
class Instruction:
    keyword: str
    value: str

    @property
    def words(self) -> list[str]:
        """The value without flags, in words."""
        return [word for word in shlex.split(self.value) if not word.startswith("--")]

    @property
    def pairs(self) -> dict[str, str]:
        """What `ENV`, `ARG` and `LABEL` set."""
        return {name: value for name, _, value in (word.partition("=") for word in shlex.split(self.value))}

    @property
    def source_stage(self) -> str | None:
        """The stage that `COPY --from` names."""
        found = re.match(r"--from=(\S+)", self.value)
        return found.group(1) if found else None


@dataclass
class Stage:
    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def values(self, keyword: str) -> list[str]:
        return [step.value for step in self.instructions if step.keyword == keyword]

    def pairs(self, keyword: str) -> dict[str, str]:
        return {k: v for step in self.instructions if step.keyword == keyword for k, v in step.pairs.items()}


def parse(text: str) -> list[Stage]:
    """Read the stages.

    Raises:
        ValueError: an instruction that the tests do not know how to follow.
    """
    stages: list[Stage] = []
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        keyword, _, value = line.strip().partition(" ")
        if keyword not in KEYWORDS:
            raise ValueError(f"unknown instruction: {line}")
        if keyword == "FROM":
            base, _, name = value.partition(" AS ")
            stages.append(Stage(base.strip(), name.strip() or None))
        else:
            stages[-1].instructions.append(Instruction(keyword, re.sub(r"\s+", " ", value.strip())))
    return stages
