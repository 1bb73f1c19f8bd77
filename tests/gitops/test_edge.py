"""The gateway: who gets in, over what, how often, how much and how long, and which paths lead where."""

import os
import re
from pathlib import Path

import pytest

from tests.gitops.gateway import Edge, seconds
from tests.gitops.policies.quantities import quantity
from tests.gitops.rendering import CLUSTERS, GITOPS, Document, load, render, render_with
from tests.gitops.schemas import Definitions, check
from webintel.api.app import MAX_BODY_BYTES, create_app
from webintel.jobs.controllers import KEEP_ALIVE_SECONDS
from webintel.serving import server
from webintel.settings import load_settings

SECURE = ("api", "app")
LISTENERS = ("http", *SECURE)
IDENTIFIER = "0b0e7a4e-2c1f-4d0e-9b7e-000000000001"
STAGING_AUTHORITY = "https://acme-staging-v02.api.letsencrypt.org/directory"
AUTHORITY = "https://acme-v02.api.letsencrypt.org/directory"
ANNOTATION = "external-dns.kubernetes.io/"


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def edge(cluster: str) -> Edge:
    return Edge(render(cluster, "edge"))


@pytest.fixture(scope="module")
def served() -> list[tuple[str, str]]:
    """What the real API serves: methods and paths, with something in place of each parameter."""
    app = create_app(load_settings(database_url="postgresql://wip:x@localhost/x", secret_key=os.urandom(32).hex()))
    return [
        (method, re.sub(r"\{[^}]+\}", IDENTIFIER, route.path))
        for route in app.routes
        for method in sorted(getattr(route, "methods", ()))
    ]


@pytest.fixture(scope="module")
def guarded() -> Edge:
    """Production's edge with countries kept out."""
    return Edge(render_with("production", "edge", "geo-blocking"))


# Hosts and TLS


def test_plain_http_only_redirects(edge: Edge) -> None:
    for path in ("/", "/api/v1/sites", "/metrics", "/health"):
        answer = edge.ask("http", path)
        assert answer is not None
        assert answer.backend is None
        redirect = answer.filter("RequestRedirect")
        assert redirect is not None
        assert redirect["requestRedirect"] == {"scheme": "https", "statusCode": 301}
    # Beside it only what cert-manager puts up for a challenge, in the gateway's own namespace.
    assert edge.listeners["http"]["allowedRoutes"]["namespaces"] == {"from": "Same"}


def test_hosts_are_the_clusters_own(edge: Edge, cluster: str) -> None:
    settings = _settings(cluster)
    assert edge.listeners["api"]["hostname"] == settings["apiHost"]
    assert edge.listeners["app"]["hostname"] == settings["appHost"]
    for route in edge.all("HTTPRoute"):
        for parent in route["spec"]["parentRefs"]:
            listener = edge.listeners[parent["sectionName"]]
            assert set(route["spec"].get("hostnames", [])) <= {listener.get("hostname")}


def _settings(cluster: str) -> dict[str, str]:
    file = GITOPS / "clusters" / cluster / "settings" / "cluster-settings.yaml"
    return load(file.read_text("utf-8"))[0]["data"]


@pytest.mark.parametrize("listener", SECURE)
def test_tls_is_1_2_or_newer_with_forward_secrecy(edge: Edge, listener: str) -> None:
    tls = edge.connection(listener)["tls"]
    assert tls["minVersion"] in {"1.2", "1.3"}
    assert tls["ciphers"]
    assert all(re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES\d+-GCM-SHA\d+|CHACHA20-POLY1305)", c) for c in tls["ciphers"])


@pytest.mark.parametrize("listener", SECURE)
def test_browsers_are_told_to_stay_on_https_for_a_year(edge: Edge, listener: str) -> None:
    headers = {h["name"]: h["value"] for h in edge.connection(listener)["headers"]["lateResponseHeaders"]["set"]}
    age = re.match(r"max-age=(\d+)", headers["Strict-Transport-Security"])
    assert age is not None
    assert int(age[1]) >= 365 * 24 * 3600
    assert "headers" not in edge.connection("http")


def test_each_secure_listener_has_a_certificate_of_an_issuer_that_exists(edge: Edge) -> None:
    issuer = edge.one("Gateway", "gateway")["metadata"]["annotations"]["cert-manager.io/issuer"]
    assert issuer in {document["metadata"]["name"] for document in edge.all("Issuer")}
    secrets = []
    for name in SECURE:
        listener = edge.listeners[name]
        assert (listener["protocol"], listener["port"], listener["tls"]["mode"]) == ("HTTPS", 443, "Terminate")
        secrets += [reference["name"] for reference in listener["tls"]["certificateRefs"]]
    assert len(set(secrets)) == len(SECURE)


