"""What is not in order is told before anything is written: all of it at once, each with what mends it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client

from tests.ansible.conftest import MakePlayer, written
from tests.ansible.playing import ANSIBLE, PROGRAM, ROOT, Played
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


def limits(namespace: str, name: str) -> list[Object]:
    """What an administrator may have put there, with which our pods would be refused."""
    metadata = {"name": name, "namespace": namespace}
    hard = {"pods": "3", "requests.memory": "64Gi", "limits.cpu": "64"}
    largest = {"type": "Container", "max": {"memory": "512Mi"}}
    return [
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}},
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [largest]}},
    ]


def given_cpu(namespace: str, name: str) -> Object:
    """A default for containers that do not say it, with which a quota may count it."""
    default = {"type": "Container", "default": {"cpu": "2"}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"limits": [default]}}


def inventory(folder: Path) -> Path:
    """Staging's inventory in a repository, with a vault that somebody forgot to encrypt."""
    own = folder / "inventory"
    shutil.copytree(ANSIBLE / "inventories" / "staging", own)
    vault = own / "group_vars" / "all" / "vault.yml"
    vault.write_text("vault_postgres_password: example-password-of-wip\nvault_valkey_password: not-an-example\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=own, check=True)
    return own


def clusters(folder: Path) -> Path:
    """What git says of the clusters, once staging has an image and names that lead somewhere."""
    made = folder / "clusters"
    shutil.copytree(ROOT / "gitops" / "clusters", made)
    for file, before, after in (
        ("kustomization.yaml", "sha256:" + 64 * "0", "sha256:" + 64 * "1"),
        ("cluster-settings.yaml", "apiHost: api.staging.webintel.example", "apiHost: localhost"),
        ("cluster-settings.yaml", "appHost: app.staging.webintel.example", "appHost: 127.0.0.1"),
    ):
        text = (made / "staging" / "settings" / file).read_text()
        assert before in text
        (made / "staging" / "settings" / file).write_text(text.replace(before, after))
    return made


def source(folder: Path) -> Path:
    """An argocd/source.yaml that names somebody's own repository."""
    made = yaml.safe_load((ROOT / "argocd" / "source.yaml").read_text())
    made["data"]["repoURL"] = "https://git.example/platform.git"
    file = folder / "source.yaml"
    file.write_text(yaml.safe_dump(made))
    return file


def test_everything_is_told_at_once_and_nothing_once_it_is_mended(
    player: MakePlayer, cluster: Cluster, tmp_path: Path
) -> None:
    cluster.apply([storage_class("slow"), *limits("web-intelligence", "everybody")])
    folder = inventory(tmp_path)
    operator = player(cluster, str(folder))
    before = written(cluster, *KINDS)
    told = operator.play(
        "preflight",
        bootstrap_kustomize=str(tool("kustomize")),
        preflight_clock_seconds=-1,
        preflight_versions=["1.20"],
    )
    assert told.failures() == ["preflight : Tell all problems"], told.text
    assert (told.changed, written(cluster, *KINDS)) == (0, before)
    assert "not-an-example" not in told.text

    file = folder / "group_vars" / "all" / "vault.yml"
    expected = (
        (f"{file} has vault_postgres_password, vault_valkey_password in plain text, and is in git", f"encrypt {file};"),
        ("vault_postgres_password still has the example's value", f"ansible-vault edit {file};"),
        ("argocd/source.yaml still names the example's repository", "Put the address of your own copy"),
        ("The API server runs Kubernetes v1.", "Upgrade the cluster one minor version at a time"),
        ("The API server's clock is ", "timedatectl set-ntp true"),
        ("None of the StorageClasses (slow) is the default", "kubectl annotate storageclass slow storageclass.kube"),
        ("ResourceQuota everybody in namespace web-intelligence allows less", '{"spec": {"hard": {"pods": "9"}}}'),
        ("everybody in namespace web-intelligence counts limits.cpu", "edit resourcequota everybody"),
        ("LimitRange everybody in namespace web-intelligence refuses Containers with 1Gi", "edit limitrange everybody"),
    )
    problems = numbered(message(told, PROBLEMS))
    assert len(problems) == len(expected), problems
    for problem, (what, mend) in zip(problems, expected, strict=True):
        assert what in problem
        assert mend in problem
    warnings = numbered(message(told, WARNINGS))
    assert len(warnings) == 4, warnings
    assert ".ci/set-image staging ghcr.io/webintel/webintel@sha256:" in warnings[0]
    assert "api.staging.webintel.example (apiHost) does not resolve." in warnings[1]
    assert "gitops/clusters/staging/settings/cluster-settings.yaml" in warnings[2]
    assert "1 of 3 nodes" in warnings[3]

    # What is a command is typed; what is an edit is made.
    for line in problems:
        _, found, patch = line.partition(" kubectl ")
        if found and "edit" not in patch:
            obey(cluster, "kubectl " + patch.removesuffix(", or more."))
    cluster.delete("v1", "LimitRange", "everybody", "web-intelligence")
    cluster.apply([{"apiVersion": "v1", "kind": "LimitRange", **given_cpu("web-intelligence", "everybody")}])
    cluster.nodes(3, cpu="4", memory="8Gi")
    password = tmp_path / "password"
    password.write_text("of-the-vault")
    file.write_text(file.read_text().replace("example-", ""))
    encrypt = [str(PROGRAM.with_name("ansible-vault")), "encrypt", "--vault-password-file", str(password), str(file)]
    subprocess.run(encrypt, check=True, capture_output=True, env=operator.environment())
    before = written(cluster, *KINDS)
    own = {"preflight_clusters": str(clusters(tmp_path)), "preflight_source": str(source(tmp_path))}
    options = ("--check", "--vault-password-file", str(password))
    done = operator.play("preflight", *options, bootstrap_kustomize=str(tool("kustomize")), **own)
    assert (done.code, done.changed) == (0, 0), done.text
    assert message(done, WARNINGS) == message(done, PROBLEMS) == ""
    assert written(cluster, *KINDS) == before


def test_who_may_too_little_is_told_the_commands_that_allow_it(
    player: MakePlayer, cluster: Cluster, tmp_path: Path
) -> None:
    """With what they grant, and no more, the playbook comes to its end."""
    operator = player(account(cluster, "operator", tmp_path), "local")
    refused = operator.play("secrets")
    assert refused.failures() == ["preflight : Tell all problems"], refused.text
    problems = message(refused, "Before secrets, mend this:")
    who = "system:serviceaccount:default:operator"
    assert numbered(problems)[0].startswith(f"{who} may not get, create, patch namespaces in any namespace. kubectl ")
    assert f"{who} may not get, list, create, patch secrets in namespace platform-secrets." in problems
    assert not cluster.get("v1", "Namespace", "platform-secrets")
    cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "platform-secrets"}}])
    for line in problems.splitlines():
        if line.strip().startswith("kubectl "):
            obey(cluster, line)
    done = operator.play("secrets")
    assert done.code == 0, done.text
    assert cluster.get("v1", "Secret", "webintel", "platform-secrets")


