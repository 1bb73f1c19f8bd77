"""What `k3s` writes on machines, and what it refuses; each machine is a folder, and the release a folder with a script.

Nothing here is systemd, a kernel or k3s itself. So this does not prove that units start, that a server becomes a
member of etcd or is waited for, that the kernel's settings are loaded, that the kubeconfig is left, nor that k3s
accepts its configuration: only a run on real machines does.
"""

import base64
import configparser
import hashlib
import importlib.util
import os
import platform
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible.conftest import MakePlayer
from tests.ansible.playing import ANSIBLE, Played, Player
from tests.tools.recipes import KUBERNETES

VERSION = "v1.36.3+k3s1"
TOKEN = "K10" + "ab" * 32 + "::server:" + "cd" * 16
BINARY = f"#!/bin/sh\necho 'k3s version {VERSION} (0123456)'\n"
FILES = {"x86_64": ("k3s", "amd64"), "aarch64": ("k3s-arm64", "arm64")}
STORE = {
    "vault_backup_store_access_key_id": "the-stores-key",
    "vault_backup_store_secret_access_key": "the-stores-secret",
    "k3s_s3_destination": "s3://backups/production",
    "k3s_s3_endpoint": "https://s3.example",
}


class Machines:
    """An inventory whose hosts are folders of this machine."""

    def __init__(self, folder: Path, servers: list[str], agents: list[str]) -> None:
        self.folder = folder
        hosts = {name: self.host(name) for name in (*servers, *agents)}
        local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
        local["ansible_pipelining"] = True
        groups = {"control": ["localhost"], "k3s_servers": servers, "k3s_agents": agents}
        children = {
            group: {"hosts": {name: {**local, **hosts.get(name, {})} for name in names}}
            for group, names in groups.items()
        }
        self.inventory = folder / "inventory"
        self.inventory.mkdir()
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
        release(folder / "release", VERSION)

    def host(self, name: str) -> dict[str, str]:
        root = self.root(name)
        for place in ("usr/local/bin", "etc/sysctl.d", "etc/systemd/system"):
            (root / place).mkdir(parents=True, exist_ok=True)
        return {"k3s_root": str(root), "ansible_host": f"{name}.example"}

    def root(self, name: str) -> Path:
        return self.folder / name

    def begin(self, name: str) -> None:
        """Have the cluster's token on a server, as k3s makes it when it starts first."""
        token = self.root(name) / "var/lib/rancher/k3s/server/token"
        token.parent.mkdir(parents=True)
        token.write_text(TOKEN)

    def written(self) -> dict[str, str]:
        """Every file on every machine."""
        places = {path.relative_to(self.folder): path for path in self.folder.rglob("*") if path.is_file()}
        return {str(name): path.read_text() for name, path in places.items() if name.parts[0] != "release"}

    def yaml(self, name: str, path: str) -> Any:
        return yaml.safe_load((self.root(name) / "etc/rancher/k3s" / path).read_text())


def release(folder: Path, version: str, binary: str = BINARY) -> None:
    """A release as the code host has it."""
    place = folder / version.replace("+", "%2B")
    # Ansible does not decode what is in a file's address where the library does.
    for made in (place, folder / version):
        made.mkdir(parents=True, exist_ok=True)
        for name, architecture in FILES.values():
            (made / name).write_text(binary)
            digest = hashlib.sha256(BINARY.encode()).hexdigest()
            (made / f"sha256sum-{architecture}.txt").write_text(f"{digest}  {name}\n")


def install(operator: Player, machines: Machines, *options: str, **variables: object) -> Played:
    given = {"k3s_release_url": f"file://{machines.folder}/release", "cluster_name": "local"}
    return operator.play("k3s", *options, cluster_kubeconfig="/nowhere", **{**given, **variables})


def operator_of(player: MakePlayer, machines: Machines) -> Player:
    return player(None, str(machines.inventory))


@pytest.fixture
def three(tmp_path: Path) -> Machines:
    return Machines(tmp_path, ["s1", "s2", "s3"], ["a1"])


def test_three_servers_and_an_agent(player: MakePlayer, three: Machines) -> None:
    operator = operator_of(player, three)
    before = three.written()
    rehearsed = install(operator, three, "--limit=localhost,s1,s2", "--check", "--diff")
    assert rehearsed.code == 0, rehearsed.text
    assert three.written() == before
    assert "Would write the token that s1 makes" in rehearsed.told
    assert {"k3s : Binary | Fetch what the release's checksums say", "k3s : Configuration | Write it"} <= set(
        rehearsed.changes()
    )

    early = install(operator, three, "--limit=localhost,s2,s3")
    assert early.code == 2
    assert "s2 cannot join: s1 has no cluster yet." in early.told
    assert not (three.root("s3") / "etc/rancher").exists()
    three.begin("s1")
    done = install(operator, three, "--diff", "-vvv", **STORE)
    assert done.code == 0, done.text
    again = install(operator, three, "--limit=localhost,s1,s2,a1", **STORE)
    assert (again.code, again.changed) == (0, 0), again.changes()
    check_servers(three)
    check_agent(three)
    for secret in (TOKEN, "the-stores-key", "the-stores-secret"):
        assert secret not in done.text
        assert base64.b64encode(secret.encode()).decode() not in done.text


