"""The rule format: reads, checks and merges the YAML files that hold the signatures.

A file holds the technologies of one group, named by the file; `rules/README.md` describes the format.
"""

import re
from pathlib import Path

import msgspec
import yaml

from webintel.engine.errors import EngineError, ErrorCode

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

RULES_FOLDER = Path(__file__).parent / "rules"

DEFAULT_WEIGHTS = {
    "header": 0.95,
    "cookie": 0.9,
    "meta": 0.95,
    "script": 0.9,
    "stylesheet": 0.8,
    "link": 0.6,
    "frame": 0.8,
    "image": 0.5,
    "form": 0.7,
    "inline": 0.75,
    "state": 0.7,
    "html": 0.6,
    "class": 0.4,
    "id": 0.5,
    "attr": 0.7,
    "comment": 0.7,
    "css": 0.5,
    "url": 0.5,
    "robots": 0.5,
    "selector": 0.6,
}
"""Each kind of rule with the weight it has unless the rule says another."""

NAMED_KINDS = frozenset({"header", "cookie", "meta"})
"""Kinds written `name` or `name: value`."""

VERSION_SHORTHANDS = {
    "query": r"[?&](?:ver|v|version)=v?(\d+(?:\.\d+){1,3})",
    "path": r"(?<!\d)[-@/._=]v?(\d+(?:\.\d+){1,3})",
    "next": r"^[^\d\x00]{0,12}(\d+(?:\.\d+){0,3})",
}
"""Names for the usual ways to write a version: in a query, in a path or file name, right after the literal."""

MIN_LITERAL = 3
MAX_LITERAL = 200
MAX_PATTERN = 300
MAX_FILES = 200
MAX_FILE_BYTES = 1024 * 1024
MAX_RULES = 50_000

_TECHNOLOGY_KEYS = frozenset({"name", "source", "rules", "implies", "requires", "excludes", "group"})
_OPTION_KEYS = frozenset({"weight", "version", "pattern", "literal"})
# A repeated group that holds a repetition takes exponential time on the wrong input.
_NESTED_REPETITION = re.compile(r"[+*}]\)(?:[+*]|\{\d*,\})")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One signature: where to look, the literal that must be there, and how much it counts."""

    kind: str
    literal: str
    """Lower case; what the prefilter looks for."""
    weight: float
    name: str = ""
    """For headers, cookies and meta elements: the lower-case name."""
    prefix: bool = False
    """Whether more word characters may follow the literal (written with a `*` at the end)."""
    pattern: str | None = None
    version: str | None = None
    selector: str | None = None


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A technology with its rules."""

    name: str
    group: str
    source: str
    rules: tuple[Rule, ...]
    implies: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


def load_rules(extra: Path | None = None) -> tuple[Definition, ...]:
    """Reads the rules that come with the package, and on top those of a folder of the user's own."""
    definitions = _read_folder(RULES_FOLDER)
    if extra is not None:
        definitions = _merge(definitions, _read_folder(extra))
    _check_references(definitions)
    return tuple(definitions[name] for name in sorted(definitions))