def account(cluster: Cluster, name: str, folder: Path) -> Cluster:
    """The cluster as a service account sees it that may do nothing yet."""
    cluster.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}])
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    issued = client.CoreV1Api(cluster.api).create_namespaced_service_account_token(name, "default", request)
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    assert issued.status
    config["users"] = [{"name": one["name"], "user": {"token": issued.status.token}} for one in config["users"]]
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return Cluster(file, own=True)


def obey(cluster: Cluster, line: str) -> None:
    """Type a line that preflight told, as it stands there."""
    kubectl = tool("kubectl")
    assert kubectl
    home = cluster.kubeconfig.parent
    environment = {"PATH": f"{kubectl.parent}:/usr/bin:/bin", "KUBECONFIG": str(cluster.kubeconfig), "HOME": str(home)}
    subprocess.run(["bash", "-euc", line], env=environment, check=True, capture_output=True)


def test_a_cluster_that_is_silent_hides_no_other_problem(player: MakePlayer, tmp_path: Path) -> None:
    server = {"name": "gone", "cluster": {"server": "https://127.0.0.1:9"}}
    context = {"name": "gone", "context": {"cluster": "gone", "user": "somebody"}}
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "gone", "clusters": [server]}
    user = {"name": "somebody", "user": {"token": "of-nobody"}}
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config | {"contexts": [context], "users": [user]}))
    refused = player(None, "production").play("site", cluster_kubeconfig=str(file), cluster_name="nowhere")
    problems = numbered(message(refused, "Before site, mend this:"))
    assert [problem.split(". ")[0] for problem in problems[:1]] == [
        "cluster_name is nowhere, and gitops/clusters has no folder of that name"
    ]
    assert "127.0.0.1" in problems[1]
    assert "does not answer" in problems[1]
    assert "of-nobody" not in refused.text
