"""Argo CD's own programs beside a control plane, with the settings that `argocd/install` gives their containers."""

import os
from pathlib import Path
from typing import Self

from tests.cluster.control_plane.processes import ENVIRONMENT, Processes, free_ports, wait_for_port
from tests.gitops.rendering import Document

STARTS_WITHIN = 60.0


class ArgoCD:
    """The application controller, the repo server, the application set controller, and their Redis."""

    def __init__(self, programs: dict[str, Path], install: list[Document], folder: Path, kubeconfig: Path) -> None:
        folder.mkdir(parents=True)
        self._processes = Processes(folder)
        self._programs = programs
        self._install = install
        self._folder = folder
        self._environment = {
            **ENVIRONMENT,
            "PATH": f"{_image_scripts(folder / 'scripts')}:{_links(folder / 'tools', programs)}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "KUBECONFIG": str(kubeconfig),
            # Its own cluster is the one that the kubeconfig names.
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
            "ARGOCD_SSH_DATA_PATH": str(folder / "ssh"),
            # Not the one place in /tmp, which another run or user may hold.
            "ARGOCD_ASK_PASS_SOCK": str(folder / "ask.sock"),
        }

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._processes.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.stop()

    def _start(self) -> None:
        """Start everything; what has a name in a cluster is a port of this machine."""
        redis, repo, repo_metrics, metrics, probes, applicationset_metrics, webhook = free_ports(7)
        command = [str(self._programs["redis-server"]), "--port", str(redis), "--bind", "127.0.0.1"]
        self._processes.start("redis", [*command, "--save", "", "--appendonly", "no"])
        wait_for_port(self._processes, redis, STARTS_WITHIN)
        local = "127.0.0.1:{}".format
        self._run(
            "repo-server", repo, address="127.0.0.1", port=str(repo), redis=local(redis),
            metrics_address="127.0.0.1", metrics_port=str(repo_metrics),
        )  # fmt: skip
        self._run(
            "application-controller", metrics, namespace="argocd", metrics_port=str(metrics), redis=local(redis),
            repo_server=local(repo),
        )  # fmt: skip
        self._run(
            "applicationset-controller", probes, namespace="argocd", argocd_repo_server=local(repo),
            metrics_addr=local(applicationset_metrics), probe_addr=local(probes), webhook_addr=local(webhook),
        )  # fmt: skip

    def complaints(self, lines: int = 5) -> str:
        """The last warnings and errors of each program."""
        told = []
        for log in sorted(self._folder.glob("argocd-*.log")):
            said = log.read_text(errors="replace").splitlines()
            serious = [line[:600] for line in said if '"level":"info"' not in line]
            told.append("\n".join([f"--- {log.name}", *serious[-lines:]]))
        return "\n".join(told)

    def _run(self, name: str, listens_on: int, /, **flags: str) -> None:
        name = f"argocd-{name}"
        environment = container_environment(self._install, name) | self._environment | {"ARGOCD_BINARY_NAME": name}
        arguments = [f"--{flag.replace('_', '-')}={value}" for flag, value in flags.items()]
        settings = [f"{variable}={value}" for variable, value in environment.items()]
        self._processes.start(
            name, ["env", "--ignore-environment", *settings, str(self._programs["argocd"]), *arguments]
        )
        wait_for_port(self._processes, listens_on, STARTS_WITHIN)


def container_environment(install: list[Document], workload: str) -> dict[str, str]:
    """What the container's environment would be: its values, and those that the ConfigMaps hold."""
    maps = {one["metadata"]["name"]: one.get("data", {}) for one in install if one["kind"] == "ConfigMap"}
    pod = next(
        one["spec"]["template"]["spec"]
        for one in install
        if one["kind"] in {"Deployment", "StatefulSet"} and one["metadata"]["name"] == workload
    )
    container = next(one for one in pod["containers"] if one["name"] == workload)
    environment = {}
    for variable in container["env"]:
        value = variable.get("value")
        if reference := variable.get("valueFrom", {}).get("configMapKeyRef"):
            value = maps.get(reference["name"], {}).get(reference["key"])
        # Folders of the container, such as Helm's, are not there.
        if value is not None and not str(value).startswith("/"):
            environment[variable["name"]] = str(value)
    return environment


def _image_scripts(folder: Path) -> Path:
    """The one script that the image adds to the programs. It verifies signatures; no project here asks for them."""
    folder.mkdir()
    script = folder / "git-verify-wrapper.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return folder


def _links(folder: Path, programs: dict[str, Path]) -> Path:
    """The programs that the repo server calls by name."""
    folder.mkdir()
    for name in ("kustomize", "helm"):
        (folder / name).symlink_to(programs[name])
    return folder
