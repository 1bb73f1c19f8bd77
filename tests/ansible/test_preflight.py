"""What is not in order is told before anything is written: all of it at once, each with what mends it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import ANSIBLE, ROOT, Played
from tests.cluster.conftest import StartControlPlane
from tests.cluster.control_plane.cluster import Cluster, Object
from tests.tools.paths import tool

PROBLEMS, WARNINGS = "Before preflight, mend this:", "Before preflight, know this:"
KINDS = (
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("v1", "Node"),
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)


def message(played: Played, first: str) -> str:
    """The one message that begins so; a line feed ends each sentence in it."""
    (found,) = [
        str(task.result["msg"]) for task in played.tasks if str(task.result.get("msg", "")).startswith(first)
    ] or [""]
    return found


def numbered(text: str) -> list[str]:
    """The problems of a message, each with the line that mends it."""
    lines = text.splitlines()[1:]
    assert [line.split(".")[0] for line in lines[::2]] == [str(number) for number in range(1, len(lines) // 2 + 1)]
    return [
        f"{problem.split('. ', 1)[1]} {mend.strip()}" for problem, mend in zip(lines[::2], lines[1::2], strict=True)
    ]


def storage_class(name: str, **annotations: str) -> Object:
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, "provisioner": "local"}


@pytest.fixture(scope="module")
def cluster(start_control_plane: StartControlPlane) -> Iterator[Cluster]:
    """A cluster with one small node, as somebody may have it."""
    with start_control_plane() as cluster:
        cluster.nodes(1, cpu="1", memory="2Gi")
        for name in ("argocd", "web-intelligence", "envoy-gateway-system"):
            cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}], force=True)
        yield cluster


def tuned(folder: Path, cluster: str) -> Path:
    """What git says of the clusters, with a digest for one's image and a name that resolves."""
    clusters = folder / "clusters"
    shutil.copytree(ROOT / "gitops" / "clusters", clusters)
    settings = clusters / cluster / "settings"
    for file, before, after in (
        ("kustomization.yaml", "sha256:" + 64 * "0", "sha256:" + 64 * "1"),
        ("cluster-settings.yaml", f"api.{cluster}.webintel.example", "localhost"),
        ("cluster-settings.yaml", f"app.{cluster}.webintel.example", "127.0.0.1"),
    ):
        text = (settings / file).read_text()
        assert before in text
        (settings / file).write_text(text.replace(before, after))
    return clusters


def source(folder: Path, repository: str, clusters: str) -> Path:
    """An argocd/source.yaml that names these."""
    made = yaml.safe_load((ROOT / "argocd" / "source.yaml").read_text())
    made["data"] |= {"repoURL": repository, "clusters": clusters}
    file = folder / "source.yaml"
    file.write_text(yaml.safe_dump(made))
    return file


def test_everything_is_told_at_once_and_nothing_is_written(player: MakePlayer, cluster: Cluster) -> None:
    cluster.apply([storage_class("slow")])
    before = written(cluster, *KINDS)
    told = player(cluster, "staging").play(
        "preflight",
        bootstrap_kustomize=str(tool("kustomize")),
        vault_postgres_password="example-password-of-wip",
        vault_valkey_password="not-an-ex" + "ample",
        preflight_clock_seconds=-1,
        preflight_versions=["1.20"],
    )
    assert told.failures() == ["preflight : Tell all problems"], told.text
    print(told.told)
    assert written(cluster, *KINDS) == before
