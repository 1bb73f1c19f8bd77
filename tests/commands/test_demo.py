from pathlib import Path

import yaml

from tests.commands.conftest import Run
from tests.sites.shop import SHOP_DOMAIN


def test_the_demo_shows_a_blueprint_and_keeps_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    outcome = run("demo", "--max-pages", "40", "--output", path)
    assert outcome.code == 0, outcome.err
    assert "Categories" in outcome.out
    assert "Selectors" in outcome.out
    assert yaml.safe_load(path.read_text())["domain"] == SHOP_DOMAIN
