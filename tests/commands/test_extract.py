import json
from pathlib import Path

import pytest

from tests.commands.conftest import Run
from tests.sites.shop import SHOP_DOMAIN
from webintel import cli
from webintel.demo import pages
from webintel.demo.catalog import PRODUCTS

ITEM = PRODUCTS[-1]
URL = f"http://{SHOP_DOMAIN}{ITEM.path}"


@pytest.fixture(scope="module")
def blueprint(shop_options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extract") / "shop.yaml"
    assert cli.run(["scan", SHOP_DOMAIN, *shop_options, "--max-pages", "60", "--output", str(path)]) == 0
    return path


def test_values_of_a_page_on_the_web(run: Run, blueprint: Path, shop_options: list[str]) -> None:
    outcome = run("extract", blueprint, URL, "--json", *shop_options)
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["url"] == URL
    assert found["values"]["title"] == ITEM.name


def test_values_of_a_stored_page(run: Run, blueprint: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(pages.product(ITEM))
    outcome = run("extract", blueprint, path, "--url", URL)
    assert outcome.code == 0, outcome.err
    assert ITEM.name in outcome.out


def test_a_page_that_is_not_there(run: Run, blueprint: Path, shop_options: list[str]) -> None:
    outcome = run("extract", blueprint, f"http://{SHOP_DOMAIN}/p/nothing", "--json", *shop_options)
    assert outcome.code == 1
    assert outcome.out == ""
    assert len(outcome.error_lines) == 1


def test_a_page_of_no_known_type(run: Run, blueprint: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<p>nothing to see")
    outcome = run("extract", blueprint, path, "--url", "http://elsewhere.test/x/y/z")
    assert outcome.code == 1
    assert "--page-type" in outcome.error_lines[0]


def test_a_stored_page_needs_its_url(run: Run, blueprint: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(pages.product(ITEM))
    assert run("extract", blueprint, path).code == 2


@pytest.mark.parametrize("content", ["", "{", "domain: [", "a: 1", "\x00"])
def test_no_blueprint(run: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(content)
    outcome = run("extract", path, path, "--url", URL)
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 1
    assert "Unexpected" not in outcome.err