def test_certificates_come_from_the_environments_authority(edge: Edge, cluster: str) -> None:
    servers = {document["spec"]["acme"]["server"] for document in edge.all("Issuer") if "acme" in document["spec"]}
    expected = {"local": set(), "staging": {STAGING_AUTHORITY}}
    assert servers == expected.get(cluster, {AUTHORITY})


# Paths


def test_everything_that_the_api_serves_reaches_it(edge: Edge, served: list[tuple[str, str]]) -> None:
    assert len(served) > 50
    for method, path in served:
        if path != "/metrics":
            answer = edge.ask("api", path, method)
            assert answer is not None, path
            assert answer.backend == ("api", 8000), path


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/metrics/x"])
def test_metrics_are_for_the_inside_only(edge: Edge, path: str) -> None:
    assert edge.ask("api", path) is None
    answer = edge.ask("app", path)
    assert answer is not None
    assert answer.backend is None
    reference = answer.filter("ExtensionRef")
    assert reference is not None
    found = edge.one(reference["extensionRef"]["kind"], reference["extensionRef"]["name"])
    assert found["spec"]["directResponse"]["statusCode"] == 404


@pytest.mark.parametrize("path", ["/", "/sites", "/static/app.css", "/metricsx"])
def test_all_else_of_the_app_reaches_the_web_ui(edge: Edge, path: str) -> None:
    answer = edge.ask("app", path)
    assert answer is not None
    assert answer.backend == ("web", 3000)


@pytest.mark.parametrize("listener", SECURE)
def test_a_path_has_one_spelling_before_it_is_matched(edge: Edge, listener: str) -> None:
    path = edge.connection(listener)["path"]
    assert path["escapedSlashesAction"] in {"UnescapeAndRedirect", "RejectRequest"}
    assert path["disableMergeSlashes"] is False


# Time


def test_only_event_streams_have_no_time_limit(edge: Edge, served: list[tuple[str, str]]) -> None:
    streams = {path for method, path in served if method == "GET" and path.endswith("/events")}
    assert streams
    for method, path in served:
        answer = edge.ask("api", path, method)
        if answer is None:
            continue
        limit = seconds(answer.rule.get("timeouts", {}).get("request") or _timeout(edge, answer.route))
        assert (limit == 0) is (method == "GET" and path in streams), (method, path)
    assert 0 < seconds(_timeout(edge, "web")) <= 60


def _timeout(edge: Edge, route: str) -> str:
    return edge.policy(route)["timeout"]["http"]["requestTimeout"]


def test_silence_between_two_events_does_not_end_a_stream(edge: Edge) -> None:
    stream = edge.policy("api-events")["timeout"]["http"]
    assert seconds(stream["requestTimeout"]) == 0
    assert seconds(stream["maxStreamDuration"]) == 0
    assert seconds(stream["streamIdleTimeout"]) >= 2 * KEEP_ALIVE_SECONDS
    assert seconds(edge.connection("api")["timeout"]["http"]["streamIdleTimeout"]) >= 2 * KEEP_ALIVE_SECONDS


def test_connections_to_the_service_are_given_up_before_it_closes_them(edge: Edge) -> None:
    idle = seconds(edge.policy("api")["timeout"]["http"]["connectionIdleTimeout"])
    assert 0 < idle < server._KEEP_ALIVE_SECONDS


@pytest.mark.parametrize("listener", LISTENERS)
def test_slow_clients_are_not_waited_for(edge: Edge, listener: str) -> None:
    http = edge.connection(listener)["timeout"]["http"]
    assert 0 < seconds(http["requestHeadersReceivedTimeout"]) <= 10
    assert 0 < seconds(http["requestReceivedTimeout"]) <= 60
    assert 0 < seconds(http["idleTimeout"]) <= 300


# How much, how often, and by whom


@pytest.mark.parametrize("listener", LISTENERS)
def test_connections_are_limited(edge: Edge, listener: str) -> None:
    assert 0 < edge.connection(listener)["connection"]["connectionLimit"]["value"] <= 10000


@pytest.mark.parametrize("route", ["api", "api-events", "web"])
def test_requests_are_limited_for_each_client_on_every_route(edge: Edge, route: str) -> None:
    rules = edge.policy(route)["rateLimit"]["local"]["rules"]
    for_all = [rule for rule in rules if all(set(s) == {"sourceCIDR"} for s in rule["clientSelectors"])]
    assert for_all
    assert all(s["sourceCIDR"]["type"] == "Distinct" for rule in rules for s in rule["clientSelectors"])


