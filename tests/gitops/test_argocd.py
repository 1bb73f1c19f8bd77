"""Who keeps clusters equal to git, and how narrow: each rule on what `argocd/` renders to, and on what breaks it."""

import copy
import re
import shutil
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gitops.policies.objects import group
from tests.gitops.rendering import ARGOCD, CLUSTERS, Document, kustomize, render, render_with, units

CLUSTER_SCOPED = {
    "ClusterSecretStore", "CustomResourceDefinition", "GatewayClass", "Namespace", "PriorityClass",
}  # fmt: skip
CONFIRMED = {"Prune=confirm", "Delete=confirm"}
KEPT = {"Prune=false", "Delete=false"}
Rule = Callable[[list[Document]], list[str]]


@pytest.fixture
def argocd() -> list[Document]:
    return kustomize(ARGOCD)


def of_kind(documents: list[Document], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}


def scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from scalars(one)
    elif isinstance(value, list):
        for one in value:
            yield from scalars(one)
    else:
        yield value


def projects_name_what_they_permit(documents: list[Document]) -> list[str]:
    faults = []
    for name, project in of_kind(documents, "AppProject").items():
        spec = project["spec"]
        faults += [f"{name}: {one}" for one in scalars(spec) if isinstance(one, str) and "*" in one]
        # Left out, these mean everything.
        required = ("sourceRepos", "destinations", "namespaceResourceWhitelist")
        faults += [f"{name}: {key}" for key in required if not spec.get(key)]
        faults += [f"{name}: {one}" for one in spec["destinations"] if not one.get("namespace")]
    return faults


def argocd_neither_syncs_nor_deletes_itself(documents: list[Document]) -> list[str]:
    argocd = of_kind(documents, "Application")["argocd"]
    faults = ["automated"] if "automated" in argocd["spec"].get("syncPolicy", {}) else []
    faults += ["finalizers"] if argocd["metadata"].get("finalizers") else []
    faults += [] if "ServerSideApply=true" in argocd["spec"]["syncPolicy"]["syncOptions"] else ["client-side apply"]
    return faults


def application_sets_refuse_missing_keys(documents: list[Document]) -> list[str]:
    return [
        name
        for name, one in of_kind(documents, "ApplicationSet").items()
        if one["spec"].get("goTemplate") is not True or one["spec"].get("goTemplateOptions") != ["missingkey=error"]
    ]


def what_syncs_by_itself_heals_and_tries_again(documents: list[Document]) -> list[str]:
    faults = []
    specs = {name: one["spec"] for name, one in of_kind(documents, "Application").items() if name != "argocd"}
    specs |= {name: one["spec"]["template"]["spec"] for name, one in of_kind(documents, "ApplicationSet").items()}
    for name, spec in specs.items():
        policy = spec["syncPolicy"]
        if policy["automated"] != {"prune": True, "selfHeal": True}:
            faults.append(f"{name}: automated")
        if not {"ServerSideApply=true", "PruneLast=true"} <= set(policy["syncOptions"]):
            faults.append(f"{name}: syncOptions")
        retry = policy.get("retry", {})
        if retry.get("limit") != -1 or not retry.get("refresh") or retry["backoff"]["factor"] < 2:
            faults.append(f"{name}: retry")
    return faults


def data_outlives_its_application(documents: list[Document]) -> list[str]:
    data = of_kind(documents, "ApplicationSet")["data"]["spec"]
    kept = data.get("syncPolicy", {}).get("preserveResourcesOnDeletion") is True
    return [] if kept and not data["template"]["metadata"].get("finalizers") else ["data"]


def nothing_here_goes_unasked(documents: list[Document]) -> list[str]:
    """A project or a set that goes takes applications with it, and those what they made."""
    faults = []
    for one in documents:
        options = one["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-options", "").split(",")
        if one["kind"] != "Application" and set(options) not in (CONFIRMED, KEPT):
            faults.append(f"{one['kind']}/{one['metadata']['name']}")
    return faults


def each_folder_is_one_application(documents: list[Document]) -> list[str]:
    faults = []
    for cluster in CLUSTERS:
        made = [folder for one in of_kind(documents, "ApplicationSet").values() for folder in generated(one, cluster)]
        if sorted(made) != units(cluster):
            faults.append(f"{cluster}: {sorted(made)} instead of {units(cluster)}")
    return faults


def generated(application_set: Document, cluster: str) -> list[str]:
    """The folders of a cluster that the git generator would choose."""
    [generator] = application_set["spec"]["generators"]
    directories = generator["matrix"]["generators"][1]["git"]["directories"]
    chosen = []
    for folder in sorted(path.name for path in (ARGOCD.parent / "gitops/clusters" / cluster).iterdir()):
        patterns = [
            one.get("exclude", False)
            for one in directories
            if fnmatchcase(f"gitops/clusters/{cluster}/{folder}", one["path"].replace("{{ .name }}", cluster))
        ]
        if patterns and not any(patterns):
            chosen.append(folder)
    return chosen


