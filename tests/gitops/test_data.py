"""The database in both forms, its backups, the drill that proves them, and the cache: what they promise each other."""

import re
from typing import Any

import pytest
import yaml

from tests.gitops.policies.objects import Document, namespace, of_kind, workloads
from tests.gitops.policies.quantities import quantity
from tests.gitops.rendering import CLUSTERS, render

SMALL = ("local", "staging")
LARGE = ("production", "production-eu")
BACKED_UP = ("staging", *LARGE)
DRILLED = ("staging", "production")


def find(cluster: str, kind: str, name: str, *, unit: str = "data", within: str = "web-intelligence") -> Document:
    (found,) = [
        document
        for document in of_kind(render(cluster, unit), kind)
        if re.fullmatch(rf"{name}(-[a-z0-9]{{10}})?", document["metadata"]["name"]) and namespace(document) == within
    ]
    return found


def pod_of(document: Document) -> Document:
    (workload,) = workloads([document])
    return workload.spec


def container(document: Document, name: str) -> Document:
    pod = pod_of(document)
    (found,) = [item for item in [*pod.get("initContainers", []), *pod["containers"]] if item["name"] == name]
    return found


def settings(cluster: str) -> dict[str, str]:
    """PostgreSQL's, of either form."""
    if cluster in LARGE:
        return find(cluster, "Cluster", "postgres")["spec"]["postgresql"]["parameters"]
    text = find(cluster, "ConfigMap", "postgres")["data"]["postgresql.conf"]
    return {name: value.strip("'") for name, value in re.findall(r"(?m)^(\w+) = (.+)$", text)}


def secret_keys(document: Any) -> set[tuple[str, str]]:
    """Every key of a Secret that is named inside."""
    if isinstance(document, dict):
        reference = document.get("secretKeyRef")
        own = {(reference["name"], reference["key"])} if reference else set()
        return own.union(*(secret_keys(value) for value in document.values()))
    return set().union(*(secret_keys(item) for item in document)) if isinstance(document, list) else set()


def drill_cluster() -> Document:
    config = find("production", "ConfigMap", "restore-drill", within="restore-drill")
    return yaml.safe_load(config["data"]["cluster.yaml"])


def archive_of(cluster: str) -> tuple[str, str]:
    """Where a database archives: the address, and its name there."""
    if cluster in SMALL:
        data = find(cluster, "ConfigMap", "postgres-backup")["data"]
        return data["BACKUP_DESTINATION"], data["BACKUP_SERVER"]
    (plugin,) = find(cluster, "Cluster", "postgres")["spec"]["plugins"]
    store = find(cluster, "ObjectStore", plugin["parameters"]["barmanObjectName"])
    return store["spec"]["configuration"]["destinationPath"], plugin["parameters"]["serverName"]


# The contract of both forms


@pytest.mark.parametrize("cluster", SMALL)
def test_the_small_form_serves_postgres_5432(cluster: str) -> None:
    service = find(cluster, "Service", "postgres")["spec"]
    (port,) = container(find(cluster, "StatefulSet", "postgres"), "postgres")["ports"]
    assert [(item["port"], item["targetPort"]) for item in service["ports"]] == [(5432, port["name"])]
    assert port["containerPort"] == 5432


@pytest.mark.parametrize("cluster", LARGE)
def test_the_large_form_serves_postgres_by_its_primary(cluster: str) -> None:
    (service,) = find(cluster, "Cluster", "postgres")["spec"]["managed"]["services"]["additional"]
    assert service["selectorType"] == "rw"
    assert service["serviceTemplate"]["metadata"]["name"] == "postgres"


def test_both_forms_have_the_same_role_and_database() -> None:
    prepare = find("local", "ConfigMap", "postgres")["data"]["prepare.sh"]
    assert "CREATE DATABASE web_intelligence OWNER wip;" in prepare
    (password,) = [
        variable["valueFrom"]["secretKeyRef"]
        for variable in container(find("local", "StatefulSet", "postgres"), "prepare")["env"]
        if variable["name"] == "WIP_PASSWORD"
    ]
    assert password == {"name": "postgres-app", "key": "password"}
    for bootstrap in (find(cluster, "Cluster", "postgres")["spec"]["bootstrap"] for cluster in LARGE):
        (way,) = bootstrap.values()
        assert (way["database"], way["owner"], way["secret"]["name"]) == ("web_intelligence", "wip", "postgres-app")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_policies_that_let_workloads_out_to_the_database_meet_its_pods(cluster: str) -> None:
    pods = (
        find(cluster, "Cluster", "postgres")["spec"]["inheritedMetadata"]
        if cluster in LARGE
        else find(cluster, "StatefulSet", "postgres")["spec"]["template"]["metadata"]
    )
    assert pods["labels"]["app.kubernetes.io/name"] == "postgres"