def check_servers(machines: Machines) -> None:
    assert machines.yaml("s1", "config.yaml.d/cluster.yaml") == {"cluster-init": True}
    join = {"server": "https://s1.example:6443", "token-file": "/etc/rancher/k3s/token"}
    for name in ("s2", "s3"):
        assert machines.yaml(name, "config.yaml.d/cluster.yaml") == join
        assert (machines.root(name) / "etc/rancher/k3s/token").read_text() == TOKEN
    assert not (machines.root("s1") / "etc/rancher/k3s/token").exists()
    for name in ("s1", "s2", "s3"):
        said = machines.yaml(name, "config.yaml")
        assert said.pop("node-name") == name
        assert said == SERVER
        assert machines.yaml(name, "config.yaml.d/snapshots.yaml") == {
            "etcd-s3": True,
            "etcd-s3-endpoint": "s3.example",
            "etcd-s3-insecure": False,
            "etcd-s3-bucket": "backups",
            "etcd-s3-folder": "production/etcd",
            "etcd-s3-access-key": "the-stores-key",
            "etcd-s3-secret-key": "the-stores-secret",
        }
        policy = machines.yaml(name, "audit-policy.yaml")
        secrets = [
            rule for rule in policy["rules"] for one in rule.get("resources", []) if "secrets" in one["resources"]
        ]
        assert [rule["level"] for rule in secrets] == ["Metadata"]
        check_machine(machines.root(name), "k3s", "server", "notify")


SERVER = {
    "write-kubeconfig-mode": "0600",
    "tls-san": ["s1.example", "s2.example", "s3.example"],
    "disable": ["traefik"],
    "secrets-encryption": True,
    "protect-kernel-defaults": True,
    "etcd-snapshot-schedule-cron": "0 */6 * * *",
    "etcd-snapshot-retention": 28,
    "etcd-snapshot-compress": True,
    "kube-apiserver-arg": [
        "audit-policy-file=/etc/rancher/k3s/audit-policy.yaml",
        "audit-log-path=/var/lib/rancher/k3s/server/logs/audit.log",
        "audit-log-maxage=30",
        "audit-log-maxbackup=10",
        "audit-log-maxsize=100",
    ],
    "kubelet-arg": ["streaming-connection-idle-timeout=5m"],
}


def check_agent(machines: Machines) -> None:
    assert machines.yaml("a1", "config.yaml") == {
        "node-name": "a1",
        "protect-kernel-defaults": True,
        "kubelet-arg": ["streaming-connection-idle-timeout=5m"],
    }
    join = {"server": "https://s1.example:6443", "token-file": "/etc/rancher/k3s/token"}
    assert machines.yaml("a1", "config.yaml.d/cluster.yaml") == join
    # What only servers need is not there.
    names = {path.name for path in (machines.root("a1") / "etc/rancher/k3s").rglob("*") if path.is_file()}
    assert names == {"config.yaml", "cluster.yaml", "token"}
    check_machine(machines.root("a1"), "k3s-agent", "agent", "exec")