def each_application_has_its_project(documents: list[Document]) -> list[str]:
    projects = set(of_kind(documents, "AppProject"))
    used = {one["spec"]["project"] for one in of_kind(documents, "Application").values()}
    used |= {
        one["spec"]["template"]["spec"]["project"].replace("{{ .path.basename }}", folder)
        for one in of_kind(documents, "ApplicationSet").values()
        for cluster in CLUSTERS
        for folder in generated(one, cluster)
    }
    used |= {one["spec"]["project"] for cluster in CLUSTERS for one in render(cluster, "operators")}
    return sorted(projects ^ used)


def projects_come_before_their_applications(documents: list[Document]) -> list[str]:
    wave = "argocd.argoproj.io/sync-wave"
    waves = {one["kind"]: int(one["metadata"].get("annotations", {}).get(wave, 0)) for one in documents}
    return [kind for kind in ("Application", "ApplicationSet") if waves[kind] <= waves["AppProject"]]


def set_project(documents: list[Document], **fields: Any) -> None:
    of_kind(documents, "AppProject")["workloads"]["spec"] |= fields


def set_argocd(documents: list[Document], **metadata: Any) -> None:
    of_kind(documents, "Application")["argocd"]["metadata"] |= metadata


def set_units(documents: list[Document], **fields: Any) -> None:
    of_kind(documents, "ApplicationSet")["units"]["spec"] |= fields


def folders(documents: list[Document], name: str) -> list[dict[str, Any]]:
    generator = of_kind(documents, "ApplicationSet")[name]["spec"]["generators"][0]
    directories: list[dict[str, Any]] = generator["matrix"]["generators"][1]["git"]["directories"]
    return directories


ANY_KIND = [{"group": "", "kind": "*"}]
BROKEN: list[tuple[Rule, Callable[[list[Document]], object]]] = [
    (projects_name_what_they_permit, lambda all_: set_project(all_, sourceRepos=["*"])),
    (
        projects_name_what_they_permit,
        lambda all_: set_project(all_, clusterResourceWhitelist=ANY_KIND),
    ),
    (projects_name_what_they_permit, lambda all_: set_project(all_, namespaceResourceWhitelist=[])),
    (projects_name_what_they_permit, lambda all_: set_project(all_, destinations=[{"name": "local"}])),
    (
        argocd_neither_syncs_nor_deletes_itself,
        lambda all_: set_argocd(all_, finalizers=["x"]),
    ),
    (
        argocd_neither_syncs_nor_deletes_itself,
        lambda all_: of_kind(all_, "Application")["argocd"]["spec"]["syncPolicy"].update(automated={}),
    ),
    (application_sets_refuse_missing_keys, lambda all_: set_units(all_, goTemplateOptions=["missingkey=zero"])),
    (application_sets_refuse_missing_keys, lambda all_: set_units(all_, goTemplate=False)),
    (
        what_syncs_by_itself_heals_and_tries_again,
        lambda all_: of_kind(all_, "Application")["root"]["spec"]["syncPolicy"]["automated"].update(selfHeal=False),
    ),
    (
        what_syncs_by_itself_heals_and_tries_again,
        lambda all_: of_kind(all_, "ApplicationSet")["data"]["spec"]["template"]["spec"]["syncPolicy"].pop("retry"),
    ),
    (data_outlives_its_application, lambda all_: of_kind(all_, "ApplicationSet")["data"]["spec"].pop("syncPolicy")),
    (nothing_here_goes_unasked, lambda all_: of_kind(all_, "ApplicationSet")["units"]["metadata"].pop("annotations")),
    (each_folder_is_one_application, lambda all_: folders(all_, "units").pop()),
    (each_folder_is_one_application, lambda all_: folders(all_, "data").clear()),
    (each_application_has_its_project, lambda all_: all_.remove(of_kind(all_, "AppProject")["edge"])),
    (
        projects_come_before_their_applications,
        lambda all_: [one["metadata"].pop("annotations") for one in of_kind(all_, "AppProject").values()],
    ),
]
RULES = list(dict.fromkeys(rule for rule, _ in BROKEN))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule: Rule, argocd: list[Document]) -> None:
    assert rule(argocd) == []


@pytest.mark.parametrize(("rule", "break_it"), BROKEN, ids=lambda one: getattr(one, "__name__", ""))
def test_rule_finds_what_breaks_it(
    rule: Rule, break_it: Callable[[list[Document]], object], argocd: list[Document]
) -> None:
    break_it(argocd)
    assert rule(argocd)


