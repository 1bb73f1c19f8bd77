import csv
import io
import json
from pathlib import Path

import msgspec
import pytest
import yaml

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.export import CSV_COLUMNS, SECTIONS, load_blueprint, to_csv, to_json, to_yaml
from webintel.engine.model import (
    Blueprint,
    Category,
    Endpoint,
    Evidence,
    Filter,
    Fingerprint,
    PageType,
    Pagination,
    Reason,
    RenderHints,
    Selector,
    Technology,
)


@pytest.fixture
def blueprint() -> Blueprint:
    return Blueprint(
        domain="shop.example",
        start_url="https://shop.example/",
        discovery_method="static",
        confidence_score=0.8125,
        fingerprint=Fingerprint(
            platform="WooCommerce",
            requires_js=False,
            requires_js_confidence=0.9,
            requires_js_reasons=["1.0"],
            technologies=[
                Technology(
                    name="nginx",
                    group="server",
                    confidence=1.0,
                    evidence=[Evidence(kind="header", detail="server: nginx")],
                )
            ],
            complexity_score=0.25,
            complexity_reasons=[Reason(factor="size", weight=0.25, detail="few pages")],
        ),
        categories=[
            Category(
                id="5b0f",
                name='=HYPERLINK("https://evil.test")',
                slug="öl-lampen",
                url="https://shop.example/c/öl",
                parent_id=None,
                depth=1,
                example_url=None,
                confidence=0.7,
            )
        ],
        page_types=[
            PageType(
                name="detail",
                kind="product",
                url_pattern=r"https://shop\.example/p/\d+",
                example_urls=["https://shop.example/p/1", "https://shop.example/p/2"],
                page_count=300,
                confidence=0.95,
            )
        ],
        selectors=[
            Selector(
                field_name="price",
                page_type="detail",
                css=".price > .amount, ins",
                xpath="//x | //y",
                attribute=None,
                sample_values=["-10.00 €", "yes", "null", "2026-11-23", "é\n\u2028line"],
                confidence=0.9,
                test_pass_rate=1.0,
                method="structured_data",
                pages_tested=8,
            )
        ],
        endpoints=[
            Endpoint(
                url="https://shop.example/api?x={y}",
                method="GET",
                kind="rest",
                params=["x"],
                response_schema={"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
                confidence=0.6,
            )
        ],
        pagination=Pagination(kind="query", url_pattern="?page={page}", next_selector="a.next"),
        filters=[Filter(name="Colour", param="color", kind="facet", values=["red", "+blue"])],
        render_hints=RenderHints(requires_js=False, wait_for_selector=None, infinite_scroll=False, timeout_seconds=30),
    )


@pytest.mark.parametrize("write", [to_json, to_yaml])
def test_what_is_written_reads_back_equal(blueprint: Blueprint, write, tmp_path: Path):
    text = write(blueprint)
    assert load_blueprint(text) == blueprint
    assert load_blueprint(text.encode()) == blueprint
    assert load_blueprint(b"\xef\xbb\xbf" + text.encode()) == blueprint
    (tmp_path / "blueprint").write_text(text, encoding="utf-8")
    assert load_blueprint(tmp_path / "blueprint") == blueprint


@pytest.mark.parametrize("write", [to_json, to_yaml])
def test_what_the_service_adds_is_written_and_ignored_on_reading(blueprint: Blueprint, write):
    content = {
        "id": "0190-a",
        "site_id": "0190-b",
        "version": 7,
        **msgspec.to_builtins(blueprint),
        "created_at": "2026-11-23",
    }
    text = write(content)
    assert text.index("version") < text.index("domain") < text.index("created_at")
    assert load_blueprint(text) == blueprint


def test_text_stays_readable(blueprint: Blueprint):
    for text in (to_json(blueprint), to_yaml(blueprint)):
        assert "öl-lampen" in text
        assert text.endswith("\n")
        assert len(text.splitlines()) > 40
    assert "&id" not in to_yaml({"domain": "a", "x": [blueprint.selectors, blueprint.selectors]})


def test_only_the_sections_asked_for_are_written(blueprint: Blueprint):
    content = json.loads(to_json(blueprint, include=["selectors", "page_types"]))
    assert set(content) & set(SECTIONS) == {"selectors", "page_types"}
    assert content["domain"] == "shop.example"
    assert set(yaml.safe_load(to_yaml(blueprint, include=[]))) & set(SECTIONS) == set()
    rows = list(csv.DictReader(io.StringIO(to_csv(blueprint, include=["filters"]))))
    assert [row["section"] for row in rows] == ["filters"]
    with pytest.raises(ValueError, match="Unknown section 'prices'"):
        to_json(blueprint, include=["prices"])


def test_a_table_has_one_row_a_thing(blueprint: Blueprint):
    rows = list(csv.DictReader(io.StringIO(to_csv(blueprint))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["section"] for row in rows] == ["categories", "page_types", "selectors", "endpoints", "filters"]
    selector = rows[2]
    assert (selector["name"], selector["page_type"], selector["css"]) == ("price", "detail", ".price > .amount, ins")
    assert (selector["test_pass_rate"], selector["pages_tested"], selector["multiple"]) == ("1.0", "8", "no")
    assert (selector["attribute"], selector["scope"]) == ("", "")


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1"])
def test_no_cell_starts_a_formula(blueprint: Blueprint, start: str):
    category = msgspec.structs.replace(blueprint.categories[0], name=start)
    text = to_csv(msgspec.structs.replace(blueprint, categories=[category]))
    cell = next(csv.DictReader(io.StringIO(text, newline="")))["name"]
    assert cell == "'" + start


def test_harmless_cells_are_left_alone(blueprint: Blueprint):
    category = msgspec.structs.replace(blueprint.categories[0], name='Lamps = light, "all"\nof it')
    text = to_csv(msgspec.structs.replace(blueprint, categories=[category]))
    assert next(csv.DictReader(io.StringIO(text, newline="")))["name"] == category.name


def test_the_same_blueprint_gives_the_same_bytes(blueprint: Blueprint):
    copy = load_blueprint(to_json(blueprint))
    for write in (to_json, to_yaml, to_csv):
        assert write(copy) == write(blueprint)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"", "must be an object"),
        (b"[]", "must be an object"),
        (b"just text", "must be an object"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"a: [1", "not valid JSON or YAML in line"),
        (b"a: !!python/object/apply:os.system [echo]", "not valid JSON or YAML"),
        (b"a: &x [1]\nb: *x", "aliases"),
        (b"[" * 100_000, "nested too deeply|not valid JSON"),
        (b"a: " + b"[" * 5_000, "nested too deeply"),
        (b"- " * 5_000 + b"x", "nested too deeply"),
        (b'{"a": ' * 5_000, "nested too deeply|not valid JSON"),
        (b"a" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        (b"a: 2026-99-99", "not valid JSON or YAML"),
        (b"a: \x00", "not valid JSON or YAML"),
        (b"? [a]\n: b", "must be an object|not valid|does not fit"),
        (b"a: 1\n---\nb: 2", "not valid JSON or YAML"),
        (b"confidence_score: .nan", "not finite"),
        (b"selectors: [{confidence: -.inf}]", "not finite"),
        (b'{"confidence_score": 1e999}', "not finite|not valid JSON"),
        (b"{}", "missing required field `domain`"),
    ],
)
def test_hostile_files_are_refused_with_a_sentence(source: bytes, problem: str):
    with pytest.raises(EngineError, match=problem) as caught:
        load_blueprint(source)
    assert caught.value.code is ErrorCode.UNUSABLE_BLUEPRINT
    assert len(caught.value.message) < 700


def test_the_offending_field_is_named(blueprint: Blueprint):
    content = msgspec.to_builtins(blueprint)
    content["selectors"][0]["confidence"] = "high"
    with pytest.raises(EngineError, match=r"`selectors\[0\]\.confidence`"):
        load_blueprint(json.dumps(content))
    del content["pagination"]["kind"]
    content["selectors"][0]["confidence"] = 1
    with pytest.raises(EngineError, match=r"`kind`.*`pagination`"):
        load_blueprint(json.dumps(content))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(EngineError, match=r"nothing\.json cannot be read"):
        load_blueprint(tmp_path / "nothing.json")
    with pytest.raises(EngineError, match="cannot be read"):
        load_blueprint(tmp_path)


def test_a_blueprint_of_an_older_version_without_newer_keys_is_read(blueprint: Blueprint):
    content = msgspec.to_builtins(blueprint)
    for key in ("multiple", "scope", "pages_tested"):
        del content["selectors"][0][key]
    assert load_blueprint(json.dumps(content)).selectors[0].multiple is False
