"""What a rotation decides, from the seed as it is and the vault as it is."""

import base64
import importlib.util
from types import ModuleType
from typing import Any

import pytest

from tests.ansible.playing import ANSIBLE

KEY = {"name": "webintel", "keys": ["secret-key"], "generated": True}
STORE = {"name": "backup-store", "keys": ["access-key-id", "secret-access-key"], "generated": False}
OPTIONS = {"token_seconds": 900, "forget": False, "lenient": False}


@pytest.fixture(scope="module")
def plan() -> ModuleType:
    path = ANSIBLE / "roles" / "rotate_secrets" / "filter_plugins" / "rotation_plan.py"
    spec = importlib.util.spec_from_file_location("rotation_plan", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def encode(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def found(seed: dict[str, Any], phase: str = "done", **data: str) -> dict[str, Any]:
    metadata = {"name": seed["name"], "annotations": {"webintel.io/rotation": phase}}
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
