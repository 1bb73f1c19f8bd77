"""What the clusters' operators are: pinned charts, with resources for each container, one owner for each kind."""

import re
from pathlib import PurePosixPath
from typing import Any

import pytest

from tests.gitops.policies.objects import group
from tests.gitops.rendering import CLUSTERS, GITOPS, Document, render, render_cluster, units

# Which operator brings the kinds of an API group.
BRINGS = {
    "barmancloud.cnpg.io": "barman-cloud",
    "cert-manager.io": "cert-manager",
    "external-secrets.io": "external-secrets",
    "gateway.envoyproxy.io": "gateway-crds",
    "gateway.networking.k8s.io": "gateway-crds",
    "keda.sh": "keda",
    "monitoring.coreos.com": "prometheus-operator-crds",
    "postgresql.cnpg.io": "cloudnative-pg",
}
# Who must run for an operator to work.
NEEDS = {
    "barman-cloud": {"cert-manager", "cloudnative-pg"},
    "cert-manager": {"gateway-crds", "prometheus-operator-crds"},
    "envoy-gateway": {"gateway-crds"},
    "external-dns": {"gateway-crds", "prometheus-operator-crds"},
    "kube-prometheus-stack": {"cert-manager", "prometheus-operator-crds"},
}
# Where a chart takes the resources of each of its containers; a chart of CRDs has none.
CONTAINERS: dict[str, tuple[str, ...]] = {
    "barman-cloud": ("resources",),
    "cert-manager": ("resources", "webhook.resources", "cainjector.resources"),
    "cloudnative-pg": ("resources",),
    "envoy-gateway": ("deployment.envoyGateway.resources", "certgen.job.resources"),
    "external-dns": ("resources",),
    "external-secrets": ("resources", "webhook.resources", "certController.resources"),
    "gateway-crds": (),
    "keda": ("resources.operator", "resources.metricServer", "resources.webhooks"),
    "kube-prometheus-stack": (
        "prometheusOperator.resources",
        "prometheusOperator.prometheusConfigReloader.resources",
        "prometheus.prometheusSpec.resources",
        "alertmanager.alertmanagerSpec.resources",
        "grafana.resources",
        "grafana.sidecar.resources",
        "kube-state-metrics.resources",
        "prometheus-node-exporter.resources",
    ),
    "metrics-server": ("resources",),
    "prometheus-operator-crds": (),
}
# What runs twice where a node may be lost: (operator, where the chart takes the number).
REPLICATED = (
    ("cert-manager", "replicaCount"),
    ("cert-manager", "webhook.replicaCount"),
    ("cert-manager", "cainjector.replicaCount"),
    ("cloudnative-pg", "replicaCount"),
    ("envoy-gateway", "deployment.replicas"),
    ("external-secrets", "replicaCount"),
    ("external-secrets", "webhook.replicaCount"),
    ("keda", "operator.replicaCount"),
    ("keda", "metricsServer.replicaCount"),
    ("keda", "webhooks.replicaCount"),
    ("metrics-server", "replicas"),
)
REGIONS = ("production", "production-eu")


def operators(cluster: str) -> dict[str, Document]:
    """The cluster's Applications, by the operator's name."""
    found = {document["metadata"]["name"]: document for document in render(cluster, "operators")}
    return {name.removeprefix(f"{cluster}-"): document for name, document in found.items()}


def value(application: Document, path: str) -> Any:
    found: Any = application["spec"]["source"]["helm"].get("valuesObject", {})
    for key in path.split("."):
        found = found.get(key, {})
    return found


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_operator_is_described_here() -> None:
    assert {folder.name for folder in (GITOPS / "operators").iterdir()} == set(CONTAINERS)


def test_every_operator_runs_somewhere() -> None:
    assert {name for cluster in CLUSTERS for name in operators(cluster)} == set(CONTAINERS)


def test_applications_go_to_their_cluster_and_are_named_after_it(cluster: str) -> None:
    for document in render(cluster, "operators"):
        metadata = document["metadata"]
        assert (document["kind"], metadata["namespace"]) == ("Application", "argocd")
        assert metadata["name"].startswith(f"{cluster}-")
        assert metadata["labels"]["webintel.io/cluster"] == cluster
        assert document["spec"]["destination"]["name"] == cluster
        assert document["spec"]["project"] == "operators"


def test_charts_are_pinned_to_one_version_and_say_where_they_come_from(cluster: str) -> None:
    for name, application in operators(cluster).items():
        source = application["spec"]["source"]
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", source["targetRevision"]), name
        assert source["chart"], name
        # Argo CD takes an address without a scheme for a registry of charts.
        assert re.match(r"https://|docker\.io/", source["repoURL"]), name


def test_one_version_of_a_chart_runs_in_all_clusters() -> None:
    versions: dict[str, set[str]] = {}
    for cluster in CLUSTERS:
        for name, application in operators(cluster).items():
            versions.setdefault(name, set()).add(application["spec"]["source"]["targetRevision"])
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_operators_sync_by_themselves_and_try_again(cluster: str) -> None:
    for name, application in operators(cluster).items():
        policy = application["spec"]["syncPolicy"]
        assert policy["automated"]["selfHeal"], name
        # Where nothing else guards a CRD, it stays until a person removes it.
        assert policy["automated"]["prune"] is (name != "gateway-crds"), name
        assert policy["retry"]["backoff"]["factor"] >= 2, name
        assert "ServerSideApply=true" in policy["syncOptions"], name
        assert "finalizers" not in application["metadata"], f"{name}: removing its entry must not remove what it runs"


