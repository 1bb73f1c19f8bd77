"""Runs a playbook as an operator would, and reads what Ansible says that it did."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = ROOT / "ansible"
PLAYBOOKS = ROOT / "playbooks"
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
# Bounds a playbook that hangs; each wait of its own is shorter.
WITHIN = 900


@dataclass(frozen=True)
class Task:
    """What one task did on one host."""

    name: str
    host: str
    result: dict[str, Any]


@dataclass(frozen=True)
class Played:
    """What came of a playbook."""

    code: int
    text: str
    tasks: list[Task] = field(default_factory=list)
    stats: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """How many tasks changed something, or would."""
        return sum(host["changed"] for host in self.stats.values())

    @property
    def told(self) -> str:
        """All messages of all tasks, and of the items of their loops."""
        results = [result for task in self.tasks for result in (task.result, *task.result.get("results", []))]
        return "\n".join(str(result["msg"]) for result in results if result.get("msg"))

    def changes(self) -> list[str]:
        """The names of the tasks that changed something."""
        return [task.name for task in self.tasks if task.result.get("changed")]

    def failures(self) -> list[str]:
        """The names of the tasks that failed."""
        return [task.name for task in self.tasks if task.result.get("failed")]


@dataclass(frozen=True)
class Player:
    """Plays playbooks with a home and a temporary folder of its own: kubernetes.core keeps what it discovered there."""

    folder: Path
    kubeconfig: Path | None = None
    inventory: str = "local"
    path: str = os.environ["PATH"]

    def play(self, verb: str, *options: str, **variables: object) -> Played:
        """Run `playbooks/<verb>.yml` to its end."""
        with self.playing(verb, *options, **variables) as process:
            output, errors = process.communicate(timeout=WITHIN)
        return read(process.returncode, output, errors)

    def interrupt(self, verb: str, when: Callable[[], object], *options: str, **variables: object) -> Played:
        """Run it, and stop it by SIGTERM as soon as something is so."""
        with self.playing(verb, *options, **variables) as process:
            end = time.monotonic() + WITHIN
            while not when() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.1)
            os.killpg(process.pid, signal.SIGTERM)
            output, errors = process.communicate(timeout=WITHIN)
        return read(process.returncode, output, errors)

    @contextmanager
    def playing(self, verb: str, *options: str, **variables: object) -> Iterator[subprocess.Popen[str]]:
        """The process of a playbook while it runs; it does not outlive the block."""
        given = {**({"cluster_kubeconfig": str(self.kubeconfig)} if self.kubeconfig else {}), **variables}
        inventory = self.inventory if "/" in self.inventory else str(ANSIBLE / "inventories" / self.inventory)
        command = [str(PROGRAM), "--inventory", inventory, "--extra-vars", json.dumps(given), *options]
        process = subprocess.Popen(
            [*command, str(PLAYBOOKS / f"{verb}.yml")],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def environment(self) -> dict[str, str]:
        """What Ansible is started with: nothing of the developer's own but the way to programs."""
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": f"{PROGRAM.parent}:{self.path}",
            "HOME": str(self.folder),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_LOCAL_TEMP": str(temporary),
            "ANSIBLE_NOCOLOR": "1",
        }


def read(code: int, output: str, errors: str) -> Played:
    """Read the report of Ansible's JSON callback; there is none where it did not get as far as a play."""
    text = output + errors
    start = output.find("{\n")
    if start < 0:
        return Played(code, text)
    report, _ = json.JSONDecoder().raw_decode(output[start:])
    tasks = [
        Task(task["task"]["name"], host, result)
        for play in report["plays"]
        for task in play["tasks"]
        for host, result in task["hosts"].items()
    ]
    return Played(code, text, tasks, report["stats"])