@pytest.mark.parametrize("listener", SECURE)
def test_only_the_api_says_what_is_left_of_a_limit(edge: Edge, listener: str) -> None:
    assert edge.connection(listener)["headers"]["disableRateLimitHeaders"] is True


def test_guessing_passwords_is_limited_where_the_api_checks_them(edge: Edge, served: list[tuple[str, str]]) -> None:
    rules = edge.policy("api")["rateLimit"]["local"]["rules"]
    (login,) = [selector for rule in rules for selector in rule["clientSelectors"] if "path" in selector]
    assert (login["methods"][0]["value"], login["path"]["value"]) in served


@pytest.mark.parametrize("listener", LISTENERS)
def test_the_clients_address_is_what_the_connection_says(edge: Edge, listener: str) -> None:
    assert edge.connection(listener)["clientIPDetection"] == {"directSourceIP": {}}
    kubernetes = edge.one("EnvoyProxy", "proxy")["spec"]["provider"]["kubernetes"]
    assert kubernetes["envoyService"]["externalTrafficPolicy"] == "Local"


def test_the_api_believes_the_gateways_word_on_the_address_and_no_other(cluster: str) -> None:
    settings = [d["data"] for d in render(cluster, "workloads") if d["kind"] == "ConfigMap"]
    assert [s["WEBINTEL_TRUSTED_PROXY_HOPS"] for s in settings if "WEBINTEL_TRUSTED_PROXY_HOPS" in s]
    assert all(s.get("WEBINTEL_TRUSTED_PROXY_HOPS", "1") == "1" for s in settings)


def test_bodies_are_limited_to_what_the_api_takes(edge: Edge) -> None:
    for route in ("api", "web"):
        assert quantity(edge.policy(route)["requestBuffer"]["limit"]) == MAX_BODY_BYTES


def test_a_request_that_may_have_been_served_is_not_sent_again(edge: Edge) -> None:
    for route in ("api", "api-events", "web"):
        triggers = set(edge.policy(route)["retry"]["retryOn"]["triggers"])
        assert triggers <= {"connect-failure", "refused-stream", "reset-before-request"}


# References


def test_every_policy_targets_something_that_exists(edge: Edge) -> None:
    for policy in [d for d in edge.documents if "targetRefs" in d.get("spec", {})]:
        for target in policy["spec"]["targetRefs"]:
            found = edge.one(target["kind"], target["name"])
            assert found["metadata"]["namespace"] == policy["metadata"]["namespace"]
            if "sectionName" in target:
                assert target["sectionName"] in edge.listeners


def test_every_listener_admits_the_routes_that_ask_for_it(edge: Edge) -> None:
    gateway = edge.one("Gateway", "gateway")["metadata"]
    for route in edge.all("HTTPRoute"):
        home = route["metadata"]["namespace"]
        for parent in route["spec"]["parentRefs"]:
            assert (parent["name"], parent.get("namespace", home)) == (gateway["name"], gateway["namespace"])
            allowed = edge.listeners[parent["sectionName"]]["allowedRoutes"]["namespaces"]
            labels = allowed.get("selector", {}).get("matchLabels", {})
            assert labels.get("kubernetes.io/metadata.name", gateway["namespace"]) == home


def test_proxies_reach_the_services_behind_the_routes(edge: Edge) -> None:
    policy = edge.one("NetworkPolicy", "proxy")["spec"]
    ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    backends = {
        r["port"] for d in edge.all("HTTPRoute") for rule in d["spec"]["rules"] for r in rule.get("backendRefs", [])
    }
    assert backends == {8000, 3000}
    assert backends <= ports
    # Envoy Gateway listens on 10000 more than a port below 1024.
    assert {port["port"] for port in policy["ingress"][0]["ports"]} == {
        listener["port"] + 10000 for listener in edge.listeners.values()
    }


# Proxies


