"""What preflight knows of git, of the roles and of the project is so: numbers, permissions, versions, variables."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tests.ansible.playing import ANSIBLE, ROOT
from tests.ansible.preflight_parts import GIT, JUDGES, MAIN, NEEDS, PERMISSIONS
from tests.cluster.argocd.installation import render_installation
from tests.cluster.control_plane.cluster import Object
from tests.gitops.policies.objects import of_kind, workloads
from tests.gitops.policies.quantities import quantity
from tests.gitops.policies.scaling import fewest_replicas
from tests.gitops.rendering import CLUSTERS, kustomize, render_cluster
from tests.gitops.sizing import lasting, passing

ENVIRONMENTS = {"production-eu": "production"}
COUNTED = ("cpu", "memory", "ephemeral-storage")


def test_what_platforms_have_themselves_refuses_nothing() -> None:
    for cluster in CLUSTERS:
        documents = render_cluster(cluster)
        wanted = {"web-intelligence": NEEDS["__preflight_needs"][ENVIRONMENTS.get(cluster, cluster)]["quotas"]}
        quotas, limits = of_kind(documents, "ResourceQuota"), of_kind(documents, "LimitRange")
        assert quotas
        assert limits
        assert JUDGES.preflight_quotas(quotas, limits, wanted) == []


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_room_that_is_asked_for_is_what_git_asks_for(cluster: str) -> None:
    documents, known = render_cluster(cluster), NEEDS["__preflight_needs"][ENVIRONMENTS.get(cluster, cluster)]
    always, sometimes = lasting(documents, known["nodes"]), passing(documents)
    for name in ("cpu", "memory"):
        most = max(getattr(pod, name) for pod in sometimes)
        assert JUDGES.quantity(known["room"][name]) == sum(getattr(pod, name) for pod in always) + most
    assert known["quotas"] == quotas(documents, "web-intelligence")


@pytest.mark.parametrize("form", ["install", "install/one-node"])
def test_the_room_for_argo_cd_is_what_it_asks_for(form: str, tmp_path: Path) -> None:
    known = NEEDS["__preflight_needs_argocd"][f"argocd/{form}"]
    assert known == quotas(render_installation(tmp_path, form), "argocd")


def quotas(documents: list[Object], namespace: str) -> dict[str, Any]:
    """What the smallest platform needs of a quota, and its largest and smallest container and claim."""
    here = [one for one in documents if one["metadata"].get("namespace") == namespace]
    running: list[tuple[int, dict[str, Any]]] = []
    claims: list[tuple[int, str]] = []
    every: list[dict[str, Any]] = []
    for one in workloads(here, "Deployment", "StatefulSet"):
        count, steps = fewest_replicas(one.document, documents), one.spec.get("initContainers", [])
        beside = [each for each in steps if each.get("restartPolicy") == "Always"]
        running += [
            (count, {"pods": int(not number), **each["resources"]})
            for number, each in enumerate([*one.spec["containers"], *beside])
        ]
        templates = one.document["spec"].get("volumeClaimTemplates", [])
        claims += [(count, each["spec"]["resources"]["requests"]["storage"]) for each in templates]
    for one in workloads(here, "Deployment", "StatefulSet", "Job", "CronJob"):
        every += [each.get("resources", {}) for each in [*one.spec["containers"], *one.spec.get("initContainers", [])]]
    for one in of_kind(here, "Cluster"):
        spec = one["spec"]
        running.append((spec["instances"], {"pods": 1, **spec["resources"]}))
        every.append(spec["resources"])
        claims += [(spec["instances"], spec[kind]["size"]) for kind in ("storage", "walStorage")]
    made: dict[str, Any] = {"pods": sum(count * each["pods"] for count, each in running)}
    for part, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
        made[f"{part}.{name}"] = spoken(name, sum(count * quantity(each[part][name]) for count, each in running))
    if claims:
        made["persistentvolumeclaims"] = sum(count for count, _ in claims)
        made["requests.storage"] = spoken("storage", sum(count * quantity(size) for count, size in claims))
        sizes = [quantity(size) for _, size in claims]
        made["claim"] = {
            "max": {"storage": spoken("storage", max(sizes))},
            "min": {"storage": spoken("storage", min(sizes))},
        }
    made["container"] = {
        "max": {
            name: spoken(name, max(quantity(value) for each in every for value in said(each, name)))
            for name in ("cpu", "memory")
        },
        "min": {
            name: spoken(name, min(quantity(each["requests"][name]) for each in every if "requests" in each))
            for name in ("cpu", "memory")
        },
    }
    counted = [f"{part}.{name}" for name in COUNTED for part in ("requests", "limits")]
    made["unsaid"] = [
        key for key in counted if any(key.split(".")[1] not in each.get(key.split(".")[0], {}) for each in every)
    ]
    return made


def said(resources: dict[str, Any], name: str) -> list[str]:
    return [resources[part][name] for part in ("requests", "limits") if name in resources.get(part, {})]


def spoken(name: str, value: Any) -> str:
    """As Kubernetes writes it."""
    if name == "cpu":
        return str(int(value)) if value == int(value) else f"{value * 1000:.0f}m"
    return (
        f"{value / 2**30:.0f}Gi"
        if value % 2**30 == 0 and (name == "storage" or value <= 2**31)
        else f"{value / 2**20:.0f}Mi"
    )


def test_the_installation_is_asked_about_whole(tmp_path: Path) -> None:
    """Of every kind that `bootstrap` applies, whoever runs it must be allowed to make one."""
    reviews = JUDGES.preflight_reviews(PERMISSIONS["__preflight_permissions_bootstrap"])
    asked = {(one["group"], one["resource"]) for one in reviews if one["verb"] == "create"}
    applied = render_installation(tmp_path) + kustomize(ROOT / "argocd")
    plural = {"NetworkPolicy": "networkpolicies"}
    kinds = {
        (
            one["apiVersion"].rpartition("/")[0].partition("/")[0],
            plural.get(one["kind"], f"{one['kind'].lower()}s"),
        )
        for one in applied
    }
    assert kinds
    assert kinds <= asked
    assert {"escalate", "bind"} <= {one["verb"] for one in reviews if one["resource"] == "clusterroles"}


def test_every_playbook_that_talks_to_a_cluster_is_asked_about() -> None:
    # They install machines, which no kubeconfig allows.
    machines = {"k3s"}
    verbs = {path.stem for path in (ROOT / "playbooks").glob("*.yml")} - machines
    assert verbs == set(PERMISSIONS["__preflight_permissions"])


def test_versions_are_those_that_the_project_is_locked_to() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {one.name: one.specifier for one in map(Requirement, project["dependency-groups"]["deploy"])}
    for name, (first, end) in (
        ("ansible-core", MAIN["__preflight_ansible"]),
        ("kubernetes", MAIN["__preflight_client"]),
    ):
        assert {(one.operator, Version(one.version)) for one in wanted[name]} == {
            (">=", Version(first)),
            ("<", Version(end)),
        }


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_example_vault_has_every_variable_and_no_value(cluster: str) -> None:
    folder = ANSIBLE / "inventories" / cluster
    text = (folder / "vault.example.yml").read_text()
    wanted = yaml.safe_load((folder / "group_vars/all/secrets.yml").read_text())["secrets_wanted"]
    generated = yaml.safe_load((ANSIBLE / "roles/secrets/defaults/main.yml").read_text())["secrets_generated"]
    names = {
        f"vault_{one['name']}_{key}".replace("-", "_"): key in generated.get(one["name"], [])
        for one in wanted
        for key in one["keys"]
    }
    must = yaml.safe_load(text) or {}
    assert set(must) == {name for name, may_be_generated in names.items() if not may_be_generated}
    # What may be left out is commented out.
    given = yaml.safe_load(
        "\n".join(
            line.removeprefix("# ") if line.startswith(("# vault_", "#   example")) else line
            for line in text.splitlines()
        )
    )
    optional = ("repository", "verify", "geoip", "registry", "acme_account")
    others = {name for name in given if name.startswith(tuple(f"vault_{one}_" for one in optional))}
    assert set(given) - others == set(names)
    # A name is not a secret.
    assert set(GIT.preflight_examples(given)) == set(given) - {"vault_repository_username"}
    assert cluster in text.splitlines()[0]