@pytest.mark.parametrize("unit", sorted({unit for cluster in CLUSTERS for unit in units(cluster)}))
def test_project_permits_what_its_unit_renders_and_no_more(unit: str, argocd: list[Document]) -> None:
    made = [one for cluster in CLUSTERS if unit in units(cluster) for one in render(cluster, unit)]
    if unit == "edge":
        made += render_with("production", "edge", "geo-blocking") + render_with("production", "edge", "acme-account")
    if unit == "secrets":
        made += render_with("production", "secrets", "registry-secret")
    # The unit `operators` makes applications; what those make is for the project of that name.
    project = of_kind(argocd, "AppProject")["applications" if unit == "operators" else unit]
    assert permitted(project) == needed(made, project)


def permitted(project: Document) -> dict[str, set[tuple[str, ...]]]:
    spec = project["spec"]
    return {
        "cluster": {tuple(one.values()) for one in spec.get("clusterResourceWhitelist", [])},
        "namespaced": {(one["group"], one["kind"]) for one in spec["namespaceResourceWhitelist"]},
        "namespaces": {(one["namespace"],) for one in spec["destinations"]},
    }


def needed(made: list[Document], project: Document) -> dict[str, set[tuple[str, ...]]]:
    namespaced = [one for one in made if one["kind"] not in CLUSTER_SCOPED]
    # An application names a namespace even where each of its objects does, and its project must permit that one.
    own = "argocd" if project["metadata"]["name"] == "applications" else "web-intelligence"
    return {
        "cluster": {
            (group(one), one["kind"], one["metadata"]["name"]) for one in made if one["kind"] in CLUSTER_SCOPED
        },
        "namespaced": {(group(one), one["kind"]) for one in namespaced},
        "namespaces": {(one["metadata"].get("namespace", "none"),) for one in namespaced} | {(own,)},
    }


def test_root_project_permits_what_the_root_renders(argocd: list[Document]) -> None:
    project = of_kind(argocd, "AppProject")["root"]
    assert permitted(project)["namespaced"] == {("argoproj.io", one["kind"]) for one in argocd}
    assert permitted(project)["namespaces"] == {(one["metadata"]["namespace"],) for one in argocd} == {("argocd",)}


def test_operators_project_names_the_charts_and_their_namespaces(argocd: list[Document]) -> None:
    project = of_kind(argocd, "AppProject")["operators"]
    charts = [one["spec"] for cluster in CLUSTERS for one in render(cluster, "operators")]
    assert set(project["spec"]["sourceRepos"]) == {one["source"]["repoURL"] for one in charts}
    assert {name for (name,) in permitted(project)["namespaces"]} == {one["destination"]["namespace"] for one in charts}
    created = {
        one["destination"]["namespace"] for one in charts if "CreateNamespace=true" in one["syncPolicy"]["syncOptions"]
    }
    whitelist = project["spec"]["clusterResourceWhitelist"]
    assert {one["name"] for one in whitelist if one["kind"] == "Namespace"} == created


def test_projects_reach_the_clusters_that_there_are(argocd: list[Document]) -> None:
    hub = {"root", "argocd", "applications"}
    for name, project in of_kind(argocd, "AppProject").items():
        for destination in project["spec"]["destinations"]:
            if name in hub:
                assert destination["server"] == "https://kubernetes.default.svc"
            else:
                assert set(destination["name"].strip("{}").split(",")) == set(CLUSTERS)


def test_where_to_read_is_said_in_one_place(tmp_path: Path) -> None:
    shutil.copytree(ARGOCD, tmp_path / "argocd")
    source = tmp_path / "argocd" / "source.yaml"
    document = yaml.safe_load(source.read_text())
    ours = document["data"]["repoURL"]
    assert [path.name for path in ARGOCD.rglob("*.yaml") if ours in path.read_text()] == ["source.yaml"]
    theirs = {"repoURL": "https://elsewhere.example/fork.git", "targetRevision": "trial", "clusters": "{one,two}"}
    document["data"] |= theirs
    source.write_text(yaml.safe_dump(document))
    before, after = (yaml.safe_dump_all(kustomize(folder)) for folder in (ARGOCD, tmp_path / "argocd"))
    for old, new in (
        (ours, theirs["repoURL"]),
        ("evision: main", "evision: trial"),
        ("'{local,staging,production,production-eu}'", "'{one,two}'"),
    ):
        assert before.count(old) == after.count(new) > 0
        assert old not in after
    # Nothing is left that somebody else's source would have to fill in.
    assert not re.search(r": (repoURL|targetRevision|clusters)$", after, re.MULTILINE)


def test_rules_leave_what_they_read_alone(argocd: list[Document]) -> None:
    before = copy.deepcopy(argocd)
    for rule in RULES:
        rule(argocd)
    assert argocd == before
