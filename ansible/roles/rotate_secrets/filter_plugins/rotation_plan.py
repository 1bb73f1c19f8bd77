"""Decides how each seed gets its next value; the answer holds values and is never shown."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Any

PHASE = "webintel.io/rotation"
AT = "webintel.io/rotated-at"
EXAMPLE = "example-"

Seed = dict[str, Any]
Step = dict[str, Any]


class RefusalError(Exception):
    """What is wrong and what to do, without any value."""


class RestError(Exception):
    """Why there is nothing to do, without any value."""


def encode(value: str) -> str:
    """As the API server has it."""
    return base64.b64encode(value.encode()).decode()


def step(phase: str, data: dict[str, str]) -> Step:
    """What is written, and how far the rotation is then."""
    return {"phase": phase, "data": data}


def previous_of(seed: Seed) -> str:
    """The entry of the other value, where a seed has one: what is announced, and then what was before."""
    return f"{seed['keys'][0]}-previous" if seed.get("bridged") else ""


def age(notes: dict[str, str]) -> float:
    """Seconds since the last rotation; endless where there was none."""
    at = notes.get(AT)
    return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds() if at else float("inf")


def given_values(seed: Seed, vault: dict[str, Any]) -> dict[str, str]:
    """What the vault has for a seed."""
    given: dict[str, str] = {}
    for key in seed["keys"]:
        name = f"vault_{seed['name']}_{key}".replace("-", "_")
        value = "" if vault.get(name) is None else str(vault[name]).rstrip("\n")
        if value.startswith(EXAMPLE):
            raise RefusalError(f"{name} is still the example's value: put the real one into the inventory's vault.yml.")
        if value:
            given[key] = encode(value)
        elif not seed["generated"]:
            raise RefusalError(
                f"{seed['name']} cannot be made up: give {name} its new value with `ansible-vault edit`."
            )
    return given


def next_values(seed: Seed, vault: dict[str, Any], data: dict[str, str]) -> dict[str, str]:
    """The next value of each key: the vault's where it has one, else a generated one."""
    given = given_values(seed, vault)
    values = {key: given.get(key) or encode(secrets.token_hex(32)) for key in seed["keys"]}
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
    if phase == "forgotten":
        return [finish(seed, data, phase)]
    if phase == "switched":
        return [finish(seed, data, phase), *ending(seed, data)]
    if phase == "done":
        check_rest(seed, vault, data, age(notes), options)
    previous = previous_of(seed)
    if not previous:
        return [step("switched", next_values(seed, vault, data))]
    (key,) = seed["keys"]
    # Nothing depends on what was announced: another value of the vault's may still take its place.
    keep = phase == "announced" and not given_values(seed, vault)
    new = data[previous] if keep else next_values(seed, vault, data)[key]
    switched = {key: new, previous: data[key]}
    return [step("announced", {key: data[key], previous: new}), step("switched", switched), *ending(seed, switched)]


def check_rest(
    seed: Seed, vault: dict[str, Any], data: dict[str, str], seconds: float, options: dict[str, Any]
) -> None:
    """See that a value that is new is not replaced by accident, and that no key is given up while it is needed."""
    kept = seed.get("bridged") == "kept"
    limit = max(options["rest_seconds"], options["token_seconds"] if kept else 0)
    if seconds >= limit:
        return
    if all(data.get(key) == value for key, value in given_values(seed, vault).items()):
        raise RestError(f"{seed['name']} was rotated {seconds:.0f} s ago and is left as it is; again after {limit} s.")
    if kept and seconds < options["token_seconds"]:
        raise RefusalError(
            f"{seed['name']} was rotated {seconds:.0f} s ago: tokens of the key before live "
            f"{options['token_seconds']} s. Wait."
        )


def finish(seed: Seed, data: dict[str, str], phase: str) -> Step:
    """What was written last, once more: a rotation that was interrupted comes to its end."""
    keep = [*seed["keys"], *([previous_of(seed)] if previous_of(seed) in data else [])]
    return step(phase, {key: data[key] for key in keep})


def ending(seed: Seed, data: dict[str, str]) -> list[Step]:
    """Take the value before away at once, unless it is kept until somebody says so."""
    return [step("forgotten", {key: data[key] for key in seed["keys"]})] if seed.get("bridged") == "dropped" else []


def forgetting(seed: Seed, data: dict[str, str], phase: str) -> list[Step]:
    """Take the key before away, and nothing else; what is not yet signed with everywhere is brought to its end."""
    if seed.get("bridged") != "kept":
        raise RefusalError(f"{seed['name']} keeps no previous value: leave rotate_secrets_forget_previous out for it.")
    if phase == "announced":
        raise RefusalError(
            f"A rotation of {seed['name']} was interrupted before the new key was signed with: "
            "run this without rotate_secrets_forget_previous first."
        )
    if not data.get(previous_of(seed)) and phase == "done":
        return []
    forgotten = step("forgotten", {key: data[key] for key in seed["keys"]})
    return [finish(seed, data, phase), forgotten] if phase == "switched" else [forgotten]


def rotation_plan(
    seeds: list[Seed], resources: list[Seed], vault: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    """The steps of each seed, or why not; lenient: what has no new value is left as it is."""
    lenient = options["lenient"]
    found = {one["metadata"]["name"]: one for one in resources}
    plan: list[Seed] = []
    problems: list[str] = []
    rests: list[str] = []
    for seed in seeds:
        try:
            steps = steps_of(seed, found.get(seed["name"]), vault, options)
        except RefusalError as refusal:
            problems.append(str(refusal))
        except RestError as rest:
            rests.append(str(rest))
        else:
            if steps:
                plan.append({**seed, "steps": steps})
    if lenient and (plan or rests):
        return {"seeds": plan, "problems": [], "left": [*rests, *problems]}
    return {"seeds": plan, "problems": problems, "left": rests}


def rotation_carried(resources: list[Seed], data: dict[str, str], seed: Seed) -> bool:
    """Whether a Secret that External Secrets makes holds what was written; what was taken away may be empty."""
    watched = {*seed["keys"], *data, *([previous_of(seed)] if seed.get("bridged") else [])}
    held = dict(resources[0].get("data") or {}) if resources else {}
    return all(held.get(key, "") == data.get(key, "") for key in watched)


class FilterModule:
    """Registers them with Ansible."""

    def filters(self) -> dict[str, Any]:
        """By their names in templates."""
        return {"rotation_plan": rotation_plan, "rotation_carried": rotation_carried}