@pytest.mark.parametrize("cluster", SMALL)
def test_a_second_start_finds_the_mode_that_postgresql_asks_for(cluster: str) -> None:
    statefulset = find(cluster, "StatefulSet", "postgres")
    assert pod_of(statefulset)["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
    for name in ("prepare", "postgres"):
        each = container(statefulset, name)
        (mount,) = [item["mountPath"] for item in each["volumeMounts"] if item["name"] == "data"]
        (pgdata,) = [item["value"] for item in each["env"] if item["name"] == "PGDATA"]
        assert pgdata.startswith(f"{mount}/")


@pytest.mark.parametrize("cluster", SMALL)
def test_the_volume_outlives_its_statefulset(cluster: str) -> None:
    spec = find(cluster, "StatefulSet", "postgres")["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


@pytest.mark.parametrize("cluster", LARGE)
def test_nothing_acknowledged_is_lost_with_one_server(cluster: str) -> None:
    spec = find(cluster, "Cluster", "postgres")["spec"]
    synchronous = spec["postgresql"]["synchronous"]
    assert spec["instances"] == 3
    assert (synchronous["number"], synchronous["dataDurability"], synchronous["failoverQuorum"]) == (
        1,
        "required",
        True,
    )
    assert spec["affinity"]["podAntiAffinityType"] == "required"
    assert spec["enablePDB"] is True
    assert spec["enableSuperuserAccess"] is False
    assert spec["bootstrap"].get("initdb", {"dataChecksums": True})["dataChecksums"] is True


# Backups


@pytest.mark.parametrize("cluster", BACKED_UP)
def test_the_archive_is_off_the_cluster_and_no_two_databases_share_one(cluster: str) -> None:
    destination, _ = archive_of(cluster)
    assert destination.startswith("s3://")
    assert [archive_of(other)[0] for other in BACKED_UP].count(destination) == 1
    endpoints = {
        item["spec"]["configuration"]["endpointURL"] for item in of_kind(render(cluster, "data"), "ObjectStore")
    } | {
        item["data"]["AWS_ENDPOINT_URL_S3"]
        for item in of_kind(render(cluster, "data"), "ConfigMap")
        if "AWS_ENDPOINT_URL_S3" in item["data"]
    }
    assert endpoints
    for endpoint in endpoints:
        assert endpoint.startswith("https://")
        assert not re.search(r"\.svc\b|\.cluster\.local\b|//[^./]+(:|/|$)", endpoint)


def test_the_small_form_puts_wal_and_base_backups_under_one_name() -> None:
    config = find("staging", "ConfigMap", "postgres")["data"]
    place = '"$BACKUP_DESTINATION" "$BACKUP_SERVER"'
    assert re.search(
        rf"(?m)^archive_command = 'barman-cloud-wal-archive .*{re.escape(place)} %p'$", config["archive.conf"]
    )
    assert re.search(rf"(?m)^barman-cloud-backup .*{re.escape(place)}$", config["backup.sh"])
    users = [find("staging", "StatefulSet", "postgres"), find("staging", "CronJob", "postgres-backup")]
    maps = {
        source["configMapRef"]["name"] for user in users for each in pod_of(user)["containers"]
        for source in each.get("envFrom", [])
    }  # fmt: skip
    assert maps == {find("staging", "ConfigMap", "postgres-backup")["metadata"]["name"]}


def test_the_small_form_is_backed_up_daily_and_keeps_thirty_days() -> None:
    job = find("staging", "CronJob", "postgres-backup")["spec"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", job["schedule"])
    assert job["concurrencyPolicy"] == "Forbid"
    backup = find("staging", "ConfigMap", "postgres")["data"]["backup.sh"]
    assert '--retention-policy "RECOVERY WINDOW OF 30 DAYS"' in backup
    assert "set -euo pipefail" in backup


def test_the_backup_reads_the_volume_of_the_server_that_it_asks() -> None:
    pod = pod_of(find("staging", "CronJob", "postgres-backup"))
    server = find("staging", "StatefulSet", "postgres")
    (claim,) = [
        item["persistentVolumeClaim"]["claimName"] for item in pod["volumes"] if "persistentVolumeClaim" in item
    ]
    assert claim == f"{server['spec']['volumeClaimTemplates'][0]['metadata']['name']}-postgres-0"
    # A volume that one node may mount takes the job to that node.
    (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"].items() <= server["spec"]["template"]["metadata"]["labels"].items()
    (backup,), served = pod["containers"], container(server, "postgres")
    mounts = [{item["name"]: item["mountPath"] for item in each["volumeMounts"]} for each in (backup, served)]
    assert mounts[0]["data"] == mounts[1]["data"]
    assert backup["image"] == served["image"]


@pytest.mark.parametrize("cluster", BACKED_UP)
def test_at_most_five_minutes_are_not_yet_in_the_archive(cluster: str) -> None:
    found = settings(cluster)
    if cluster in SMALL:
        archive = find(cluster, "ConfigMap", "postgres")["data"]["archive.conf"]
        found |= {name: value.strip("'") for name, value in re.findall(r"(?m)^(\w+) = (.+)$", archive)}
        assert found["archive_mode"] == "on"
    assert found["archive_timeout"] == "5min"


def test_whether_the_small_form_archives_can_be_seen() -> None:
    server = find("staging", "StatefulSet", "postgres")
    exporter = container(server, "exporter")
    assert [port["containerPort"] for port in exporter["ports"] if port["name"] == "metrics"] == [9187]
    # It comes in by the socket, as the one role that its user is mapped to: it has no password to lose.
    assert not secret_keys(exporter)
    assert exporter["securityContext"]["runAsUser"] != pod_of(server)["securityContext"]["runAsUser"]


# Restore drills


@pytest.mark.parametrize("cluster", DRILLED)
def test_a_drill_runs_every_week_by_itself_and_cleans_up(cluster: str) -> None:
    spec = find(cluster, "CronJob", "restore-drill", within="restore-drill")["spec"]
    job = spec["jobTemplate"]["spec"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", spec["schedule"])
    assert not spec.get("suspend")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert job["backoffLimit"] == 0
    assert 0 < job["ttlSecondsAfterFinished"] <= 86400
    assert job["activeDeadlineSeconds"] < 86400


def test_a_region_that_follows_drills_nothing_as_it_could_not_write_it_down() -> None:
    spec = find("production-eu", "Cluster", "postgres")["spec"]
    assert spec["replica"]["primary"] != spec["replica"]["self"]
    assert not [item for item in render("production-eu", "data") if item["metadata"]["name"] == "restore-drill"]


def test_the_drill_of_the_large_form_restores_the_live_archive_beside_the_live_database() -> None:
    live, restored = find("production", "Cluster", "postgres"), drill_cluster()
    assert "plugins" not in restored["spec"]
    assert "backup" not in restored["spec"]
    assert restored["metadata"]["name"] != live["metadata"]["name"]
    assert restored["metadata"]["namespace"] == "restore-drill"
    (external,) = restored["spec"]["externalClusters"]
    assert restored["spec"]["bootstrap"]["recovery"]["source"] == external["name"]
    parameters = external["plugin"]["parameters"]
    store = find("production", "ObjectStore", parameters["barmanObjectName"], within="restore-drill")
    assert (store["spec"]["configuration"]["destinationPath"], parameters["serverName"]) == archive_of("production")


def test_the_drill_of_the_large_form_has_room_for_the_live_database() -> None:
    live, restored = find("production", "Cluster", "postgres")["spec"], drill_cluster()["spec"]
    assert restored["imageName"] == live["imageName"]
    for volume in ("storage", "walStorage"):
        assert quantity(restored[volume]["size"]) >= quantity(live[volume]["size"])
    parameters = [spec["postgresql"]["parameters"]["max_connections"] for spec in (live, restored)]
    assert parameters[0] == parameters[1]


def test_the_drill_of_the_large_form_may_make_one_cluster_and_nothing_else() -> None:
    name = drill_cluster()["metadata"]["name"]
    role = find("production", "Role", "restore-drill", within="restore-drill")
    databases = {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"]}
    assert role["rules"] == [
        {**databases, "verbs": ["create"]},
        {**databases, "resourceNames": [name], "verbs": ["get", "delete"]},
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list"]},
    ]
    binding = find("production", "RoleBinding", "restore-drill", within="restore-drill")
    pod = pod_of(find("production", "CronJob", "restore-drill", within="restore-drill"))
    assert [subject["name"] for subject in binding["subjects"]] == [pod["serviceAccountName"]]
    assert not of_kind(render("production", "data"), "ClusterRole", "ClusterRoleBinding")


def test_the_drill_of_the_large_form_has_time_to_delete_what_it_made() -> None:
    pod = pod_of(find("production", "CronJob", "restore-drill", within="restore-drill"))
    # The command's own --cleanup-timeout.
    assert pod["terminationGracePeriodSeconds"] > 150


def test_the_drill_of_the_small_form_restores_the_live_archive_into_a_volume_that_goes_with_it() -> None:
    drill = find("staging", "CronJob", "restore-drill", within="restore-drill")
    archive = find("staging", "ConfigMap", "restore-drill-archive", within="restore-drill")["data"]
    assert (archive["BACKUP_DESTINATION"], archive["RESTORE_FROM"]) == archive_of("staging")
    assert "BACKUP_SERVER" not in archive
    (claim,) = [item["ephemeral"] for item in pod_of(drill)["volumes"] if "ephemeral" in item]
    (live,) = find("staging", "StatefulSet", "postgres")["spec"]["volumeClaimTemplates"]
    sizes = [item["spec"]["resources"]["requests"]["storage"] for item in (claim["volumeClaimTemplate"], live)]
    assert quantity(sizes[0]) >= quantity(sizes[1])


def test_the_drill_of_the_small_form_uses_the_script_that_brings_back_a_lost_volume() -> None:
    scripts = [
        find("staging", "ConfigMap", name, within=within)["data"]["restore.sh"]
        for name, within in (("postgres", "web-intelligence"), ("restore-drill-postgres", "restore-drill"))
    ]
    assert scripts[0] == scripts[1]


# Two regions


def test_both_regions_agree_on_who_writes_and_who_follows_whom() -> None:
    specs = {cluster: find(cluster, "Cluster", "postgres")["spec"] for cluster in LARGE}
    assert {cluster: spec["replica"]["self"] for cluster, spec in specs.items()} == {name: name for name in LARGE}
    assert len({spec["replica"]["primary"] for spec in specs.values()}) == 1
    for cluster, spec in specs.items():
        assert spec["replica"]["source"] in set(LARGE) - {cluster}
        assert spec["externalClusters"] == specs["production"]["externalClusters"]
        ((way, bootstrap),) = spec["bootstrap"].items()
        assert way == ("initdb" if spec["replica"]["primary"] == cluster else "recovery")
        assert bootstrap.get("source") in {None, spec["replica"]["primary"]}


@pytest.mark.parametrize(("reader", "writer"), [LARGE, LARGE[::-1]])
def test_what_a_region_reads_of_the_other_is_what_the_other_writes(reader: str, writer: str) -> None:
    destination, server = archive_of(writer)
    (plugin,) = [
        item["plugin"]["parameters"]
        for item in find(reader, "Cluster", "postgres")["spec"]["externalClusters"]
        if item["name"] == writer
    ]
    read, written = (find(cluster, "ObjectStore", plugin["barmanObjectName"])["spec"] for cluster in (reader, writer))
    assert plugin["serverName"] == server
    for field in ("destinationPath", "endpointURL"):
        assert read["configuration"][field] == written["configuration"][field]
    assert read["configuration"]["destinationPath"] == destination


# The cache


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_cache_keeps_nothing_and_forgets_before_it_is_killed(cluster: str) -> None:
    text = find(cluster, "ConfigMap", "valkey")["data"]["valkey.conf"]
    config = dict(re.findall(r"(?m)^([a-z-]+) (.+)$", text))
    assert config["save"] == '""'
    assert config["appendonly"] == "no"
    assert config["maxmemory-policy"] == "allkeys-lru"
    limit = quantity(container(find(cluster, "Deployment", "valkey"), "valkey")["resources"]["limits"]["memory"])
    assert quantity(config["maxmemory"].replace("mb", "Mi")) <= limit / 2
    assert not of_kind(render(cluster, "data"), "PersistentVolumeClaim")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_there_are_never_two_caches_at_once(cluster: str) -> None:
    spec = find(cluster, "Deployment", "valkey")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_only_the_api_reaches_the_cache_and_the_cache_reaches_nobody(cluster: str) -> None:
    spec = find(cluster, "NetworkPolicy", "valkey")["spec"]
    peers = [peer for rule in spec["ingress"] for peer in rule["from"]]
    assert peers == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "api"}}}]
    assert "Egress" in spec["policyTypes"]
    assert not spec.get("egress")
