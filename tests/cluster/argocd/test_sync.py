"""A merge is the only way in: what is in git comes into the cluster, and what is not goes out of it."""

import subprocess
from collections.abc import Callable

import pytest

from tests.cluster.argocd.hub import Hub, conditions, operation, status
from tests.cluster.argocd.repository import Repository
from tests.gitops.rendering import Document

NAMESPACE = "web-intelligence"
# Seconds; ten times what it takes on an idle machine.
WITHIN = 120
UNITS = ("local-foundation", "local-secrets", "local-data", "local-workloads", "local-edge", "local-operators")
IMAGE = "ghcr.io/webintel/webintel@sha256:"
SETTINGS = "gitops/clusters/local/settings/kustomization.yaml"
WORKLOADS = ("api", "web", "worker")
Measured = Callable[[str, float], None]


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Note how long something took, for who reads the report; no test depends on it."""

    def note(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 1))
        print(f"{what}: {seconds:.1f} s")

    return note


@pytest.fixture(autouse=True)
def settled(hub: Hub, repository: Repository) -> None:
    """Each test begins where everything in git is in the cluster."""
    repository.restore()
    hub.look_for_folders()
    now = repository.revision()
    hub.wait("everything in git is Synced and Healthy", WITHIN, lambda: hub.settled("root", *UNITS, revision=now))


def deployment(hub: Hub, name: str) -> Document:
    found = hub.cluster.get("apps/v1", "Deployment", name, NAMESPACE)
    assert found, f"Deployment {name} is not there"
    return found


def image(workload: Document) -> str:
    found: str = workload["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def rolled_out(workload: Document) -> bool:
    told = workload["status"]
    wanted = workload["spec"]["replicas"]
    return told.get("observedGeneration") == workload["metadata"]["generation"] and (
        told.get("updatedReplicas", 0) == told.get("availableReplicas", 0) == told.get("replicas", 0) == wanted
    )


def set_image(repository: Repository, image: str) -> None:
    """What CI does when it has built one."""
    subprocess.run([repository.clone / ".ci/set-image", "local", image], check=True, capture_output=True, timeout=30)


def test_the_root_brings_up_everything_that_can_be_had_offline(hub: Hub) -> None:
    known = hub.applications()
    assert {name for name in known if status(known[name]) == ("Synced", "Healthy")} >= {"root", *UNITS}
    assert [pod["status"]["phase"] for pod in hub.cluster.all("v1", "Pod", NAMESPACE)].count("Running") >= len(
        WORKLOADS
    )


def test_what_needs_the_internet_says_so(hub: Hub) -> None:
    known = hub.applications()
    charts = [name for name, one in known.items() if "chart" in one["spec"]["source"]]
    assert charts
    for name in [*charts, "argocd"]:
        assert "ComparisonError" in conditions(known[name]), f"{name}: {conditions(known[name])}"
    assert "operationState" not in known["argocd"]["status"]


def test_a_new_image_rolls_out_by_itself_after_its_migration(
    hub: Hub, repository: Repository, measured: Measured
) -> None:
    new = IMAGE + 64 * "a"
    set_image(repository, new)
    revision = repository.commit("Run another image")
    begun = hub.wait("the commit is followed", WITHIN, lambda: image(deployment(hub, "api")) == new)
    measured("from commit to followed", begun)
    seconds = begun + hub.wait(
        "all workloads run the new image",
        WITHIN,
        lambda: all(
            image(workload) == new and rolled_out(workload)
            for workload in (deployment(hub, name) for name in WORKLOADS)
        ),
    )
    measured("from commit to rolled out", seconds)
    hub.wait("the rollout is reported", WITHIN, lambda: hub.settled("local-workloads", revision=revision))
    migration = hub.cluster.get("batch/v1", "Job", "migration", NAMESPACE)
    assert migration
    assert image(migration) == new
    replica_sets = hub.cluster.all("apps/v1", "ReplicaSet", NAMESPACE)
    started = [one["metadata"]["creationTimestamp"] for one in replica_sets if image(one) == new]
    assert started
    assert min(started) >= migration["status"]["completionTime"]


def test_an_edit_by_hand_is_undone_but_not_what_a_scaler_decides(hub: Hub, measured: Measured) -> None:
    kind = ("networking.k8s.io/v1", "NetworkPolicy")
    before = hub.cluster.get(*kind, "api", NAMESPACE)
    assert before
    hub.cluster.patch("apps/v1", "Deployment", "worker", {"spec": {"replicas": 2}}, namespace=NAMESPACE)
    hub.cluster.patch(*kind, "api", {"spec": {"ingress": [{}]}}, namespace=NAMESPACE)

    def undone() -> bool:
        found = hub.cluster.get(*kind, "api", NAMESPACE)
        return found is not None and found["spec"] == before["spec"]

    measured("from edit to undone", hub.wait("the edit is undone", WITHIN, undone))
    hub.wait("all is well again", WITHIN, lambda: hub.settled("local-workloads"))
    assert deployment(hub, "worker")["spec"]["replicas"] == 2


def test_a_deleted_object_comes_back(hub: Hub, measured: Measured) -> None:
    gone = hub.cluster.get("v1", "Service", "api", NAMESPACE)
    assert gone
    hub.cluster.delete("v1", "Service", "api", NAMESPACE)

    def back() -> bool:
        found = hub.cluster.get("v1", "Service", "api", NAMESPACE)
        return found is not None and found["metadata"]["uid"] != gone["metadata"]["uid"]

    measured("from deletion to being back", hub.wait("the Service comes back", WITHIN, back))


def test_a_commit_that_cannot_be_rendered_is_reported_and_harms_nothing(hub: Hub, repository: Repository) -> None:
    before = {name: deployment(hub, name)["metadata"]["generation"] for name in WORKLOADS}
    path = "gitops/clusters/local/workloads/kustomization.yaml"
    repository.write(path, repository.read(path) + "\n  - ../../../components/which-is-not-there\n")
    repository.commit("Break what renders")
    hub.wait(
        "the application says what it cannot render",
        WITHIN,
        lambda: "which-is-not-there" in conditions(hub.application("local-workloads")).get("ComparisonError", ""),
    )
    assert {name: deployment(hub, name)["metadata"]["generation"] for name in WORKLOADS} == before
    assert hub.settled("local-data", "local-foundation")


def test_a_commit_that_the_cluster_refuses_is_reported_and_harms_nothing(hub: Hub, repository: Repository) -> None:
    before = {name: deployment(hub, name)["metadata"]["generation"] for name in WORKLOADS}
    set_image(repository, IMAGE + 64 * "b")
    path = "gitops/base/workloads/api/deployment.yaml"
    repository.write(path, repository.read(path).replace("containerPort: 8000", "containerPort: 800000"))
    repository.commit("Ask for a port that there is not")
    hub.wait(
        "the application says why it is refused",
        WITHIN,
        lambda: "containerPort" in conditions(hub.application("local-workloads")).get("ComparisonError", ""),
    )
    # Also not the other workloads, of the same commit, which by themselves are right.
    assert {name: deployment(hub, name)["metadata"]["generation"] for name in WORKLOADS} == before


def test_a_removed_folder_is_pruned_and_comes_back_with_it(
    hub: Hub, repository: Repository, measured: Measured
) -> None:
    assert hub.cluster.all("gateway.networking.k8s.io/v1", "HTTPRoute", NAMESPACE)
    repository.remove("gitops/clusters/local/edge")
    repository.commit("Run no edge here")
    hub.look_for_folders()
    seconds = hub.wait(
        "the edge is gone",
        WITHIN,
        lambda: (
            not hub.application("local-edge")
            and not hub.cluster.all("gateway.networking.k8s.io/v1", "HTTPRoute", NAMESPACE)
        ),
    )
    measured("from removing a folder to pruned", seconds)
    assert hub.settled("local-foundation", "local-secrets", "local-data", "local-workloads")


def test_a_database_that_is_no_longer_in_git_stays_until_somebody_approves(hub: Hub, repository: Repository) -> None:
    path = "gitops/clusters/local/data/kustomization.yaml"
    repository.write(path, repository.read(path).replace("  - ../../../components/postgres-statefulset\n", ""))
    repository.commit("Have no database")
    hub.wait(
        "the application asks for approval",
        WITHIN,
        lambda: "pruning confirmation" in operation(hub.application("local-data")),
    )
    database = hub.cluster.get("apps/v1", "StatefulSet", "postgres", NAMESPACE)
    assert database
    assert "deletionTimestamp" not in database["metadata"]
    hub.approve_deletion("local-data")
    hub.wait(
        "the database is gone",
        WITHIN,
        lambda: hub.cluster.get("apps/v1", "StatefulSet", "postgres", NAMESPACE) is None,
    )
    claims = hub.cluster.all("v1", "PersistentVolumeClaim", NAMESPACE)
    assert [one["status"]["phase"] for one in claims if one["metadata"]["name"].endswith("postgres-0")] == ["Bound"]


def test_data_outlives_its_folder(hub: Hub, repository: Repository) -> None:
    before = hub.cluster.get("apps/v1", "StatefulSet", "postgres", NAMESPACE)
    assert before
    repository.remove("gitops/clusters/local/data")
    repository.commit("Forget the data")
    hub.look_for_folders()
    hub.wait("the application is gone", WITHIN, lambda: not hub.application("local-data"))
    repository.restore()
    hub.look_for_folders()
    now = repository.revision()
    hub.wait("the application is back", WITHIN, lambda: hub.settled("local-data", revision=now))
    after = hub.cluster.get("apps/v1", "StatefulSet", "postgres", NAMESPACE)
    assert after
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_namespaces_outlive_their_folder(hub: Hub, repository: Repository) -> None:
    repository.remove("gitops/clusters/local/foundation")
    repository.commit("Forget the namespaces")
    hub.look_for_folders()
    hub.wait(
        "the application waits for approval of its deletion",
        WITHIN,
        lambda: "deletionTimestamp" in hub.application("local-foundation").get("metadata", {}),
    )
    namespace = hub.cluster.get("v1", "Namespace", NAMESPACE)
    assert namespace
    assert namespace["status"]["phase"] == "Active"
    # Nobody approves: the folder comes back, and the application is let go without what it made.
    repository.restore()
    hub.let_go("local-foundation")
    hub.look_for_folders()
    hub.wait("the application is back", WITHIN, lambda: hub.settled("local-foundation"))
