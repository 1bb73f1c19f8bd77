"""Plans from small YAML files."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import UNSET, Meta, UnsetType

from webintel.load.actions import check_action
from webintel.load.errors import LoadError
from webintel.load.plan import LONGEST_SECONDS, MOST_RATE, MOST_REQUESTS, MOST_USERS, Plan, Share, Stage
from webintel.load.scenarios import SCENARIOS

_MOST_BYTES = 64 * 1024
_Seconds = Annotated[float, Meta(gt=0, le=LONGEST_SECONDS)]
_Pause = Annotated[float, Meta(ge=0, le=3600)]
_Users = Annotated[int, Meta(ge=1, le=MOST_USERS)]
_Rate = Annotated[float, Meta(gt=0, le=MOST_RATE)]


class _Level(msgspec.Struct, forbid_unknown_fields=True):
    seconds: _Seconds
    users: Annotated[int, Meta(ge=0, le=MOST_USERS)] | UnsetType = UNSET
    rate: Annotated[float, Meta(ge=0, le=MOST_RATE)] | UnsetType = UNSET


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """What such a file may hold; with `scenario` the rest changes that one."""

    scenario: str | UnsetType = UNSET
    users: _Users | UnsetType = UNSET
    rate: _Rate | UnsetType = UNSET
    seconds: _Seconds | UnsetType = UNSET
    stages: Annotated[list[_Level], Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    mix: dict[str, Share] | UnsetType = UNSET
    opening: Annotated[list[str], Meta(max_length=20)] | UnsetType = UNSET
    in_turn: bool | UnsetType = UNSET
    requests: Annotated[int, Meta(ge=1, le=MOST_REQUESTS)] | UnsetType = UNSET
    think: tuple[_Pause, _Pause] | UnsetType = UNSET
    ramp: Annotated[float, Meta(ge=0, le=LONGEST_SECONDS)] | UnsetType = UNSET
    timeout: Annotated[float, Meta(gt=0, le=300)] | UnsetType = UNSET


def read_plan(path: Path) -> Plan:
    """Read a plan from its file.

    Raises:
        LoadError: it cannot be read, or says what cannot be done; the message names the line or the field.
    """
    content = _read(path)
    try:
        file = msgspec.convert(content, _File)
    except msgspec.ValidationError as error:
        fields = ", ".join(_File.__struct_fields__)
        raise LoadError(f"{path}: {error}. It may hold {fields}.") from error
    try:
        return _plan(file, path.stem)
    except LoadError as error:
        raise LoadError(f"{path}: {error}") from error


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise LoadError(f"{path} is larger than {_MOST_BYTES // 1024} KiB: that is no plan.")
        return yaml.safe_load(text)
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}. Check the path and its permissions.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise LoadError(f"{path}{where}: {getattr(error, 'problem', None) or 'no YAML'}. Mend that line.") from error


def _plan(file: _File, name: str) -> Plan:
    if file.scenario is not UNSET and file.scenario not in SCENARIOS:
        raise LoadError(f"`scenario`: there is no {file.scenario!r}: take {', '.join(SCENARIOS)}.")
    changes = {
        field: getattr(file, field)
        for field in ("mix", "in_turn", "requests", "think", "ramp", "timeout")
        if getattr(file, field) is not UNSET
    }
    if file.opening is not UNSET:
        changes["opening"] = tuple(file.opening)
    if file.scenario is UNSET and file.mix is UNSET:
        raise LoadError("`mix` is missing: say what is asked for how often, for example `mix: {list: 3, read: 1}`.")
    stages = _stages(file)
    if file.scenario is not UNSET:
        base = SCENARIOS[file.scenario][1]
        plan = msgspec.structs.replace(base, name=name, **changes)
        if stages:
            plan = msgspec.structs.replace(plan, model=stages[0], stages=stages[1])
        elif file.seconds is not UNSET:
            plan = plan.scaled(seconds=file.seconds)
    elif stages is None:
        raise LoadError("Say who comes: `users: 10` or `rate: 50` with `seconds: 60`, or `stages`.")
    else:
        plan = Plan(name=name, model=stages[0], stages=stages[1], **changes)
    check_plan(plan)
    return plan


def _stages(file: _File) -> Any:
    """Give the model and the stages; none where the file says nothing of them."""
    if file.users is not UNSET and file.rate is not UNSET:
        raise LoadError("`users` and `rate` exclude each other: clients that wait, or arrivals that do not.")
    if file.stages is not UNSET:
        if UNSET is not file.users or UNSET is not file.rate or UNSET is not file.seconds:
            raise LoadError("`stages` say how many and how long: leave `users`, `rate` and `seconds` out beside them.")
        kinds = {(level.users is not UNSET, level.rate is not UNSET) for level in file.stages}
        if kinds not in ({(True, False)}, {(False, True)}):
            raise LoadError("`stages`: give `users` in each of them, or `rate` in each of them.")
        model = "closed" if kinds == {(True, False)} else "open"
        levels = [Stage(s.seconds, float(s.users if model == "closed" else s.rate)) for s in file.stages]  # type: ignore[arg-type]
        return model, tuple(levels)
    level = file.users if file.users is not UNSET else file.rate
    if level is UNSET:
        return None
    seconds = file.seconds if file.seconds is not UNSET else 60.0
    return ("closed" if file.users is not UNSET else "open"), (Stage(seconds, float(level)),)


def check_plan(plan: Plan) -> None:
    """Refuse what cannot be done.

    Raises:
        LoadError: the plan asks for it.
    """
    for name in [*plan.opening, *plan.mix]:
        check_action(name)
    if len(plan.mix) > 50 or not any(plan.mix.values()):
        raise LoadError("`mix`: at least one thing must be asked for, and at most 50.")
    if plan.think[0] > plan.think[1]:
        raise LoadError("`think`: give the shortest first, for example [1, 3].")
    if not plan.peak or plan.seconds > LONGEST_SECONDS:
        raise LoadError(f"The stages must have a load above 0 and end within {LONGEST_SECONDS:.0f} seconds.")
    if plan.model == "closed" and plan.peak > MOST_USERS:
        raise LoadError(f"At most {MOST_USERS} clients at once.")
    if plan.model == "open" and (plan.opening or plan.requests is not None or plan.think != (0.0, 0.0)):
        raise LoadError("`opening`, `requests` and `think` belong to clients that wait: give `users`, not `rate`.")