def check_machine(root: Path, service: str, role: str, kind: str) -> None:
    """The unit, the kernel's settings, the binary, and that nobody else reads the configuration."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((root / f"etc/systemd/system/{service}.service").read_text())
    assert unit["Service"]["ExecStart"] == f"/usr/local/bin/k3s {role}"
    assert unit["Service"]["Type"] == kind
    assert (unit["Service"]["KillMode"], unit["Service"]["Delegate"]) == ("process", "yes")
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    settings = configparser.RawConfigParser()
    settings.read_string("[kernel]\n" + (root / "etc/sysctl.d/90-k3s.conf").read_text())
    assert dict(settings["kernel"]) == {
        "vm.panic_on_oom": "0",
        "vm.overcommit_memory": "1",
        "kernel.panic": "10",
        "kernel.panic_on_oops": "1",
    }
    binary = root / "usr/local/bin/k3s"
    assert binary.read_text() == BINARY
    assert os.access(binary, os.X_OK)
    files = [path for path in (root / "etc/rancher/k3s").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_one_server_joins_what_there_is_and_keeps_its_version(player: MakePlayer, tmp_path: Path) -> None:
    machines = Machines(tmp_path, ["s1", "s2", "s3"], [])
    older = "v1.35.6+k3s1"
    release(tmp_path / "release", older)
    # The first one has lost its disk, and the others run an older version.
    machines.begin("s2")
    machines.begin("s3")
    running = machines.root("s2") / "usr/local/bin/k3s"
    running.write_text(BINARY.replace(VERSION, older))
    running.chmod(0o755)
    kept = running.read_text()
    operator = operator_of(player, machines)
    done = install(operator, machines, "--limit=localhost,s1", k3s_endpoint="api.internal", k3s_tls_san=["10.0.0.9"])
    assert done.code == 0, done.text
    assert machines.yaml("s1", "config.yaml.d/cluster.yaml")["server"] == "https://api.internal:6443"
    assert (machines.root("s1") / "etc/rancher/k3s/token").read_text() == TOKEN
    names = ["api.internal", "s1.example", "s2.example", "s3.example", "10.0.0.9"]
    assert machines.yaml("s1", "config.yaml")["tls-san"] == names
    assert not (machines.root("s1") / "etc/rancher/k3s/config.yaml.d/snapshots.yaml").exists()
    assert running.read_text() == kept
    assert "s2 runs v1.35.6+k3s1, and v1.36.3+k3s1 is wanted: playbooks/upgrade.yml changes versions." in done.told
    urls = [task.result["url"] for task in done.tasks if task.result.get("url")]
    assert urls
    assert all("/v1.35.6%2Bk3s1/" in url for url in urls)


def test_one_server_alone_has_etcd_too(player: MakePlayer, tmp_path: Path) -> None:
    machines = Machines(tmp_path, ["s1"], [])
    done = install(operator_of(player, machines), machines)
    assert done.code == 0, done.text
    assert machines.yaml("s1", "config.yaml.d/cluster.yaml") == {"cluster-init": True}
    assert machines.yaml("s1", "config.yaml")["tls-san"] == ["s1.example"]


def test_a_binary_that_is_not_the_releases_is_refused(player: MakePlayer, tmp_path: Path) -> None:
    machines = Machines(tmp_path, ["s1"], [])
    release(tmp_path / "release", VERSION, binary="#!/bin/sh\necho somebody elses\n")
    refused = install(operator_of(player, machines), machines)
    assert refused.code == 2
    assert refused.failures() == ["k3s : Binary | Fetch what the release's checksums say"]
    assert not (machines.root("s1") / "usr/local/bin/k3s").exists()
    assert not (machines.root("s1") / "etc/rancher").exists()


def test_an_inventory_that_makes_no_cluster_is_refused(player: MakePlayer, tmp_path: Path) -> None:
    machines = Machines(tmp_path, ["s1", "s2"], ["s2"])
    operator = operator_of(player, machines)
    refused = install(operator, machines, k3s_version="1.36.3")
    assert refused.code == 2
    assert "1. There are 2 servers; etcd needs an odd number" in refused.told
    assert "2. s2 is a server and an agent." in refused.told
    assert "3. k3s_version is 1.36.3, which names no release of k3s." in refused.told
    nobody = install(player(None), machines)
    assert nobody.code == 2
    assert "The inventory names no machine for the cluster." in nobody.told
    mistyped = install(operator_of(player, Machines(fresh(tmp_path), ["s1"], [])), machines, k3s_snapshot_retention="x")
    assert mistyped.code == 2
    assert "k3s_snapshot_retention" in mistyped.told


def fresh(folder: Path) -> Path:
    made = folder / "other"
    made.mkdir()
    return made


def problems(**facts: str) -> list[str]:
    """What the role says of a machine; all is well but for what is given."""
    spec = importlib.util.spec_from_file_location("k3s_problems", ANSIBLE / "roles/k3s/filter_plugins/k3s_problems.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    well = {"architecture": "x86_64", "service_mgr": "systemd", "kernel": "6.8.0-31-generic"}
    controllers = facts.pop("controllers", "cpuset cpu io memory pids\n")
    found: list[str] = module.k3s_problems({**well, **facts}, controllers, ["x86_64", "aarch64"])
    return found


def test_a_machine_that_cannot_run_it_is_told_why() -> None:
    assert problems() == []
    assert problems(architecture="aarch64", kernel="5.8") == []
    many = problems(architecture="riscv64", service_mgr="openrc", kernel="4.18.0-553.el8", controllers="cpu pids")
    assert len(many) == 4
    for text, part in zip(many, ("riscv64", "openrc", "4.18.0-553.el8", "cgroup_enable=memory"), strict=True):
        assert part in text
    assert "no control groups v2" in problems(controllers="")[0]


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="this machine has systemd, and would become a server")
def test_a_machine_without_systemd_is_left_as_it_is(player: MakePlayer, tmp_path: Path) -> None:
    machines = Machines(tmp_path, ["s1"], [])
    hosts = machines.inventory / "hosts.yml"
    said = yaml.safe_load(hosts.read_text())
    del said["all"]["children"]["k3s_servers"]["hosts"]["s1"]["k3s_root"]
    hosts.write_text(yaml.safe_dump(said))
    refused = install(operator_of(player, machines), machines)
    assert refused.code == 2
    assert "s1 cannot run k3s:" in refused.told
    assert "systemd" in refused.told
    assert refused.changed == 0


def test_what_is_installed_is_what_the_tests_run_on() -> None:
    said = yaml.safe_load((ANSIBLE / "roles/k3s/defaults/main.yml").read_text())
    assert said["k3s_version"] == VERSION
    assert VERSION.partition("+")[0] == KUBERNETES
    assert platform.machine() in FILES
