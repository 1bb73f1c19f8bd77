"""Decides how each seed gets its next value; the answer holds values and is never shown."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Any

PHASE = "webintel.io/rotation"
AT = "webintel.io/rotated-at"
PREVIOUS = "secret-key-previous"
EXAMPLE = "example-"
VAULT_KEY = "vault_webintel_secret_key"

Seed = dict[str, Any]
Step = dict[str, Any]


def encode(value: str) -> str:
    """As the API server has it."""
    return base64.b64encode(value.encode()).decode()


def step(phase: str, data: dict[str, str]) -> Step:
    """What is written, and how far the rotation is then."""
    return {"phase": phase, "data": data}


class RefusalError(Exception):
    """What is wrong and what to do, without any value."""


def age(notes: dict[str, str]) -> float:
    """Seconds since the last rotation; endless where there was none."""
    at = notes.get(AT)
    return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds() if at else float("inf")


def next_values(seed: Seed, vault: dict[str, Any], data: dict[str, str]) -> dict[str, str]:
    """The next value of each key: the vault's where it has one, else a generated one."""
    values: dict[str, str] = {}
    for key in seed["keys"]:
        name = f"vault_{seed['name']}_{key}".replace("-", "_")
        given = "" if vault.get(name) is None else str(vault[name]).rstrip("\n")
        if given.startswith(EXAMPLE):
            raise RefusalError(f"{name} is still the example's value: put the real one into the inventory's vault.yml.")
        if given:
            values[key] = encode(given)
        elif seed["generated"]:
            values[key] = encode(secrets.token_hex(32))
        else:
            raise RefusalError(
                f"{seed['name']} cannot be made up: give {name} its new value with `ansible-vault edit`."
            )
    if values == {key: data.get(key) for key in seed["keys"]}:
        raise RefusalError(
            f"The vault still has the value of {seed['name']} that the cluster has: change "
            f"vault_{seed['name'].replace('-', '_')}_... with `ansible-vault edit`, or take it out."
        )
    return values


def steps_of(seed: Seed, found: Seed | None, vault: dict[str, Any], options: dict[str, Any]) -> list[Step]:
    """What is written, in order; a rotation that was interrupted goes on where it was."""
    if found is None:
        raise RefusalError(f"There is no seed {seed['name']} in the cluster: run playbooks/secrets.yml first.")
    data, notes = dict(found.get("data") or {}), dict(found["metadata"].get("annotations") or {})
    phase = notes.get(PHASE, "done")
    if options["forget"]:
        return forgetting(seed, data, phase)
    if phase in {"switched", "forgotten"}:
        return [finish(seed, data, phase)]
    if seed["name"] != "webintel":
        return [step("switched", next_values(seed, vault, data))]
    current = data["secret-key"]
    if phase == "announced":
        # Nothing was signed with what was announced: another value may still take its place.
        new = next_values(seed, vault, data)["secret-key"] if vault.get(VAULT_KEY) else data[PREVIOUS]
        return [step("announced", {"secret-key": current, PREVIOUS: new}), switch(new, current)]
    limit = options["token_seconds"]
    if age(notes) < limit:
        raise RefusalError(
            f"webintel was rotated {age(notes):.0f} s ago: tokens of the key before live {limit} s. Wait."
        )
    new = next_values(seed, vault, data)["secret-key"]
    return [step("announced", {"secret-key": current, PREVIOUS: new}), switch(new, current)]


def finish(seed: Seed, data: dict[str, str], phase: str) -> Step:
    """What was written last, once more: a rotation that was interrupted comes to its end."""
    keep = [*seed["keys"], *([PREVIOUS] if PREVIOUS in data else [])]
    return step(phase, {key: data[key] for key in keep})


def forgetting(seed: Seed, data: dict[str, str], phase: str) -> list[Step]:
    """Take the key before away, and nothing else; what is not yet signed with everywhere is brought to its end."""
    if seed["name"] != "webintel":
        raise RefusalError(f"{seed['name']} keeps no previous value: leave rotate_secrets_forget_previous out for it.")
    if phase == "announced":
        raise RefusalError(
            "A rotation of webintel was interrupted before the new key was signed with: "
            "run this without rotate_secrets_forget_previous first."
        )
    if not data.get(PREVIOUS) and phase == "done":
        return []
    forgotten = step("forgotten", {"secret-key": data["secret-key"]})
    return [finish(seed, data, phase), forgotten] if phase == "switched" else [forgotten]


def switch(new: str, old: str) -> Step:
    """Sign with the new key, and accept both."""
    return step("switched", {"secret-key": new, PREVIOUS: old})


def rotation_plan(
    seeds: list[Seed], resources: list[Seed], vault: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    """The steps of each seed, or why not; lenient: what has no new value is left as it is."""
    lenient = options["lenient"]
    found = {one["metadata"]["name"]: one for one in resources}
    plan: list[Seed] = []
    problems: list[str] = []
    for seed in seeds:
        try:
            steps = steps_of(seed, found.get(seed["name"]), vault, options)
        except RefusalError as refusal:
            problems.append(str(refusal))
        else:
            if steps:
                plan.append({**seed, "steps": steps})
    return {"seeds": plan, "problems": [] if lenient and plan else problems, "left": problems if lenient else []}


def rotation_carried(resources: list[Seed], data: dict[str, str], keys: list[str]) -> bool:
    """Whether a Secret that External Secrets makes holds what was written; what was taken away may be empty."""
    watched = {*keys, *data, *([PREVIOUS] if "secret-key" in keys else [])}
    held = dict(resources[0].get("data") or {}) if resources else {}
    return all(held.get(key, "") == data.get(key, "") for key in watched)


class FilterModule:
    """Registers them with Ansible."""

    def filters(self) -> dict[str, Any]:
        """By their names in templates."""
        return {"rotation_plan": rotation_plan, "rotation_carried": rotation_carried}