def test_proxies_have_resources_and_no_privileges(edge: Edge) -> None:
    deployment = edge.one("EnvoyProxy", "proxy")["spec"]["provider"]["kubernetes"]["envoyDeployment"]
    assert set(deployment["container"]["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in deployment["container"]["resources"]["limits"]
    assert deployment["container"]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert deployment["pod"]["securityContext"]["runAsNonRoot"] is True
    assert deployment["pod"]["topologySpreadConstraints"]


def test_proxies_outlive_a_node_where_there_is_more_than_one(edge: Edge, cluster: str) -> None:
    kubernetes = edge.one("EnvoyProxy", "proxy")["spec"]["provider"]["kubernetes"]
    if cluster == "local":
        assert kubernetes["envoyDeployment"]["replicas"] == 1
        assert "envoyPDB" not in kubernetes
        return
    assert kubernetes["envoyHpa"]["minReplicas"] > kubernetes["envoyPDB"]["minAvailable"] >= 1
    assert "replicas" not in kubernetes["envoyDeployment"]


def test_access_logs_are_json_without_queries_and_credentials(edge: Edge) -> None:
    (settings,) = edge.one("EnvoyProxy", "proxy")["spec"]["telemetry"]["accessLog"]["settings"]
    assert settings["format"]["type"] == "JSON"
    fields = " ".join(settings["format"]["json"].values()).upper()
    assert "%PATH(NQ)%" in fields
    assert not re.search(r"REQ\((AUTHORIZATION|COOKIE|X-API-KEY|:PATH|X-ENVOY-ORIGINAL-PATH)", fields)


# Regions


def test_of_two_regions_behind_one_name_one_is_primary() -> None:
    names: dict[str, list[Document]] = {}
    for cluster in CLUSTERS:
        for route in Edge(render(cluster, "edge")).all("HTTPRoute"):
            for host in route["spec"].get("hostnames", []):
                names.setdefault(host, []).append({"cluster": cluster, **route["metadata"].get("annotations", {})})
    shared = {host: found for host, found in names.items() if len({r["cluster"] for r in found}) > 1}
    assert shared
    for found in shared.values():
        roles = {(route["cluster"], route[f"{ANNOTATION}aws-failover"]) for route in found}
        assert sorted(role for _, role in roles) == ["PRIMARY", "SECONDARY"]
        assert all(route[f"{ANNOTATION}set-identifier"] == route["cluster"] for route in found)
        assert all(route[f"{ANNOTATION}aws-health-check-id"] for route in found)
        assert all(int(route[f"{ANNOTATION}ttl"]) <= 60 for route in found)


def test_a_region_that_stands_by_renews_its_certificates_by_dns() -> None:
    for cluster in ("production", "production-eu"):
        (solver,) = Edge(render(cluster, "edge")).one("Issuer", "acme")["spec"]["acme"]["solvers"]
        assert set(solver) == {"dns01"}


# Countries


def test_listed_countries_are_kept_out_and_all_others_let_in(guarded: Edge) -> None:
    policy = guarded.one("SecurityPolicy", "countries")["spec"]
    assert policy["targetRefs"] == [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gateway"}]
    assert policy["authorization"]["defaultAction"] == "Allow"
    (rule,) = policy["authorization"]["rules"]
    assert rule["action"] == "Deny"
    assert all(re.fullmatch("[A-Z]{2}", place["country"]) for place in rule["principal"]["clientIPGeoLocations"])


def test_the_countries_database_is_there_before_the_proxy_starts(guarded: Edge) -> None:
    spec = guarded.one("EnvoyProxy", "proxy")["spec"]
    file = Path(spec["geoIP"]["provider"]["maxMind"]["countryDbSource"]["local"]["path"])
    deployment = spec["provider"]["kubernetes"]["envoyDeployment"]
    (reader,) = deployment["container"]["volumeMounts"]
    (writer,) = deployment["initContainers"]
    shared = {mount["name"]: mount["mountPath"] for mount in writer["volumeMounts"]}
    assert (reader["mountPath"], shared[reader["name"]]) == (str(file.parent), str(file.parent))
    assert writer["startupProbe"]["exec"]["command"] == ["test", "-s", str(file)]
    secrets = {d["metadata"]["name"] for d in guarded.all("ExternalSecret")}
    assert {v["secret"]["secretName"] for v in deployment["pod"]["volumes"] if "secret" in v} <= secrets


def test_keeping_countries_out_fits_the_schemas(guarded: Edge, definitions: Definitions) -> None:
    assert [violation for document in guarded.documents for violation in check(document, definitions)] == []


# An ACME account of one's own


def test_an_account_of_ones_own_is_waited_for_and_none_is_made(definitions: Definitions) -> None:
    for cluster in ("staging", "production"):
        edge = Edge(render_with(cluster, "edge", "acme-account"))
        acme = edge.one("Issuer", "acme")["spec"]["acme"]
        assert acme["disableAccountKeyGeneration"] is True
        account = edge.one("ExternalSecret", acme["privateKeySecretRef"]["name"])
        # Where cert-manager looks for a key.
        assert [one["secretKey"] for one in account["spec"]["data"]] == ["tls.key"]
        assert [violation for document in edge.documents for violation in check(document, definitions)] == []