def parse_rules(text: str, group: str, origin: str) -> list[Definition]:
    """Checks the text of one rule file; `origin` names it in messages."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, the C one where there is one
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f"{origin}, line {place.line + 1}" if place else origin
        raise _invalid(where, "is not valid YAML", "quote values that hold ': ', '#', '{' or '*'") from error
    if content is None:
        return []
    if not isinstance(content, list):
        raise _invalid(origin, "is not a list of technologies", "begin each technology with '- name: ...'")
    return [_technology(entry, group, origin) for entry in content]


def _read_folder(folder: Path) -> dict[str, Definition]:
    if not folder.is_dir():
        raise _invalid(str(folder), "is not a folder", "give a folder that holds .yaml rule files")
    files = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
    if not files:
        raise _invalid(str(folder), "holds no rule files", "add files that end in .yaml")
    if len(files) > MAX_FILES:
        raise _invalid(str(folder), f"holds {len(files)} rule files", f"merge them into at most {MAX_FILES}")
    definitions: dict[str, Definition] = {}
    total = 0
    for path in files:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _invalid(str(path), f"is larger than {MAX_FILE_BYTES:,} bytes", "split it into several files")
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _invalid(str(path), f"cannot be read ({error})", "save it as UTF-8 and make it readable") from error
        for definition in parse_rules(text, path.stem, path.name):
            if definition.name in definitions:
                raise _invalid(f"{path.name}, {definition.name}", "appears twice", "merge the two entries into one")
            definitions[definition.name] = definition
            total += len(definition.rules)
            if total > MAX_RULES:
                raise _invalid(str(folder), f"holds more than {MAX_RULES:,} rules", "remove some")
    return definitions


def _merge(base: dict[str, Definition], extra: dict[str, Definition]) -> dict[str, Definition]:
    """A technology that both know keeps its group and gets the rules of both."""
    merged = dict(base)
    for name, addition in extra.items():
        known = base.get(name)
        if known is None:
            merged[name] = addition
            continue
        merged[name] = msgspec.structs.replace(
            known,
            rules=tuple(dict.fromkeys((*known.rules, *addition.rules))),
            implies=tuple(dict.fromkeys((*known.implies, *addition.implies))),
            requires=tuple(dict.fromkeys((*known.requires, *addition.requires))),
            excludes=tuple(dict.fromkeys((*known.excludes, *addition.excludes))),
        )
    return merged


def _check_references(definitions: dict[str, Definition]) -> None:
    for definition in definitions.values():
        for key in ("implies", "requires", "excludes"):
            for name in getattr(definition, key):
                if name not in definitions:
                    raise _invalid(
                        f"{definition.group}.yaml, {definition.name}",
                        f"{key} '{name}', which no file defines",
                        "correct the spelling or define it",
                    )


def _technology(entry: object, group: str, origin: str) -> Definition:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
        raise _invalid(origin, f"has an entry without a name: {str(entry)[:80]}", "add 'name: ...'")
    where = f"{origin}, {entry['name']}"
    _check_keys(entry, where)
    if not isinstance(entry.get("source"), str):
        raise _invalid(where, "does not say where its rules come from", "add 'source: <the vendor's page>'")
    rules = entry.get("rules")
    if not isinstance(rules, list) or not rules:
        raise _invalid(where, "has no rules", "add 'rules: [{script: cdn.example.com/}]'")
    return Definition(
        name=entry["name"].strip(),
        group=str(entry.get("group", group)),
        source=entry["source"],
        rules=tuple(rule for item in rules for rule in _rules(item, where)),
        implies=_names(entry, "implies", where),
        requires=_names(entry, "requires", where),
        excludes=_names(entry, "excludes", where),
    )


def _check_keys(entry: dict[object, object], where: str) -> None:
    unknown = sorted(str(key) for key in entry if key not in _TECHNOLOGY_KEYS)
    if unknown:
        raise _invalid(
            where, f"has the unknown key '{unknown[0]}'", f"use one of {', '.join(sorted(_TECHNOLOGY_KEYS))}"
        )


def _names(entry: dict[str, object], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _invalid(where, f"has '{key}' that is not a name or a list of names", f"write '{key}: [Name]'")
    return tuple(names)


def _rules(item: object, where: str) -> list[Rule]:
    """One entry of `rules`; a list of values is shorthand for as many rules."""
    if not isinstance(item, dict):
        raise _invalid(
            where, f"has a rule that is not a mapping: {str(item)[:80]}", "write '{script: cdn.example.com/}'"
        )
    kinds = [key for key in item if key not in _OPTION_KEYS]
    if len(kinds) != 1 or kinds[0] not in DEFAULT_WEIGHTS:
        raise _invalid(where, f"has a rule of no single known kind: {item}", f"use one of {', '.join(DEFAULT_WEIGHTS)}")
    values = item[kinds[0]]
    values = values if isinstance(values, list) else [values]
    weight = _weight(item, kinds[0], where)
    pattern = _regexp(item.get("pattern"), where)
    version = item.get("version")
    if isinstance(version, str):
        version = VERSION_SHORTHANDS.get(version, version)
    version = _regexp(version, where)
    if version is not None and re.compile(version).groups < 1:
        raise _invalid(where, f"has a version without a group: {version}", r"mark the number, as in 'v(\d+)'")
    return [_rule(kinds[0], value, item, (weight, pattern, version), where) for value in values]


def _rule(
    kind: str, value: object, item: dict[str, object], options: tuple[float, str | None, str | None], where: str
) -> Rule:
    if not isinstance(value, str):
        raise _invalid(where, f"has a {kind} rule that is not text: {value!r}", "put the value in quotes")
    weight, pattern, version = options
    name, selector, literal = "", None, value
    if kind == "selector":
        selector, literal = value, str(item.get("literal", ""))
    elif kind in NAMED_KINDS:
        name, _, wanted = value.partition(": ")
        name = name.strip().lower()
        literal = wanted.strip() or name
    literal = literal.lower()
    prefix = literal.endswith("*")
    literal = literal.removesuffix("*")
    if name:
        name = name.removesuffix("*")
    if not MIN_LITERAL <= len(literal) <= MAX_LITERAL:
        raise _invalid(
            where,
            f"has the {kind} rule '{value}' with a literal of {len(literal)} characters",
            f"give a literal of {MIN_LITERAL} to {MAX_LITERAL} characters",
        )
    return Rule(
        kind=kind,
        literal=literal,
        weight=weight,
        name=name,
        prefix=prefix,
        pattern=pattern,
        version=version,
        selector=selector,
    )


def _weight(item: dict[str, object], kind: str, where: str) -> float:
    weight = item.get("weight", DEFAULT_WEIGHTS[kind])
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1:
        raise _invalid(where, f"has the weight {weight!r}", "give a number above 0 and up to 1")
    return float(weight)


def _regexp(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_PATTERN:
        raise _invalid(
            where, "has a pattern that is not text or is too long", f"keep it under {MAX_PATTERN} characters"
        )
    if _NESTED_REPETITION.search(value):
        raise _invalid(where, f"repeats a repetition in '{value}'", "rewrite it without one + or * inside another")
    try:
        re.compile(value)
    except re.error as error:
        raise _invalid(
            where, f"has an invalid pattern '{value}' ({error})", "correct the regular expression"
        ) from error
    return value


def _invalid(where: str, problem: str, fix: str) -> EngineError:
    return EngineError(ErrorCode.INVALID_RULES, f"{where} {problem}.", f"{fix[0].upper()}{fix[1:]}.")
