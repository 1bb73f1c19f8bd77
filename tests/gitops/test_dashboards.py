"""What is on the dashboards: made from their source, and readable without asking who drew them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gitops.rendering import GITOPS, ROOT, kustomize
from tests.tools.paths import MISSING, tool

FOLDER = GITOPS / "base" / "monitoring" / "dashboards"
NAMES = ("api", "business", "database", "pods")
UNITS = {"bytes", "d", "none", "ops", "percentunit", "reqps", "s"}
COUNTER = re.compile(r"(?<![\w:])[a-z][a-z0-9_]*_(?:total|bucket|count)\b(?!\s*\()")
# Names that end like a counter's and are none.
GAUGES = {"cnpg_backends_total", "pg_stat_activity_count"}


@pytest.fixture(params=NAMES)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{request.param}.json").read_text())
    return found


def drawn(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels, without the titles of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in drawn(dashboard) for target in panel["targets"]]


def test_the_json_is_what_the_source_makes(tmp_path: Path) -> None:
    for source in FOLDER.glob("*.yaml"):
        (tmp_path / source.name).write_text(source.read_text())
    script = (ROOT / ".ci" / "dashboards").read_text().replace("FOLDER = ", f"FOLDER = Path({str(tmp_path)!r}) or ")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert {file.stem for file in tmp_path.glob("*.json")} == set(NAMES)
    for made in tmp_path.glob("*.json"):
        assert made.read_text() == (FOLDER / made.name).read_text(), (
            f"run .ci/dashboards: {made.name} is not of its source"
        )


def test_grafana_finds_them() -> None:
    maps = [document for document in kustomize(GITOPS / "base" / "monitoring") if document["kind"] == "ConfigMap"]
    assert {item["metadata"]["name"] for item in maps} == {f"dashboard-{name}" for name in NAMES}
    (stack,) = kustomize(GITOPS / "operators" / "kube-prometheus-stack")
    sidecar = stack["spec"]["source"]["helm"]["valuesObject"]["grafana"]["sidecar"]["dashboards"]
    for item in maps:
        assert item["metadata"]["labels"] == {"grafana_dashboard": "1"}
        assert item["metadata"]["namespace"] == "monitoring"
        assert sidecar["searchNamespace"] == "ALL"


def test_each_has_an_id_of_its_own() -> None:
    uids = [json.loads((FOLDER / f"{name}.json").read_text())["uid"] for name in NAMES]
    assert len(set(uids)) == len(NAMES)
    assert all(0 < len(uid) <= 40 for uid in uids)


def test_nothing_is_drawn_by_hand(dashboard: dict[str, Any]) -> None:
    assert dashboard["editable"] is False
    assert dashboard["title"]
    assert dashboard["description"]


def test_every_panel_says_what_it_shows_and_in_which_unit(dashboard: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in drawn(dashboard)]
    assert len(titles) == len(set(titles))
    for panel in drawn(dashboard):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["targets"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


def test_every_panel_takes_the_source_that_is_chosen(dashboard: dict[str, Any]) -> None:
    (variable,) = dashboard["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    for panel in drawn(dashboard):
        for holder in (panel, *panel["targets"]):
            assert holder["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]


def test_panels_do_not_cover_each_other(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_counters_are_looked_at_as_rates(dashboard: dict[str, Any]) -> None:
    for query in queries(dashboard):
        for found in COUNTER.finditer(query):
            before = query[: found.start()]
            assert found[0] in GAUGES or re.search(r"(?:rate|increase)\(\s*$", before), f"{found[0]} in {query}"


def test_rates_follow_what_is_looked_at(dashboard: dict[str, Any]) -> None:
    """A fixed window of minutes has holes or hides peaks; an hour is said in the panel's text."""
    for query in queries(dashboard):
        assert set(re.findall(r"\[([^\]]+)\]", query)) <= {"$__rate_interval", "1h"}, query


def test_prometheus_understands_each_query(dashboard: dict[str, Any], tmp_path: Path) -> None:
    promtool = tool("promtool")
    if promtool is None:
        pytest.skip(f"promtool is not built: {MISSING}")
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries(dashboard))
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
