"""What the workloads need to agree on, among themselves, with the program that they run and with their database."""

import math
import re
import shutil
from decimal import Decimal
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.gitops.policies.objects import Document, annotation, of_kind, selects, workloads
from tests.gitops.policies.quantities import quantity
from tests.gitops.rendering import CLUSTERS, GITOPS, kustomize, render, render_with
from webintel.engine.fetch.address import refusal
from webintel.engine.fetch.network import STANDARD_PORTS
from webintel.jobs.models import Job, JobStatus
from webintel.serving.server import DRAIN_SECONDS, GRACEFUL_SECONDS
from webintel.settings import PREFIX, Settings, load_settings
from webintel.worker.app import SHUTDOWN_RESERVE

NAMESPACE = "web-intelligence"
ROLES = ("api", "web", "worker")
RUNNING = ("local", "staging", "production")
"""Clusters that work; production-eu stands by."""

# Beside its pool, what a process opens: api asks how the database is and listens; a worker's queue has two and listens.
OWN_CONNECTIONS = {"api": 2, "worker": 3}
# The migration, KEDA's question and the three that PostgreSQL keeps for administrators.
OTHER_CONNECTIONS = 1 + 2 + 3


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return request.param


def find(documents: list[Document], kind: str, name: str) -> Document:
    found = [document for document in of_kind(documents, kind) if document["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def pod_of(documents: list[Document], name: str) -> Document:
    return next(workload.spec for workload in workloads(documents) if workload.name == name)


def variables(documents: list[Document], name: str) -> dict[str, str]:
    """What a workload is told: its settings, and its own variables before them."""
    container = pod_of(documents, name)["containers"][0]
    told: dict[str, str] = {}
    for source in container.get("envFrom", []):
        told |= find(documents, "ConfigMap", source["configMapRef"]["name"])["data"]
    return told | {entry["name"]: entry["value"] for entry in container.get("env", [])}


def settings_of(documents: list[Document], name: str) -> Settings:
    told = {key.removeprefix(PREFIX).lower(): value for key, value in variables(documents, name).items()}
    return load_settings(**told)


def most_replicas(documents: list[Document], name: str) -> int:
    for document in of_kind(documents, "HorizontalPodAutoscaler", "ScaledObject"):
        if document["spec"]["scaleTargetRef"]["name"] == name:
            return document["spec"].get("maxReplicas") or document["spec"]["maxReplicaCount"]
    raise AssertionError(f"nothing scales {name}")


def secret_references(pod: Document) -> set[tuple[str, str]]:
    """Secrets and keys that a pod mounts or takes into its environment."""
    mounted = {
        (source["secret"]["name"], item["key"])
        for volume in pod.get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        for item in source["secret"]["items"]
    }
    taken = {
        (entry["valueFrom"]["secretKeyRef"]["name"], entry["valueFrom"]["secretKeyRef"]["key"])
        for container in pod["containers"]
        for entry in container.get("env", [])
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    return mounted | taken


def keys_of(secret: Document) -> set[str]:
    """The keys of the Secret that an ExternalSecret makes."""
    spec = secret["spec"]
    template = spec.get("target", {}).get("template", {}).get("data")
    return set(template) if template else {entry["secretKey"] for entry in spec["data"]}


# Settings


def test_every_variable_is_a_setting(cluster: str) -> None:
    documents = render(cluster, "workloads")
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    mounted = {
        item["path"]
        for workload in workloads(documents)
        for volume in workload.spec["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        for item in source["secret"]["items"]
    }
    assert mounted <= known
    for workload in workloads(documents):
        assert set(variables(documents, workload.name)) <= known


def test_every_workload_accepts_what_it_is_told(cluster: str) -> None:
    documents = render(cluster, "workloads")
    for workload in workloads(documents):
        settings = settings_of(documents, workload.name)
        assert settings.production
        assert settings.trusted_proxy_hops == 1
        assert (settings.api_host, settings.web_host, settings.worker_host) == ("0.0.0.0",) * 3


def test_secrets_are_mounted_where_they_are_looked_for(cluster: str) -> None:
    documents = render(cluster, "workloads")
    for workload in workloads(documents):
        folder = variables(documents, workload.name).get("WEBINTEL_SECRETS_DIR")
        projected = [volume["name"] for volume in workload.spec["volumes"] if "projected" in volume]
        mounts = workload.spec["containers"][0]["volumeMounts"]
        assert [mount["mountPath"] for mount in mounts if mount["name"] in projected] == ([folder] if folder else [])


def test_a_changed_setting_is_a_rollout_of_everything(tmp_path: Path) -> None:
    def templates(root: Path) -> dict[str, Any]:
        documents = kustomize(root / "clusters" / "production" / "workloads")
        return {workload.name: workload.spec for workload in workloads(documents)}

    copy = shutil.copytree(GITOPS, tmp_path / "gitops")
    file = copy / "base" / "workloads" / "settings.env"
    file.write_text(file.read_text().replace("LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG"))
    before, after = templates(GITOPS), templates(copy)
    assert set(before) == {*ROLES, "migration"}
    assert all(before[name] != after[name] for name in before)


def test_visitors_are_sent_to_their_own_cluster(cluster: str) -> None:
    host = {"local": "api.webintel.localhost", "staging": "api.staging.webintel.example"}
    settings = settings_of(render(cluster, "workloads"), "web")
    assert settings.api_public_url == f"https://{host.get(cluster, 'api.webintel.example')}"
    assert settings.api_url == "http://api:8000"


# Secrets


def test_each_secret_that_is_used_has_its_key(cluster: str) -> None:
    made = {
        (secret["metadata"]["namespace"], secret["metadata"]["name"]): keys_of(secret)
        for secret in of_kind(render(cluster, "secrets"), "ExternalSecret")
    }
    documents = render(cluster, "workloads")
    used = {reference for workload in workloads(documents) for reference in secret_references(workload.spec)}
    for authentication in of_kind(documents, "TriggerAuthentication"):
        used |= {(entry["name"], entry["key"]) for entry in authentication["spec"]["secretTargetRef"]}
    assert ("postgres-app", "uri") in used
    assert [(name, key) for name, key in used if key not in made.get((NAMESPACE, name), set())] == []


def test_the_database_address_says_what_the_other_keys_say() -> None:
    secret = find(render("production", "secrets"), "ExternalSecret", "postgres-app")
    data = secret["spec"]["target"]["template"]["data"]
    password = "{{ .password | urlquery }}"
    address = f"{data['username']}:{password}@{data['host']}:{data['port']}/{data['dbname']}"
    assert data["uri"] == f"postgresql://{address}"


def test_the_reader_may_read_what_is_distributed_and_no_more() -> None:
    read, granted, places, open_to = set(), set(), set(), set()
    for cluster in CLUSTERS:
        documents = render(cluster, "data") + render_with(cluster, "secrets", "registry-secret")
        for component in ("geo-blocking", "acme-account"):
            documents += render_with(cluster, "edge", component)
        for secret in of_kind(documents, "ExternalSecret"):
            read |= {entry["remoteRef"]["key"] for entry in secret["spec"]["data"]}
            places.add(secret["metadata"]["namespace"])
        role = find(documents, "Role", "secret-reader")
        assert [rule["verbs"] for rule in role["rules"]] == [["get"]]
        granted |= set(role["rules"][0]["resourceNames"])
        store = find(documents, "ClusterSecretStore", "platform-secrets")
        open_to |= {name for condition in store["spec"]["conditions"] for name in condition["namespaces"]}
    assert read == granted
    assert places == open_to


def test_every_pod_may_pull_from_a_private_registry() -> None:
    carried = [
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in of_kind(render_with("production", "secrets", "registry-secret"), "ExternalSecret")
        if one["spec"].get("target", {}).get("template", {}).get("type") == "kubernetes.io/dockerconfigjson"
    ]
    for unit in ("workloads", "data"):
        documents = render_with("production", unit, "private-registry")
        accounts = {
            (one["metadata"]["namespace"], one["metadata"]["name"]): one for one in of_kind(documents, "ServiceAccount")
        }
        for one in workloads(documents):
            if one.kind == "Cluster":
                continue
            account = accounts[one.namespace, one.spec["serviceAccountName"]]
            named = [(one.namespace, each["name"]) for each in account["imagePullSecrets"]]
            assert named
            assert set(named) <= set(carried)


# Coming and going


@pytest.mark.parametrize("name", ["api", "web"])
def test_a_server_has_time_to_end_what_it_serves(cluster: str, name: str) -> None:
    pod = pod_of(render(cluster, "workloads"), name)
    container = pod["containers"][0]
    assert "--drain-seconds" not in container["args"]
    asleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert asleep + DRAIN_SECONDS + GRACEFUL_SECONDS < pod["terminationGracePeriodSeconds"]


def test_a_worker_has_time_to_hand_its_jobs_back(cluster: str) -> None:
    documents = render(cluster, "workloads")
    needed = settings_of(documents, "worker").worker_grace_seconds + SHUTDOWN_RESERVE
    assert needed < pod_of(documents, "worker")["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("cluster", RUNNING)
def test_the_migration_finds_what_it_needs_and_goes_first(cluster: str) -> None:
    documents = render(cluster, "workloads")

    def wave(document: Document) -> int:
        return int(annotation(document, "argocd.argoproj.io/sync-wave") or 0)

    job = find(documents, "Job", "migration")
    pod = job["spec"]["template"]["spec"]
    labels = job["spec"]["template"]["metadata"]["labels"]
    needed = [
        find(documents, "ServiceAccount", pod["serviceAccountName"]),
        find(documents, "ConfigMap", pod["containers"][0]["envFrom"][0]["configMapRef"]["name"]),
        *[item for item in of_kind(documents, "NetworkPolicy") if selects(item["spec"]["podSelector"], labels)],
    ]
    assert len(needed) == 3
    assert all(wave(document) < wave(job) for document in needed)
    assert all(wave(job) < wave(find(documents, "Deployment", name)) for name in ROLES)
    assert annotation(job, "argocd.argoproj.io/hook") == "Sync"
    assert int(pod["containers"][0]["args"][2]) < job["spec"]["activeDeadlineSeconds"]


# Numbers


def test_all_pods_together_leave_the_database_connections(cluster: str) -> None:
    documents = render(cluster, "workloads")
    needed = OTHER_CONNECTIONS
    for name, own in OWN_CONNECTIONS.items():
        settings = settings_of(documents, name)
        each = settings.database_pool_size + settings.database_max_overflow + own
        # In a rollout at full size, one pod is added at a time, and those that end still hold theirs.
        spec = find(documents, "Deployment", name)["spec"]
        ending = math.ceil(spec["template"]["spec"]["terminationGracePeriodSeconds"] / spec["minReadySeconds"])
        needed += (most_replicas(documents, name) + 1 + ending) * each
    assert needed <= max_connections(render(cluster, "data"))


def max_connections(documents: list[Document]) -> int:
    for document in of_kind(documents, "Cluster"):
        return int(document["spec"]["postgresql"]["parameters"]["max_connections"])
    for document in of_kind(documents, "ConfigMap"):
        if text := document["data"].get("postgresql.conf"):
            return int(re.findall(r"(?m)^max_connections = (\d+)", text)[0])
    raise AssertionError("no PostgreSQL")


def test_the_quota_allows_a_rollout_at_full_size(cluster: str) -> None:
    hard = find(render(cluster, "foundation"), "ResourceQuota", NAMESPACE)["spec"]["hard"]
    default = find(render(cluster, "foundation"), "LimitRange", NAMESPACE)["spec"]["limits"][0]
    needed = dict.fromkeys(("pods", "requests.cpu", "requests.memory", "limits.memory"), Decimal(0))
    for count, containers in pods_at_most([*render(cluster, "workloads"), *render(cluster, "data")]):
        needed["pods"] += count
        for container in containers:
            requests = default["defaultRequest"] | container.get("resources", {}).get("requests", {})
            limits = default["default"] | container.get("resources", {}).get("limits", {})
            needed["requests.cpu"] += count * quantity(requests["cpu"])
            needed["requests.memory"] += count * quantity(requests["memory"])
            needed["limits.memory"] += count * quantity(limits["memory"])
    assert needed["pods"] > 2 * 38
    assert {name: str(amount) for name, amount in needed.items() if amount > quantity(hard[name])} == {}


def pods_at_most(documents: list[Document]) -> list[tuple[int, list[Document]]]:
    """How many pods of each workload there may be at one time, with their containers."""
    pods = []
    for workload in workloads(documents):
        if workload.namespace != NAMESPACE:
            continue
        count = most_replicas(documents, workload.name) if workload.name in ROLES else 1
        pods.append((2 * count, workload.spec["containers"]))
    databases = [database["spec"] for database in of_kind(documents, "Cluster")]
    return pods + [(2 * spec["instances"], [{"resources": spec["resources"]}]) for spec in databases]


def test_keda_counts_the_jobs_that_there_are(cluster: str) -> None:
    documents = render(cluster, "workloads")
    metadata = find(documents, "ScaledObject", "worker")["spec"]["triggers"][0]["metadata"]
    table, states = re.fullmatch(r"SELECT count\(\*\) FROM (\w+) WHERE status IN \((.+)\)", metadata["query"]).groups()
    assert table == Job.__tablename__
    assert re.findall(r"'(\w+)'", states) == [JobStatus.QUEUED, JobStatus.RUNNING]
    assert int(metadata["targetQueryValue"]) == settings_of(documents, "worker").worker_concurrency
    assert metadata["host"] == f"postgres.{NAMESPACE}.svc"


def test_the_database_outlasts_people_and_people_outlast_jobs() -> None:
    documents = render("production", "foundation")
    values = {item["metadata"]["name"]: item["value"] for item in of_kind(documents, "PriorityClass")}
    order = [values[f"webintel-{name}"] for name in ("data", "serving", "background")]
    assert order == sorted(order, reverse=True)
    used = render("production", "workloads")
    assert {workload.name: workload.spec["priorityClassName"] for workload in workloads(used)} == {
        "api": "webintel-serving",
        "web": "webintel-serving",
        "migration": "webintel-serving",
        "worker": "webintel-background",
    }


# Who may talk to whom


REFUSED = """
    0.0.0.0 10.0.0.1 10.96.0.1 100.64.0.1 127.0.0.1 168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.192 192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1 198.51.100.1 203.0.113.1
    224.0.0.251 255.255.255.255 :: ::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2001::1 2001:db8::1 2002:a00:1::1
    2620:4f:8000::1 3ffe::1 3fff::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
"""


def reaches(policy: Document, address: str, port: int) -> bool:
    """Whether a policy lets its pods reach an address outside the cluster, as a cluster would decide."""
    for rule in policy["spec"]["egress"]:
        if "ports" in rule and port not in {entry["port"] for entry in rule["ports"]}:
            continue
        for peer in rule["to"]:
            if (block := peer.get("ipBlock")) is None:
                continue
            network = ip_network(block["cidr"])
            if ip_address(address).version != network.version or ip_address(address) not in network:
                continue
            if not any(ip_address(address) in ip_network(hole) for hole in block.get("except", [])):
                return True
    return False


@pytest.fixture
def worker_policy(cluster: str) -> Document:
    return find(render(cluster, "workloads"), "NetworkPolicy", "worker")


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "198.20.0.1", "2606:4700::1111", "2a00:1450::8a"])
def test_workers_reach_the_public_internet(worker_policy: Document, address: str) -> None:
    assert refusal(ip_address(address)) is None
    assert all(reaches(worker_policy, address, port) for port in STANDARD_PORTS)
    assert not any(reaches(worker_policy, address, port) for port in (22, 25, 5432, 6379, 6443, 8000))


@pytest.mark.parametrize("address", REFUSED.split())
def test_workers_reach_nothing_inside(worker_policy: Document, address: str) -> None:
    assert refusal(ip_address(address)) is not None
    assert not any(reaches(worker_policy, address, port) for port in STANDARD_PORTS)


def test_workers_reach_one_thing_in_the_cluster(worker_policy: Document) -> None:
    inside = [
        (peer["podSelector"]["matchLabels"], [entry["port"] for entry in rule["ports"]], "namespaceSelector" in peer)
        for rule in worker_policy["spec"]["egress"]
        for peer in rule["to"]
        if "ipBlock" not in peer
    ]
    assert inside == [({"app.kubernetes.io/name": "postgres"}, [5432], False)]


@pytest.mark.parametrize("name", [*ROLES, "migration"])
def test_nobody_but_workers_reaches_the_internet(name: str) -> None:
    policy = find(render("production", "workloads"), "NetworkPolicy", name)
    assert reaches(policy, "1.1.1.1", 443) == (name == "worker")


# Clusters


def test_a_region_that_stands_by_writes_nothing_and_keeps_its_pods_new() -> None:
    documents = render("production-eu", "workloads")
    assert "migration" not in {document["metadata"]["name"] for document in documents}
    worker = find(documents, "ScaledObject", "worker")
    assert annotation(worker, "autoscaling.keda.sh/paused-replicas") == "0"
    api = find(documents, "Deployment", "api")["spec"]
    assert api["strategy"]["rollingUpdate"]["maxUnavailable"] == "100%"
    assert find(documents, "HorizontalPodAutoscaler", "api")["spec"]["minReplicas"] == 3


def test_one_node_starts_with_one_pod_and_scales_as_far() -> None:
    for name, most in (("api", 10), ("web", 8)):
        spec = find(render("local", "workloads"), "HorizontalPodAutoscaler", name)["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"]) == (1, most)
