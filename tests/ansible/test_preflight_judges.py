"""How preflight judges what it read: pure functions, and a clock that is wrong."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from tests.ansible.playing import ROOT
from tests.ansible.preflight_parts import GIT, JUDGES, MAIN, module
from tests.cluster.control_plane.cluster import Object
from tests.gitops.rendering import CLUSTERS, load


class Late(BaseHTTPRequestHandler):
    """An API server whose clock is wrong, and that is asked nothing but who it is."""

    behind: ClassVar[timedelta] = timedelta(seconds=90)

    def answer(self) -> None:
        body = json.dumps({"gitVersion": "v1.36.0", "status": {"userInfo": {"username": "somebody"}}}).encode()
        self.send_response_only(200 if self.command == "GET" else 201)
        self.send_header("Date", format_datetime(datetime.now(UTC) - self.behind, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a server whose clock is wrong."""
    with HTTPServer(("127.0.0.1", 0), Late) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cluster = {"name": "late", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
        context = {"name": "late", "context": {"cluster": "late", "user": "late"}}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "late"}
        file = tmp_path / "kubeconfig"
        users = [{"name": "late", "user": {}}]
        file.write_text(yaml.safe_dump({**config, "clusters": [cluster], "contexts": [context], "users": users}))
        yield file
        server.shutdown()


def test_a_clock_that_is_behind_is_noticed(late: Path) -> None:
    reading = module("library/cluster_reading.py")
    found = reading.read(reading.Server(str(late), 10), [], {})
    assert found["clock_seconds"] == pytest.approx(-90, abs=5)
    (told,) = JUDGES.preflight_clock(found["clock_seconds"], 60)
    assert "behind this machine's; 60 s are allowed" in told["problem"]
    assert JUDGES.preflight_clock(found["clock_seconds"], 120) == []
    assert "ahead of" in JUDGES.preflight_clock(61, 60)[0]["problem"]


def denied(verb: str, resource: str, group: str = "", namespace: str = "") -> Object:
    return {"verb": verb, "resource": resource, "group": group, "namespace": namespace, "subresource": ""}


def test_each_missing_permission_has_the_command_that_gives_it() -> None:
    missing = [
        denied("get", "jobs", "batch", "web-intelligence"),
        denied("create", "jobs", "batch", "web-intelligence"),
        denied("list", "nodes"),
        denied("list", "persistentvolumes"),
    ]
    jobs, nodes = JUDGES.preflight_permissions(missing, "alice")
    assert jobs["problem"] == "alice may not get, create jobs.batch in namespace web-intelligence."
    assert "--verb=get,create --resource=jobs.batch && kubectl --namespace web-intelligence" in jobs["mend"]
    assert nodes["problem"] == "alice may not list nodes, persistentvolumes in any namespace."
    assert nodes["mend"].endswith("--clusterrole=webintel-operator-2 --user=alice")
    assert JUDGES.preflight_permissions([], "alice") == []


def test_who_cannot_install_argo_cd_needs_to_be_an_administrator() -> None:
    (told,) = JUDGES.preflight_permissions([denied("list", "nodes"), denied("escalate", "clusterroles")], "alice")
    assert "--clusterrole=cluster-admin --user=alice" in told["mend"]
    assert "alice may not list nodes, escalate clusterroles" in told["problem"]


