"""Blueprints as files: written as JSON, YAML or CSV, and read back from JSON or YAML."""

import csv
import io
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
import yaml

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.model import Blueprint

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 60
SECTIONS = (
    "fingerprint", "categories", "page_types", "selectors", "endpoints", "pagination", "filters", "render_hints",
)  # fmt: skip
"""The parts that `include` chooses among; what identifies the blueprint is always there."""

CSV_COLUMNS = (
    "section", "name", "kind", "page_type", "url", "css", "xpath", "attribute", "multiple", "scope", "method",
    "test_pass_rate", "pages_tested", "confidence", "parent", "detail",
)  # fmt: skip

_FORMULA_STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_CONTROL_STARTS = ("\t", "\r", "\n")

Row = dict[str, object]
Content = Blueprint | Mapping[str, object]


def to_json(blueprint: Content, include: Collection[str] | None = None) -> str:
    """The blueprint as indented JSON, keys in the order of the model."""
    return json.dumps(_chosen(blueprint, include), ensure_ascii=False, indent=2) + "\n"


def to_yaml(blueprint: Content, include: Collection[str] | None = None) -> str:
    """The blueprint as YAML, keys in the order of the model."""
    return yaml.dump(_chosen(blueprint, include), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def to_csv(blueprint: Content, include: Collection[str] | None = None) -> str:
    """The blueprint's lists as one flat table, a row a thing, safe to open in a spreadsheet."""
    content = _chosen(blueprint, include)
    output = io.StringIO(newline="")
    writer = csv.DictWriter(output, CSV_COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for section, to_row in _ROWS.items():
        entries = content.get(section)
        if isinstance(entries, list):
            for entry in entries:
                writer.writerow({name: _cell(value) for name, value in {"section": section, **to_row(entry)}.items()})
    return output.getvalue()


def load_blueprint(source: Path | bytes | str) -> Blueprint:
    """Read an exported blueprint.

    Args:
        source: a file, or the JSON or YAML itself.

    Raises:
        EngineError: `UNUSABLE_BLUEPRINT`, naming what is wrong and where.
    """
    text = _text_of(source)
    data = _parse(text)
    if not isinstance(data, dict):
        raise _unusable("The blueprint must be an object with keys such as domain, page_types and selectors.")
    try:
        if not _is_finite(data):
            raise _unusable("The blueprint has a number that is not finite; write numbers such as 0.9.")
        return msgspec.convert(data, Blueprint, strict=True)
    except msgspec.ValidationError as error:
        raise _unusable(f"The blueprint does not fit: {_sentence(error)}") from None
    except RecursionError:
        raise _unusable("The blueprint is nested too deeply.") from None


def _is_finite(data: object) -> bool:
    if isinstance(data, dict):
        return all(map(_is_finite, data.values()))
    if isinstance(data, list):
        return all(map(_is_finite, data))
    return not isinstance(data, float) or math.isfinite(data)


def _unusable(message: str) -> EngineError:
    return EngineError(ErrorCode.UNUSABLE_BLUEPRINT, message)


def _sentence(error: msgspec.ValidationError) -> str:
    return str(error)[:500].replace("`$.", "`").rstrip(".") + "."


class _Dumper(yaml.SafeDumper):
    """Writes every value in full: an alias would not survive our own reader."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def _chosen(blueprint: Content, include: Collection[str] | None) -> dict[str, object]:
    content = msgspec.to_builtins(blueprint)
    if include is None:
        return dict(content)
    unknown = sorted(set(include) - set(SECTIONS))
    if unknown:
        raise ValueError(f"Unknown section {unknown[0]!r}; choose among {', '.join(SECTIONS)}.")
    return {key: value for key, value in content.items() if key not in SECTIONS or key in include}


def _text_of(source: Path | bytes | str) -> str:
    if isinstance(source, str):
        raw = source.encode("utf-8", "replace")
    elif isinstance(source, bytes):
        raw = source
    else:
        try:
            with source.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise _unusable(
                f"The blueprint {source.name} cannot be read: {error.strerror or 'unknown error'}."
            ) from None
    if len(raw) > MAX_BYTES:
        raise _unusable(f"The blueprint is larger than {MAX_BYTES // 1024 // 1024} MB.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(f"The blueprint is not text in UTF-8: byte {error.start} is not.") from None


def _parse(text: str) -> object:
    if text.lstrip().startswith(("{", "[")):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise _unusable(f"The blueprint is not valid JSON: {error}.") from None
        except RecursionError:
            raise _unusable("The blueprint is nested too deeply.") from None
    return _parse_yaml(text)


def _parse_yaml(text: str) -> object:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Events come before anything is built, so a bomb of aliases or of brackets is seen before it goes off.
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise _unusable("The blueprint uses YAML aliases; write every value in full.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise _unusable("The blueprint is nested too deeply.")
        return yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise _unusable(f"The blueprint is not valid JSON or YAML{where}.") from None
    except (ValueError, RecursionError):
        raise _unusable("The blueprint is not valid JSON or YAML.") from None


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        text = "; ".join(str(part) for part in value)
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = str(value)
    # Spreadsheets run cells that start like a formula; a quote in front makes them text.
    dangerous = text.startswith(_CONTROL_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if dangerous else text


def _category_row(entry: Mapping[str, object]) -> Row:
    return {
        "name": entry.get("name"),
        "kind": "category",
        "url": entry.get("url"),
        "confidence": entry.get("confidence"),
        "parent": entry.get("parent_id"),
        "detail": entry.get("id"),
    }


def _page_type_row(entry: Mapping[str, object]) -> Row:
    return {
        "name": entry.get("name"),
        "kind": entry.get("kind"),
        "url": entry.get("url_pattern"),
        "confidence": entry.get("confidence"),
        "detail": entry.get("example_urls"),
    }


def _selector_row(entry: Mapping[str, object]) -> Row:
    names = (
        "page_type", "css", "xpath", "attribute", "multiple", "scope", "method", "test_pass_rate", "pages_tested",
        "confidence",
    )  # fmt: skip
    row: Row = {name: entry.get(name) for name in names}
    return {"name": entry.get("field_name"), "kind": "selector", **row, "detail": entry.get("sample_values")}


def _endpoint_row(entry: Mapping[str, object]) -> Row:
    return {
        "name": entry.get("method"),
        "kind": entry.get("kind"),
        "url": entry.get("url"),
        "confidence": entry.get("confidence"),
        "detail": entry.get("params"),
    }


def _filter_row(entry: Mapping[str, object]) -> Row:
    return {
        "name": entry.get("name"),
        "kind": entry.get("kind"),
        "attribute": entry.get("param"),
        "detail": entry.get("values"),
    }


_ROWS = {
    "categories": _category_row,
    "page_types": _page_type_row,
    "selectors": _selector_row,
    "endpoints": _endpoint_row,
    "filters": _filter_row,
}
