"""The command as a CronJob runs it, and what the API tells Prometheus afterwards."""

import asyncio
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.service.api.test_responses import variant
from tests.service.api_fixtures import connect_to
from tests.service.conftest import SECRET_KEY
from tests.service.drill.conftest import Restore, RunDrill, recorded
from webintel.settings import load_settings

NOWHERE = "postgresql://wip:hidden@127.0.0.1:1/web_intelligence"


async def start(*options: str, **variables: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KUBERNETES_")}
    environment = {**inherited, **{f"WEBINTEL_{name.upper()}": value for name, value in variables.items()}}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "webintel", "restore-drill", *options),
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def error_of(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """The exit code, and the one line of error."""
    _, said = await process.communicate()
    (line,) = [line for line in said.decode().splitlines() if line.startswith("webintel: ")]
    assert "hidden" not in said.decode()
    return process.returncode, line.removeprefix("webintel: ")


async def test_it_ends_with_one_line_and_the_code_that_fits(live: str, restore: Restore) -> None:
    process = await start(database_url=live, restored_database_url=await restore(hours_old=2))
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (
        0,
        "The backup restores: 28 rows came back, and it lacks the last 1.0 hours.\n",
    )
    older = await restore(hours_old=15)
    process = await start("--max-age-hours", "2", "--restored-database-url", older, database_url=live)
    code, line = await error_of(process)
    assert code == 1
    assert "The backup is too old" in line
    assert [row["failure"] for row in await recorded(live)] == [None, line]


async def test_a_signal_ends_it_and_is_written_down(live: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://wip:hidden@127.0.0.1:{silent.getsockname()[1]}/web_intelligence"
        process = await start(database_url=live, restored_database_url=url)
        await asyncio.to_thread(silent.accept)
        process.send_signal(signal.SIGTERM)
        code, line = await error_of(process)
    assert (code, line) == (1, "The drill was stopped by a signal before its end.")
    assert [row["failure"] for row in await recorded(live)] == [line]


async def test_without_a_live_database_it_ends_at_once() -> None:
    process = await start(database_url=NOWHERE, restored_database_url=NOWHERE)
    code, line = await error_of(process)
    assert code == 1
    assert line.startswith("The live database does not answer as it should (")


async def test_wrong_options_are_named(tmp_path: Path) -> None:
    assert await error_of(await start(database_url=NOWHERE)) == (
        2,
        "Give --restored-database-url, or --cluster-manifest of a server to make. Try `webintel restore-drill --help`.",
    )
    code, line = await error_of(await start(database_url=NOWHERE, restored_database_url="mysql://db/web"))
    assert code == 1
    assert line.startswith("WEBINTEL_RESTORED_DATABASE_URL: names mysql")
    manifest = tmp_path / "cluster.yaml"
    manifest.write_text("kind: Cluster")
    code, line = await error_of(await start("--cluster-manifest", str(manifest), database_url=NOWHERE))
    assert code == 1
    assert line.startswith("KUBERNETES_SERVICE_HOST is not set")


async def metrics(live: str) -> dict[str, float]:
    settings = load_settings(database_url=live, secret_key=SECRET_KEY)
    async with variant(settings) as app, connect_to(app) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    samples = [line.rsplit(" ", 1) for line in lines if line.startswith("restore_drill_")]
    return {name.removeprefix("restore_drill_last_"): float(value) for name, value in samples}


async def test_prometheus_learns_when_a_restore_last_went_well(
    live: str, restore: Restore, run_drill: RunDrill
) -> None:
    never = await metrics(live)
    assert never == {
        "run_timestamp_seconds": 0,
        "success_timestamp_seconds": 0,
        "recovery_point_timestamp_seconds": 0,
    }
    good = await run_drill(await restore(hours_old=2))
    found = await metrics(live)
    assert found["success_timestamp_seconds"] == found["run_timestamp_seconds"] == good.finished_at.timestamp()
    assert found["duration_seconds"] == pytest.approx((good.finished_at - good.started_at).total_seconds())
    assert found["missing_seconds"] == pytest.approx(3600, abs=60)
    assert found["recovery_point_timestamp_seconds"] < datetime.now(UTC).timestamp() - 4 * 3600
    assert (found['outcome{outcome="success"}'], found['outcome{outcome="failure"}']) == (1, 0)

    bad = await run_drill(NOWHERE, restore_seconds=1)
    found = await metrics(live)
    assert found["success_timestamp_seconds"] == good.finished_at.timestamp()
    assert found["run_timestamp_seconds"] == bad.finished_at.timestamp()
    assert (found['outcome{outcome="success"}'], found['outcome{outcome="failure"}']) == (0, 1)
    assert "missing_seconds" not in found


async def test_metrics_come_out_while_the_database_is_away() -> None:
    settings = load_settings(database_url=NOWHERE, secret_key=SECRET_KEY)
    async with variant(settings) as app, connect_to(app) as client:
        response: httpx.Response = await client.get("/metrics")
    assert response.status_code == 200
    assert "restore_drill_last_success_timestamp_seconds 0.0" in response.text
