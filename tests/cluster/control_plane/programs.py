"""Finds the programs of a control plane: envtest's folder first, then what `make test-tools` built."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.paths import MISSING, kwok_stages, tool

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


@dataclass(frozen=True)
class Programs:
    """Where each program is, and how the nodes of kwok live."""

    paths: dict[str, Path]
    stages: Path


def find_programs() -> Programs:
    """All programs, or a skip that says how to get them."""
    found = {name: find(name) for name in NAMES}
    paths = {name: path for name, path in found.items() if path}
    stages = kwok_stages()
    if stages is None or len(paths) < len(NAMES):
        missing = ", ".join(name for name in NAMES if name not in paths) or "kwok's stages"
        pytest.skip(f"no control plane ({missing} missing): {MISSING}, or name a cluster with --kubeconfig")
    return Programs(paths, stages)


def find(name: str) -> Path | None:
    """A program in the folder that `KUBEBUILDER_ASSETS` names, or else the built one."""
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        path = Path(assets) / name
        if path.is_file():
            return path.absolute()
    return tool(name)