def test_release_names_do_not_carry_the_clusters_name(cluster: str) -> None:
    for name, application in operators(cluster).items():
        assert cluster not in application["spec"]["source"]["helm"]["releaseName"].split("-"), name


def test_each_namespace_is_made_by_someone_and_enforces_pod_security(cluster: str) -> None:
    ours = {d["metadata"]["name"] for d in render_cluster(cluster) if d["kind"] == "Namespace"} | {"kube-system"}
    levels: dict[str, str] = {}
    for application in operators(cluster).values():
        namespace = application["spec"]["destination"]["namespace"]
        policy = application["spec"]["syncPolicy"]
        if "CreateNamespace=true" in policy["syncOptions"] and namespace not in ours:
            levels[namespace] = policy["managedNamespaceMetadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    used = {application["spec"]["destination"]["namespace"] for application in operators(cluster).values()}
    assert set(levels) == used - ours
    assert set(levels.values()) == {"restricted"}


def test_every_container_of_every_chart_has_resources(cluster: str) -> None:
    for name, application in operators(cluster).items():
        for path in CONTAINERS[name]:
            resources = value(application, path)
            assert set(resources.get("requests", {})) == {"cpu", "memory"}, f"{name}: {path}"
            assert "memory" in resources.get("limits", {}), f"{name}: {path}"


def test_an_operator_brings_the_kinds_that_a_cluster_uses(cluster: str) -> None:
    documents = [document for unit in units(cluster) if unit != "operators" for document in render(cluster, unit)]
    needed = {BRINGS[group(document)] for document in documents if group(document) in BRINGS}
    assert needed - set(operators(cluster)) == set()


def test_operators_have_what_they_need(cluster: str) -> None:
    present = set(operators(cluster))
    assert {name: needs - present for name, needs in NEEDS.items() if name in present and needs - present} == {}


def test_what_operators_report_names_their_cluster(cluster: str) -> None:
    found = operators(cluster)
    assert value(found["keda"], "clusterName") == cluster
    if "kube-prometheus-stack" in found:
        assert value(found["kube-prometheus-stack"], "prometheus.prometheusSpec.externalLabels.cluster") == cluster


def test_crds_have_one_owner(cluster: str) -> None:
    found = operators(cluster)
    charts = [application["spec"]["source"]["chart"] for application in found.values()]
    assert len(charts) == len(set(charts))
    assert value(found["gateway-crds"], "crds.gatewayAPI") == {"enabled": True, "channel": "standard"}
    assert value(found["gateway-crds"], "crds.envoyGateway.enabled") is True
    assert value(found["envoy-gateway"], "crds.enabled") is False
    assert value(found["cert-manager"], "crds.enabled") is True
    if "kube-prometheus-stack" in found:
        assert value(found["kube-prometheus-stack"], "crds.enabled") is False


def test_gateway_and_its_crds_are_of_one_version(cluster: str) -> None:
    found = operators(cluster)
    revisions = {found[name]["spec"]["source"]["targetRevision"] for name in ("gateway-crds", "envoy-gateway")}
    assert len(revisions) == 1


def test_cert_manager_listens_to_gateways(cluster: str) -> None:
    assert value(operators(cluster)["cert-manager"], "config.gatewayAPI.enabled") is True


@pytest.mark.parametrize("region", REGIONS)
def test_controllers_survive_a_node_in_production(region: str) -> None:
    found = operators(region)
    assert {(name, path): value(found[name], path) for name, path in REPLICATED if value(found[name], path) != 2} == {}


@pytest.mark.parametrize("region", REGIONS)
def test_dns_is_changed_only_in_its_zone_and_only_where_the_cluster_made_the_record(region: str) -> None:
    application = operators(region)["external-dns"]
    hosts = {
        host
        for document in render(region, "edge")
        if document["kind"] == "HTTPRoute"
        for host in document["spec"].get("hostnames", [])
    }
    (zone,) = value(application, "domainFilters")
    assert hosts
    assert all(host.endswith(f".{zone}") for host in hosts)
    assert value(application, "sources") == ["gateway-httproute"]
    assert (value(application, "registry"), value(application, "txtOwnerId")) == ("txt", region)


@pytest.mark.parametrize("region", REGIONS)
def test_dns_keys_are_read_from_a_file_that_a_secret_fills(region: str) -> None:
    application = operators(region)["external-dns"]
    (volume,), (mount,) = value(application, "extraVolumes"), value(application, "extraVolumeMounts")
    environment = {entry["name"]: entry["value"] for entry in value(application, "env")}
    file = PurePosixPath(environment["AWS_SHARED_CREDENTIALS_FILE"])
    (secret,) = [
        document
        for document in render_cluster(region)
        if document["kind"] == "ExternalSecret"
        and document["metadata"]["namespace"] == application["spec"]["destination"]["namespace"]
    ]
    assert (volume["name"], str(file.parent)) == (mount["name"], mount["mountPath"])
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert file.name in secret["spec"]["target"]["template"]["data"]
