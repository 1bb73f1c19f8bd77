"""What `argocd/install` renders to, with upstream's file from the tools of the tests instead of the network."""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.gitops.rendering import ARGOCD, Document, kustomize
from tests.tools.paths import MISSING, argocd_manifests

UPSTREAM = re.compile(r"https://raw\.githubusercontent\.com/argoproj/argo-cd/(v[\d.]+)/manifests/(\S+\.yaml)")


@cache
def upstream() -> Path:
    """The release's manifests, or a skip that says how to get them."""
    manifests = argocd_manifests()
    if manifests is None:
        pytest.skip(f"Argo CD's manifests are not there: {MISSING}")
    return manifests


def render_installation(scratch: Path, form: str = "install") -> list[Document]:
    """Render a form of the installation: `install` for three nodes, `install/one-node`."""
    return kustomize(localise(scratch / "argocd") / form)


def localise(copy: Path) -> Path:
    """A copy of `argocd` whose installation has upstream's file beside it instead of its address."""
    shutil.copytree(ARGOCD / "install", copy / "install", dirs_exist_ok=True)
    for kustomization in (copy / "install").rglob("kustomization.yaml"):
        kustomization.write_text(_local(kustomization))
    return copy


def _local(kustomization: Path) -> str:
    """The text with upstream's files beside it instead of their addresses."""
    text = kustomization.read_text()
    for found in UPSTREAM.finditer(text):
        name = found[2].replace("/", "-")
        shutil.copyfile(upstream() / found[2], kustomization.parent / name)
        text = text.replace(found[0], name)
    return text


def one(documents: list[Document], kind: str, name: str) -> Document:
    """The object of this kind and name."""
    return next(found for found in documents if found["kind"] == kind and found["metadata"]["name"] == name)
