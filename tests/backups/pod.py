"""Runs what a pod's containers run: commands, environment and ConfigMaps as rendered, on folders of this machine."""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.gitops.rendering import Document
from webintel.db.account import Account

TIMEOUT = 300


def find(documents: Iterable[Document], kind: str, name: str) -> Document:
    """The one object of that name; ConfigMaps have a hash behind it."""
    (found,) = [
        document
        for document in documents
        if document["kind"] == kind
        and (document["metadata"]["name"] == name or _base_name(document["metadata"]["name"]) == name)
    ]
    return found


def container(pod_spec: Document, name: str) -> Document:
    (found,) = [each for each in [*pod_spec.get("initContainers", []), *pod_spec["containers"]] if each["name"] == name]
    return found


class Pod:
    """One pod with volumes that are folders; what it mounts of the cluster comes from the rendered documents."""

    def __init__(
        self,
        documents: list[Document],
        pod_spec: Document,
        *,
        folder: Path,
        account: Account,
        programs: list[Path],
        secrets: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.documents = documents
        self.pod_spec = pod_spec
        self.account = account
        self.folder = folder
        self.secrets = secrets
        self.path = ":".join([*(str(path) for path in programs), "/usr/bin", "/bin"])
        self.settings: dict[str, str] = {}
        """Environment that the test changes, as an operator would in git."""
        self._volumes: dict[str, Path] = {}
        for volume in [*pod_spec["volumes"], {"name": "data"}]:
            self._make_volume(volume)

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        command, environment = self._prepared(name)
        return subprocess.run(
            command,
            **self.account.options() | {"env": environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def run_ours(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a container of our own image to its end: its entrypoint is the command beside this Python."""
        return subprocess.run(
            [Path(sys.executable).with_name("webintel"), *container(self.pod_spec, name)["args"]],
            env={"PATH": self.path} | self.environment(name),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a container that goes on running; what it says is in `<name>.log`."""
        command, environment = self._prepared(name)
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*command, *arguments],
                **self.account.options() | {"env": environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def volume(self, name: str) -> Path:
        return self._volumes[name]

    def environment(self, name: str) -> dict[str, str]:
        """What a container finds in its environment."""
        spec = container(self.pod_spec, name)
        values: dict[str, str] = {}
        for source in spec.get("envFrom", []):
            values |= find(self.documents, "ConfigMap", _base_name(source["configMapRef"]["name"]))["data"]
        for variable in spec.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            values[variable["name"]] = (
                self.secrets[reference["name"]][reference["key"]] if reference else variable["value"]
            )
        return {key: self._here(name, value) for key, value in (values | self.settings).items()}

    def _prepared(self, name: str) -> tuple[list[str], dict[str, str]]:
        spec = container(self.pod_spec, name)
        command = [self._here(name, part) for part in [*spec["command"], *spec.get("args", [])]]
        environment = {"PATH": self.path, "HOME": str(self.folder), "TMPDIR": str(self._volumes["tmp"])}
        return command, environment | self.environment(name)

    def _here(self, name: str, text: str) -> str:
        """A text with the container's mount points replaced by our folders."""
        folders = {
            m["mountPath"]: str(self._volumes[m["name"]]) for m in container(self.pod_spec, name)["volumeMounts"]
        }
        mounts = "|".join(re.escape(path) for path in folders)
        return re.sub(rf"(?<![\w/.-])({mounts})(?=/|$)", lambda found: folders[found[1]], text)

    def _make_volume(self, volume: Document) -> None:
        folder = self.folder / volume["name"]
        folder.mkdir(exist_ok=True)
        self.account.give(folder)
        self._volumes[volume["name"]] = folder
        if "configMap" in volume:
            config = find(self.documents, "ConfigMap", _base_name(volume["configMap"]["name"]))
            for key, text in config["data"].items():
                (folder / key).write_text(text.replace("'/var/run/postgresql'", f"'{self.folder / 'run'}'"))
        for source in volume.get("projected", {}).get("sources", []):
            for item in source["secret"]["items"]:
                held = self.secrets[source["secret"]["name"]]
                if item["key"] in held or not source["secret"].get("optional"):
                    (folder / item["path"]).write_text(held[item["key"]])


def lose(process: subprocess.Popen[Any]) -> None:
    """End a server as a lost machine does: at once, with all its processes."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in children:
        if child.is_running():
            child.kill()
    process.wait()
    psutil.wait_procs(children, timeout=10)


def _base_name(name: str) -> str:
    base, _, suffix = name.rpartition("-")
    return base if base and len(suffix) == 10 and suffix.isalnum() else name
