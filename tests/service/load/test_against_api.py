"""Against the real service: it makes what it says, measures it, and takes it away again."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.service.api_fixtures import People
from tests.service.conftest import MakeSite
from tests.service.load.conftest import key_of, run_load
from webintel.db import Database
from webintel.load.actions import SUFFIX


async def sites(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list(await connection.scalars(text("SELECT domain FROM sites ORDER BY domain")))


async def test_a_promised_scenario_makes_its_sites_and_removes_them(
    api: str, key: str, database: Database, make_site: MakeSite, tmp_path: Path
) -> None:
    await make_site("shop.example")
    await make_site(f"of-another-run.{SUFFIX}")
    done = await run_load(
        "5x10", "--target", api, "--fail-if", "error_rate>0", "--fail-if", "requests<60",
        "--json", tmp_path / "out.json", "--report", tmp_path / "out.html",
        WEBINTEL_LOAD_API_KEY=key,
    )  # fmt: skip
    assert done.code == 0, done
    found: dict[str, Any] = json.loads((tmp_path / "out.json").read_text())
    assert {name: tally["requests"] for name, tally in found["endpoints"].items()} == {
        "GET /health": 5,
        "GET /api/v1/sites": 5,
        "POST /api/v1/sites": 50,
    }
    assert found["sites"] == {"created": 50, "removed": 50, "left_over": None}
    assert found["success_rate"] == 1
    assert 0 < found["latency"]["p50"] <= found["latency"]["p99.9"] <= found["latency"]["max"]
    assert await sites(database) == [f"of-another-run.{SUFFIX}", "shop.example"]
    page = (tmp_path / "out.html").read_text()
    assert page.count("<svg") == 3
    assert "http" not in page.replace(api, "")
    for text_ in (done.out, done.err, page, str(found)):
        assert key not in text_
    assert done.err == ""
    cleaned = await run_load("--clean-up", "--target", api, WEBINTEL_LOAD_API_KEY=key)
    assert (cleaned.code, cleaned.out) == (0, "1 sites of load tests removed.\n")
    assert await sites(database) == ["shop.example"]


async def test_every_mix_works_in_several_processes(
    api: str, key: str, database: Database, make_site: MakeSite, tmp_path: Path
) -> None:
    await make_site("shop.example", notes="mine")
    for scenario, options in (
        ("write-heavy", ["--users", "4", "--processes", "2", "--requests", "200"]),
        ("read-heavy", ["--rate", "100", "--seconds", "2"]),
        ("journey", ["--users", "3", "--think", "0,0.01", "--ramp", "0.3", "--requests", "48"]),
    ):
        done = await run_load(
            scenario, *options, "--target", api, "--json", tmp_path / "out.json", WEBINTEL_LOAD_API_KEY=key
        )
        found = json.loads((tmp_path / "out.json").read_text())
        assert (done.code, found["errors"]) == (0, {}), done
        assert found["sites"]["left_over"] is None
        assert len(found["tester"]["processes"]) == (2 if "--processes" in options else 1)
        if "--requests" in options:
            assert 0 <= found["requests"] - int(options[-1]) < 4
        else:
            assert found["requests"] == 200
    assert await sites(database) == ["shop.example"]


async def test_sites_can_be_kept_by_who_may_not_delete(
    api: str, key: str, database: Database, people: People, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(await key_of(database, people, "product_lead") + "\n")
    refused = await run_load("5x10", "--target", api, "--api-key-file", file)
    assert refused.code == 1
    assert "delete_sites: take an admin's key, or --keep" in refused.error
    done = await run_load("5x10", "--target", api, "--api-key-file", file, "--keep")
    assert done.code == 0, done
    made = await sites(database)
    assert len(made) == 50
    assert all(name.endswith(f".{SUFFIX}") for name in made)


async def test_who_may_not_is_told_before_anything_is_sent(api: str, database: Database, people: People) -> None:
    viewer = await key_of(database, people, "viewer")
    done = await run_load("5x10", "--target", api, WEBINTEL_LOAD_API_KEY=viewer)
    assert (done.code, done.out) == (1, "")
    assert "role (viewer) lacks change_sites" in done.error
    done = await run_load("read-heavy", "--target", api, WEBINTEL_LOAD_API_KEY="wip_wrong")
    assert "does not accept the credential" in done.error
    assert "wip_wrong" not in done.err
    done = await run_load("steady", "--target", api)
    assert "put an API key into WEBINTEL_LOAD_API_KEY" in done.error
