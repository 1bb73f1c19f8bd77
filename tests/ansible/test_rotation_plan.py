"""What a rotation decides, from the seed as it is and the vault as it is."""

import base64
import importlib.util
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.ansible.playing import ANSIBLE
from tests.gitops.policies.objects import of_kind
from tests.gitops.rendering import render
from webintel.settings import Settings

ROLE = ANSIBLE / "roles" / "rotate_secrets"
KEY = {"name": "webintel", "keys": ["secret-key"], "generated": True, "bridged": "kept"}
DATABASE = {"name": "postgres", "keys": ["password"], "generated": True, "bridged": "dropped"}
GRAFANA = {"name": "grafana", "keys": ["admin-password"], "generated": True}
STORE = {"name": "backup-store", "keys": ["access-key-id", "secret-access-key"], "generated": False}
OPTIONS = {"token_seconds": 900, "rest_seconds": 600, "forget": False, "lenient": False}


def filters(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROLE / "filter_plugins" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plan() -> ModuleType:
    return filters("rotation_plan")


def encode(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def found(seed: dict[str, Any], phase: str = "done", *, seconds_ago: float = 1e6, **data: str) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    notes = {"webintel.io/rotation": phase, "webintel.io/rotated-at": at}
    metadata = {"name": seed["name"], "annotations": notes}
    return {"metadata": metadata, "data": {key.replace("_", "-"): encode(value) for key, value in data.items()}}


def test_a_value_that_the_vault_was_given_after_an_announcement_takes_its_place(plan: ModuleType) -> None:
    announced = found(KEY, "announced", secret_key="old", secret_key_previous="announced")
    steps = plan.rotation_plan([KEY], [announced], {"vault_webintel_secret_key": "wanted"}, OPTIONS)["seeds"][0][
        "steps"
    ]
    assert [one["data"] for one in steps] == [
        {"secret-key": encode("old"), "secret-key-previous": encode("wanted")},
        {"secret-key": encode("wanted"), "secret-key-previous": encode("old")},
    ]
    resumed = plan.rotation_plan([KEY], [announced], {}, OPTIONS)["seeds"][0]["steps"]
    assert resumed[-1]["data"]["secret-key"] == encode("announced")


def test_forgetting_brings_to_its_end_what_was_switched_and_refuses_what_was_only_announced(plan: ModuleType) -> None:
    options = {**OPTIONS, "forget": True}
    switched = found(KEY, "switched", secret_key="new", secret_key_previous="old")
    steps = plan.rotation_plan([KEY], [switched], {}, options)["seeds"][0]["steps"]
    assert [one["phase"] for one in steps] == ["switched", "forgotten"]
    assert steps[-1]["data"] == {"secret-key": encode("new")}
    announced = found(KEY, "announced", secret_key="old", secret_key_previous="new")
    refused = plan.rotation_plan([KEY], [announced], {}, options)
    assert "run this without rotate_secrets_forget_previous first" in refused["problems"][0]
    nothing = plan.rotation_plan([KEY], [found(KEY, secret_key="only")], {}, options)
    assert (nothing["seeds"], nothing["problems"]) == ([], [])


def test_forgetting_rotates_nothing_else(plan: ModuleType) -> None:
    vault = {"vault_backup_store_access_key_id": "a", "vault_backup_store_secret_access_key": "b"}
    resources = [
        found(KEY, secret_key="new", secret_key_previous="old"),
        found(STORE, access_key_id="x", secret_access_key="y"),
    ]
    options = {**OPTIONS, "forget": True, "lenient": True}
    planned = plan.rotation_plan([KEY, STORE], resources, vault, options)
    assert [one["name"] for one in planned["seeds"]] == ["webintel"]
    assert "backup-store keeps no previous value" in planned["left"][0]


def test_a_store_takes_its_keys_from_the_vault_alone(plan: ModuleType) -> None:
    there = found(STORE, access_key_id="x", secret_access_key="y")
    refused = plan.rotation_plan([STORE], [there], {}, OPTIONS)
    assert "vault_backup_store_access_key_id" in refused["problems"][0]
    vault = {"vault_backup_store_access_key_id": "a", "vault_backup_store_secret_access_key": "b"}
    (seed,) = plan.rotation_plan([STORE], [there], vault, OPTIONS)["seeds"]
    assert [(one["phase"], one["data"]["access-key-id"]) for one in seed["steps"]] == [("switched", encode("a"))]


def test_a_password_that_is_dropped_goes_through_three_stages_and_on_from_each(plan: ModuleType) -> None:
    old, new = encode("old"), encode("new")
    both_ways = [
        ("announced", {"password": old, "password-previous": new}),
        ("switched", {"password": new, "password-previous": old}),
        ("forgotten", {"password": new}),
    ]

    def steps(phase: str, **data: str) -> list[tuple[str, dict[str, str]]]:
        vault = {"vault_postgres_password": "new"} if phase == "done" else {}
        (seed,) = plan.rotation_plan([DATABASE], [found(DATABASE, phase, **data)], vault, OPTIONS)["seeds"]
        return [(one["phase"], one["data"]) for one in seed["steps"]]

    assert steps("done", password="old", password_previous="") == both_ways
    assert steps("announced", password="old", password_previous="new") == both_ways
    assert steps("switched", password="new", password_previous="old") == both_ways[1:]
    assert steps("forgotten", password="new") == both_ways[2:]


@pytest.mark.parametrize("seed", [KEY, DATABASE, GRAFANA])
def test_what_was_just_rotated_is_left_and_that_is_no_failure(plan: ModuleType, seed: dict[str, Any]) -> None:
    there = found(seed, seconds_ago=10, **{seed["keys"][0].replace("-", "_"): "value"})
    planned = plan.rotation_plan([seed], [there], {}, OPTIONS)
    assert (planned["seeds"], planned["problems"]) == ([], [])
    assert "and is left as it is; again after" in planned["left"][0]
    others = plan.rotation_plan([seed, STORE], [there], {}, {**OPTIONS, "lenient": True})
    assert (others["seeds"], others["problems"], len(others["left"])) == ([], [], 2)


def test_another_value_of_the_vault_need_not_wait_but_the_signing_key_must(plan: ModuleType) -> None:
    password = found(DATABASE, seconds_ago=10, password="value")
    assert plan.rotation_plan([DATABASE], [password], {"vault_postgres_password": "next"}, OPTIONS)["seeds"]
    key = found(KEY, seconds_ago=10, secret_key="value")
    refused = plan.rotation_plan([KEY], [key], {"vault_webintel_secret_key": "next"}, OPTIONS)
    assert "tokens of the key before live 900 s. Wait." in refused["problems"][0]


def test_a_key_rests_as_long_as_its_tokens_live_however_short_the_rest(plan: ModuleType) -> None:
    there = found(KEY, seconds_ago=1000, secret_key="value")
    options = {**OPTIONS, "rest_seconds": 0}
    assert plan.rotation_plan([KEY], [there], {}, options)["seeds"]
    assert not plan.rotation_plan([KEY], [there], {}, {**options, "token_seconds": 3600})["seeds"]


def test_how_long_tokens_live_is_what_the_pods_of_the_api_are_told() -> None:
    seconds = filters("pods").rotation_token_seconds
    workloads = render("local", "workloads")
    (api,) = (one for one in of_kind(workloads, "Deployment") if one["metadata"]["name"] == "api")
    settings = of_kind(workloads, "ConfigMap")
    assert seconds([api], settings, 900) == 900
    (used,) = (one for one in settings if one["metadata"]["name"].startswith("webintel-settings"))
    used["data"]["WEBINTEL_ACCESS_TOKEN_SECONDS"] = "1800"
    assert seconds([api], settings, 900) == 1800
    api["spec"]["template"]["spec"]["containers"][0]["env"].append(
        {"name": "WEBINTEL_ACCESS_TOKEN_SECONDS", "value": "60"}
    )
    assert seconds([api], settings, 900) == 60
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert defaults["rotate_secrets_token_seconds"] == Settings.model_fields["access_token_seconds"].default


def test_the_job_that_changes_the_password_is_given_the_database_and_no_other_secret() -> None:
    (api,) = (one for one in of_kind(render("local", "workloads"), "Deployment") if one["metadata"]["name"] == "api")
    pod = filters("pods").rotation_pod(api, "postgres-app", ["database-password"])
    (container,) = pod["containers"]
    wanted = api["spec"]["template"]["spec"]["containers"][0]
    assert (container["name"], container["args"]) == ("database-password", ["database-password"])
    assert (container["image"], container["securityContext"]) == (wanted["image"], wanted["securityContext"])
    assert not {"livenessProbe", "readinessProbe", "ports", "lifecycle"} & set(container)
    given = [source["secret"] for volume in pod["volumes"] for source in volume.get("projected", {}).get("sources", [])]
    assert {one["name"] for one in given} == {"postgres-app"}
    assert {item["path"] for one in given for item in one["items"]} == {
        "WEBINTEL_DATABASE_URL", "WEBINTEL_DATABASE_PASSWORD_PREVIOUS",
    }  # fmt: skip


def test_whose_pods_would_know_one_value_alone_is_named() -> None:
    untold = filters("pods").rotation_untold
    here = [one for one in of_kind(render("local", "workloads"), "Deployment") if one["metadata"]["name"] != "web"]
    assert {one["metadata"]["name"] for one in here} == {"api", "worker"}
    assert untold(here, "postgres-app", "password-previous") == []
    assert untold(here, "webintel", "secret-key-previous") == ["worker"]
    valkey = [one for one in of_kind(render("local", "data"), "Deployment") if one["metadata"]["name"] == "valkey"]
    assert untold(valkey, "valkey", "password-previous") == []
    (volume,) = [one for one in here[0]["spec"]["template"]["spec"]["volumes"] if one["name"] == "secrets"]
    volume["projected"]["sources"] = [
        one for one in volume["projected"]["sources"] if not one["secret"].get("optional")
    ]
    assert untold(here, "postgres-app", "password-previous") == [here[0]["metadata"]["name"]]
