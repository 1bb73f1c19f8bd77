"""A backup that can be relied on passes; one that cannot is told apart by the sentence that says why."""

import socket
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.service.conftest import MakeDatabase
from tests.service.drill.conftest import HOURS_AGO, Restore, RunDrill, drill, execute, recorded
from tests.service.second_server import copy_of, own_server
from webintel.db.embedded import EmbeddedServer
from webintel.db.engine import driver_dsn
from webintel.db.migrate import head_revision, migrate
from webintel.drill.errors import DrillError
from webintel.drill.models import Outcome
from webintel.drill.services import KEPT
from webintel.settings import load_settings

ROWS = 4 * len(HOURS_AGO)


async def test_a_faithful_copy_passes_and_is_written_down(live: str, restore: Restore, run_drill: RunDrill) -> None:
    before = datetime.now(UTC)
    await run_drill(await restore())
    (row,) = await recorded(live)
    assert (row["outcome"], row["failure"]) == ("success", None)
    assert (row["rows_read"], row["missing_seconds"]) == (ROWS, 0)
    assert before <= row["started_at"] <= row["finished_at"] <= datetime.now(UTC)
    newest = before - timedelta(hours=min(HOURS_AGO))
    assert abs(row["recovery_point"] - newest) < timedelta(minutes=5)


async def test_a_backup_may_lack_the_latest_hours_only(live: str, restore: Restore, run_drill: RunDrill) -> None:
    within = await run_drill(await restore(hours_old=15))
    assert within.outcome == Outcome.SUCCESS
    assert within.missing_seconds == pytest.approx(10 * 3600, abs=300)
    beyond = await run_drill(await restore(hours_old=40))
    assert beyond.outcome == Outcome.FAILURE
    assert beyond.failure is not None
    assert "too old" in beyond.failure
    assert "the last 30.0 hours; at most 26.0 hours are allowed" in beyond.failure
    assert [row["outcome"] for row in await recorded(live)] == ["success", "failure"]


async def test_an_old_backup_of_a_platform_on_which_nothing_happened_lacks_nothing(
    live: str, restore: Restore, run_drill: RunDrill
) -> None:
    for table in ("jobs", "blueprints", "sites", "users"):
        await execute(live, f"DELETE FROM {table} WHERE created_at > now() - interval '40 hours'")  # noqa: S608
    done = await run_drill(await restore())
    assert (done.outcome, done.missing_seconds) == (Outcome.SUCCESS, 0)


async def test_what_was_deleted_since_is_not_missed(live: str, restore: Restore, run_drill: RunDrill) -> None:
    restored = await restore(hours_old=2)
    await execute(live, "DELETE FROM sites WHERE domain = 'shop72.example'")
    assert (await run_drill(restored)).outcome == Outcome.SUCCESS


async def test_a_schema_without_rows_is_empty(restore: Restore, run_drill: RunDrill) -> None:
    done = await run_drill(await restore(hours_old=1000))
    assert done.failure is not None
    assert done.failure.startswith("The restored database is empty, while the live one has 8 rows in ")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("DELETE FROM sites WHERE domain IN ('shop72.example', 'shop48.example')",
         r": 2 of 7 rows that are older than the recovery point \(.* UTC\) did not come back\."),
        ("DELETE FROM users", r"^users: 7 of 7 rows .* did not come back\."),
        ("UPDATE blueprints SET content = '{}' WHERE confidence_score = 0.5", "8 of 8 blueprints came back changed"),
        ("UPDATE blueprints SET content = content || '{\"a\": 1}' WHERE content @> '{\"domain\": \"shop48.example\"}'",
         "1 of 8 blueprints came back changed"),
        ("DROP TABLE api_keys", "lacks tables: api_keys"),
        ("DROP TABLE jobs", "lacks tables: jobs"),
        ("DROP TABLE alembic_version", "no schema of ours"),
        ("UPDATE alembic_version SET version_num = '9999'", f"is at revision 9999, the live one at {head_revision()}"),
    ],
)  # fmt: skip
async def test_what_did_not_come_back_is_named(
    live: str, restore: Restore, run_drill: RunDrill, damage: str, sentence: str
) -> None:
    restored = await restore()
    # The newest rows of what is damaged stay, so that it is the damage that is found.
    await execute(restored, damage)
    done = await run_drill(restored)
    assert done.outcome == Outcome.FAILURE
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(done.failure)
    assert [row["failure"] for row in await recorded(live)] == [done.failure]


async def test_half_a_copy_fails(restore: Restore, run_drill: RunDrill) -> None:
    done = await run_drill(await restore(without="jobs"))
    assert done.failure is not None
    assert done.failure.startswith("jobs: 7 of 7 rows")