def test_a_line_of_permissions_is_one_question_for_each_verb() -> None:
    assert JUDGES.preflight_reviews(["get,patch deployments.apps/scale in there"]) == [
        {"verb": verb, "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "there"}
        for verb in ("get", "patch")
    ]
    assert len(JUDGES.preflight_reviews(["get nodes", "get,list nodes"])) == 2


def node(name: str, *, ready: str = "True", taint: str = "", closed: bool = False, memory: str = "2Gi") -> Object:
    taints = [{"key": "x", "effect": taint}] if taint else []
    status = {"conditions": [{"type": "Ready", "status": ready}], "allocatable": {"cpu": "2", "memory": memory}}
    return {"metadata": {"name": name}, "spec": {"taints": taints, "unschedulable": closed}, "status": status}


def test_only_nodes_that_take_pods_count() -> None:
    away = [node("one", ready="Unknown"), node("two", taint="NoSchedule"), node("three", closed=True)]
    (told,) = JUDGES.preflight_nodes(away)
    assert "one, two, three" in told["problem"]
    assert "has no node" in JUDGES.preflight_nodes([])[0]["problem"]
    assert JUDGES.preflight_nodes([*away, node("four", taint="PreferNoSchedule")]) == []
    parts = [{"cpu": "1500m", "memory": "1Gi"}, {"cpu": "500m", "memory": "1Gi"}]
    assert JUDGES.preflight_room([*away, node("four")], 1, parts) == []
    (short,) = JUDGES.preflight_room([*away, node("four", memory="2047Mi")], 2, parts)
    assert "1 of 2 nodes, 2.00 of 2.00 Gi of memory" in short["problem"]
    # That there is none at all is a problem, and not told twice.
    assert JUDGES.preflight_room(away, 1, parts) == []


def storage(name: str, **annotations: str) -> Object:
    return {"metadata": {"name": name, "annotations": annotations}}


def test_a_claim_without_a_class_must_find_a_volume() -> None:
    default = storage("fast", **{"storageclass.kubernetes.io/is-default-class": "true"})
    assert JUDGES.preflight_storage([storage("slow"), default], []) == []
    assert "has no StorageClass" in JUDGES.preflight_storage([], [])[0]["problem"]
    assert JUDGES.preflight_storage([], [{"spec": {}}]) == []
    (told,) = JUDGES.preflight_storage([storage("slow")], [{"spec": {"storageClassName": "slow"}}])
    assert told["mend"].startswith("kubectl annotate storageclass slow ")


def test_quotas_for_some_pods_or_other_namespaces_are_not_ours_to_judge() -> None:
    one = {"metadata": {"name": "few", "namespace": "web-intelligence"}, "spec": {"hard": {"pods": "1"}}}
    wanted = {"web-intelligence": {"pods": 5, "unsaid": ["limits.cpu"]}}
    assert len(JUDGES.preflight_quotas([one], [], wanted)) == 1
    assert JUDGES.preflight_quotas([one | {"spec": one["spec"] | {"scopes": ["BestEffort"]}}], [], wanted) == []
    assert JUDGES.preflight_quotas([one | {"metadata": {"name": "few", "namespace": "other"}}], [], wanted) == []


def test_values_that_anybody_can_read_are_found(tmp_path: Path) -> None:
    files = {
        "plain.yml": "# a comment\nvault_a_b: secret\nvault_c: |\n  block\nother: x\n",
        "inline.yml": "vault_a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n",
        "whole.yml": "$ANSIBLE_VAULT;1.1;AES256\n3132\n",
        "none.yml": 'bootstrap_x: "{{ vault_a_b }}"\nvault_empty:\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = GIT.preflight_plain_secrets([str(tmp_path / name) for name in files])
    assert found == {str(tmp_path / "plain.yml"): ["vault_a_b", "vault_c"]}


def test_a_repository_that_does_not_name_the_cluster_is_refused() -> None:
    (data,) = (one["data"] for one in load((ROOT / "argocd/source.yaml").read_text()))
    example = MAIN["__preflight_example_repository"]
    assert len(GIT.preflight_source(data, example, "staging")) == 1
    own = data | {"repoURL": "git@git.example:platform.git"}
    assert all(GIT.preflight_source(own, example, cluster) == [] for cluster in CLUSTERS)
    (told,) = GIT.preflight_source(own, example, "production-us")
    assert "no project of Argo CD reaches production-us" in told["problem"]


@pytest.mark.parametrize(
    ("host", "external_dns", "mend"),
    [
        ("api.shop.example", True, "gitops/clusters/staging/settings/cluster-settings.yaml"),
        ("api.webintel.localhost", False, "/etc/hosts of this machine: 127.0.0.1 api.webintel.localhost"),
        ("api.shop.eu", True, "external-dns makes the record api.shop.eu A"),
        ("api.shop.eu", False, "make the record api.shop.eu A ADDRESS"),
    ],
)
def test_a_name_that_leads_nowhere_has_its_record_told(host: str, external_dns: bool, mend: str) -> None:
    (told,) = GIT.preflight_names([host], {"apiHost": host}, "staging", external_dns)
    assert told["problem"] == f"{host} (apiHost) does not resolve."
    assert mend in told["mend"]
