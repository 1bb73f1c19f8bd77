import csv
import io
import json
from pathlib import Path

import pytest
import yaml

from tests.commands.conftest import Run
from tests.sites import hostile
from tests.sites.player import play
from tests.sites.shop import SHOP_DOMAIN

FEW = ["--max-pages", "25"]


def test_prints_yaml_where_nobody_reads_along(run: Run, shop_options: list[str]) -> None:
    outcome = run("scan", SHOP_DOMAIN, *shop_options, *FEW)
    assert outcome.code == 0, outcome.err
    blueprint = yaml.safe_load(outcome.out)
    assert blueprint["domain"] == SHOP_DOMAIN
    assert blueprint["start_url"] == f"http://{SHOP_DOMAIN}/"
    assert "discovering" in outcome.err
    assert "skipped" not in outcome.err


@pytest.mark.parametrize("name", ["shop.json", "shop.yaml", "shop.csv"])
def test_writes_the_format_of_the_extension(run: Run, shop_options: list[str], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    outcome = run("scan", SHOP_DOMAIN, *shop_options, *FEW, "--output", path)
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    text = path.read_text()
    if name.endswith("json"):
        assert json.loads(text)["domain"] == SHOP_DOMAIN
    elif name.endswith("yaml"):
        assert yaml.safe_load(text)["domain"] == SHOP_DOMAIN
    else:
        assert len(list(csv.reader(io.StringIO(text)))) > 1
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_lists_what_was_skipped(run: Run, shop_options: list[str]) -> None:
    outcome = run("scan", SHOP_DOMAIN, *shop_options, *FEW, "--skipped", "--format", "json")
    assert json.loads(outcome.out)["page_types"]
    assert any(line.startswith("skipped http") and "forbidden_by_robots" in line for line in outcome.err.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "no/such/folder/x.yaml"],
        ["--output", "blueprint.txt"],
        ["--connect-to", "nonsense"],
        ["--allow-private", "nonsense"],
        ["--max-pages", "0"],
        ["--delay", "-1"],
        ["--format", "xml"],
    ],
)
def test_bad_options_are_refused_before_any_visit(
    run: Run, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("scan", "shop.example", *arguments)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "domain", ["", "shop", "shop.example/path", "127.0.0.1", "user@shop.example", "ftp://shop.example"]
)
def test_no_domain_is_refused(run: Run, domain: str) -> None:
    outcome = run("scan", domain)
    assert outcome.code == 1
    assert outcome.out == ""
    assert len(outcome.error_lines) == 1


def test_a_private_address_stays_closed(run: Run) -> None:
    with play(hostile.empty) as site:
        outcome = run("scan", "http://hostile.test", "--connect-to", site.connect_to("hostile.test"))
        assert site.requests == []
    assert outcome.code == 1
    assert len(outcome.error_lines) == 1
    assert "--allow-private" in outcome.err


def test_an_unusable_site_leaves_no_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text("the old one")
    with play(hostile.forbids_all) as site:
        connect = ["--connect-to", site.connect_to("hostile.test"), "--allow-private", "127.0.0.0/8"]
        outcome = run("scan", "http://hostile.test", *connect, "--output", path)
    assert outcome.code == 1
    assert "robots.txt" in outcome.error_lines[0]
    assert path.read_text() == "the old one"