async def test_a_backup_from_before_the_last_migration_passes(restore: Restore, run_drill: RunDrill) -> None:
    restored = await restore()
    await migrate(load_settings(database_url=restored), "0001")
    assert (await run_drill(restored)).outcome == Outcome.SUCCESS


async def test_rows_that_cannot_be_read_are_found(
    restore: Restore, run_drill: RunDrill, other_server: EmbeddedServer
) -> None:
    restored = await restore()
    connection = await asyncpg.connect(driver_dsn(restored))
    path = await connection.fetchval("SELECT pg_relation_filepath('blueprints')")
    await connection.close()
    other_server.stop()
    with (other_server.data_dir / "postgres" / path).open("r+b") as file:
        file.seek(8000)
        file.write(b"\xff" * 100)
    other_server.start()
    done = await run_drill(restored)
    assert done.failure is not None
    assert done.failure.startswith("The restored database: blueprints cannot be read (invalid page")


async def test_the_live_database_is_no_backup_of_itself(live: str, run_drill: RunDrill) -> None:
    done = await run_drill(live)
    assert done.failure == "The address of the restored database leads to the live one."


async def test_recovery_is_waited_for_and_a_replica_is_no_backup(run_drill: RunDrill, said: list[str]) -> None:
    with own_server() as original:
        await migrate(load_settings(database_url=original.url))
        with copy_of(original, follow=True) as replica:
            done = await run_drill(replica.url, restore_seconds=60)
    assert done.failure is not None
    assert "a streaming replica" in done.failure
    assert any("still in recovery" in line for line in said)


async def test_a_server_that_is_not_there_or_says_nothing_ends_the_wait(run_drill: RunDrill) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (1, silent.getsockname()[1]):
            url = f"postgresql://wip:hidden@127.0.0.1:{port}/web_intelligence"
            done = await run_drill(url, restore_seconds=1)
            assert done.failure is not None
            assert f"was not there in time: postgresql://wip:***@127.0.0.1:{port}/web_intelligence" in done.failure
            assert "hidden" not in done.failure
            assert done.recovery_point is None


async def test_a_server_that_stops_answering_ends_the_checks(live: str, restore: Restore, run_drill: RunDrill) -> None:
    restored = await restore()
    blocker = await asyncpg.connect(driver_dsn(restored))
    await blocker.execute("BEGIN; LOCK TABLE sites IN ACCESS EXCLUSIVE MODE")
    done = await run_drill(restored, check_seconds=1)
    await blocker.close()
    assert done.outcome == Outcome.FAILURE
    assert done.failure is not None
    assert "not through after 1 seconds" in done.failure or "sites cannot be read" in done.failure


async def test_a_database_that_nobody_knows_is_named(other_server: EmbeddedServer, run_drill: RunDrill) -> None:
    url = make_url(other_server.url).set(database="no_such_database").render_as_string(hide_password=False)
    done = await run_drill(url, restore_seconds=1)
    assert done.failure is not None
    assert 'database "no_such_database" does not exist' in done.failure


async def test_without_a_live_database_nothing_is_proved(
    live: str, restore: Restore, make_database: MakeDatabase, said: list[str]
) -> None:
    restored = await restore()
    nowhere = "postgresql://wip:hidden@127.0.0.1:1/web_intelligence"
    empty = await make_database()
    await execute(live, f'ALTER DATABASE "{make_url(live).database}" SET default_transaction_read_only = on')
    for url, reason in ((nowhere, "live database"), (empty, "not migrated"), (live, "read-only")):
        with pytest.raises(DrillError, match=reason) as refusal:
            await drill(url, restored, said.append).run()
        assert "hidden" not in str(refusal.value)


async def test_old_drills_are_forgotten_but_not_the_last_success(
    live: str, restore: Restore, run_drill: RunDrill
) -> None:
    insert = (
        "INSERT INTO restore_drills (id, created_at, updated_at, started_at, finished_at, outcome, failure) "
        "SELECT gen_random_uuid(), now(), now(), now() - n * interval '1 day', now() - n * interval '1 day', "
    )
    await execute(
        live,
        f"{insert} 'failure', 'broken' FROM generate_series(1, {KEPT + 50}) n",
        f"{insert} 'success', NULL FROM generate_series(999, 1000) n",
    )
    await run_drill("postgresql://wip@127.0.0.1:1/web_intelligence", restore_seconds=1)
    rows = await recorded(live)
    assert len(rows) == KEPT + 1
    assert [row["outcome"] for row in rows].count("success") == 1
    assert rows[0]["outcome"] == "success"
