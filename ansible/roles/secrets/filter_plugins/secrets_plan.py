"""Decides, for each entry that a cluster needs, where its value comes from; never to be shown."""

import base64
import secrets
from typing import Any

Found = dict[str, dict[str, str]]
EXAMPLE = "example-"


def encode(value: str) -> str:
    """As the API server has it."""
    return base64.b64encode(value.encode()).decode()


def variable(seed: str, key: str) -> str:
    """The name of the vault's variable for an entry."""
    return f"vault_{seed}_{key}".replace("-", "_")


def from_vault(vault: dict[str, Any], seed: str, key: str) -> str:
    """The vault's value, or nothing; a block of YAML ends with a line feed that nobody means."""
    value = vault.get(variable(seed, key))
    return "" if value is None else str(value).rstrip("\n")


def existing(resources: list[dict[str, Any]]) -> Found:
    """The data of each Secret by its name."""
    return {one["metadata"]["name"]: dict(one.get("data") or {}) for one in resources}


def new_value(key: str) -> str:
    """Strong, and harmless in addresses and configuration files; a name is not a secret."""
    return "admin" if key == "admin-user" else secrets.token_hex(32)


def secrets_plan(
    wanted: list[dict[str, Any]],
    vault: dict[str, Any],
    resources: list[dict[str, Any]],
    generated: dict[str, list[str]],
) -> dict[str, Any]:
    """The data of each seed, the names of what is generated, and what is wrong, without any value."""
    found = existing(resources)
    data: Found = {}
    made: list[str] = []
    problems: list[str] = []
    for seed, key in ((one["name"], key) for one in wanted for key in one["keys"]):
        name, given, there = variable(seed, key), from_vault(vault, seed, key), found.get(seed, {}).get(key, "")
        value = there
        if given.startswith(EXAMPLE):
            problems.append(f"{name} is still the example's value: put the real one into the inventory's vault.yml.")
        elif given and there and encode(given) != there:
            problems.append(
                f"{name} differs from what the cluster has in Secret {seed}, key {key}. Nothing is replaced silently: "
                f"run playbooks/rotate_secrets.yml -e rotate_secrets_what={seed}, or take it out of the vault."
            )
        elif given:
            value = encode(given)
        elif not there and key in generated.get(seed, []):
            value = encode(new_value(key))
            made.append(f"{seed}/{key}")
        elif not there:
            problems.append(
                f"{name} is missing: Secret {seed} needs {key}, which cannot be made up. "
                "Add it with `ansible-vault edit` to group_vars/all/vault.yml of the inventory."
            )
        data.setdefault(seed, {})[key] = value
    return {"data": data, "generated": made, "problems": problems}


class FilterModule:
    """Registers it with Ansible."""

    def filters(self) -> dict[str, Any]:
        """By their names in templates."""
        return {"secrets_plan": secrets_plan}
