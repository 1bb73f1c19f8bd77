"""The scripts of the StatefulSet form, with a real PostgreSQL, a real barman-cloud and an S3 on loopback."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.backups.conftest import BACKUP_PASSWORD, PASSWORD, RECOVER, ROWS, Lost, Place, Server, free_port, take_backup

StartServer = Callable[..., Server]


def test_a_lost_volume_comes_back_with_every_archived_row(lost: Lost, recovered: Server) -> None:
    assert recovered.sql(ROWS) == lost.rows
    assert recovered.sql("SELECT pg_is_in_recovery()") == "f"


def test_the_recovered_server_archives_under_its_new_name(place: Place, recovered: Server) -> None:
    old = place.store.keys("staging/postgres/")
    recovered.archive()
    assert place.store.keys("staging/postgres-2/wals/")
    assert place.store.keys("staging/postgres/") == old


def test_the_drill_restores_every_archived_row_and_writes_nothing_to_the_archive(
    place: Place, lost: Lost, recovered: Server, new_server: StartServer
) -> None:
    before = place.store.keys("staging/postgres/")
    port = free_port()
    pod = place.pod("CronJob", "restore-drill", live=recovered.port, restored=port)
    restored = pod.run("restore")
    assert restored.returncode == 0, restored.stdout
    server = new_server(pod, port=port)
    drill = pod.run_ours("drill")

    assert drill.returncode == 0, drill.stderr
    assert recovered.sql("SELECT outcome, rows_read > 0 FROM restore_drills") == "success|t"
    assert server.sql(ROWS) == lost.rows
    assert server.sql("SHOW archive_mode") == "off"
    assert server.sql("SHOW listen_addresses") == "127.0.0.1"
    server.stop()
    assert place.store.keys("staging/postgres/") == before


def test_an_empty_volume_is_not_taken_for_a_new_database_where_there_is_an_archive(place: Place, lost: Lost) -> None:
    pod = place.pod("StatefulSet", "postgres")
    refused = pod.run("prepare")
    assert refused.returncode != 0
    assert "Expected empty archive" in refused.stdout
    assert not list(pod.volume("data").rglob("PG_VERSION"))


def test_an_archive_is_not_continued_by_the_server_that_is_restored_from_it(place: Place, lost: Lost) -> None:
    pod = place.pod("StatefulSet", "postgres")
    pod.settings |= {"RESTORE_FROM": RECOVER["RESTORE_FROM"]}
    refused = pod.run("prepare")
    assert refused.returncode != 0
    assert "Expected empty archive" in refused.stdout


def test_a_volume_whose_data_is_archived_elsewhere_is_refused_and_kept(place: Place, new_server: StartServer) -> None:
    pod = place.pod("StatefulSet", "postgres")
    pod.settings |= {"BACKUP_SERVER": "kept"}
    assert pod.run("prepare").returncode == 0
    refused_as = {"BACKUP_SERVER": "kept-2", "RESTORE_FROM": "kept"}
    kept = dict(pod.settings)
    pod.settings |= refused_as
    refused = pod.run("prepare")
    assert refused.returncode == 1
    assert "archived as kept, and BACKUP_SERVER says kept-2" in refused.stdout
    assert "run playbooks/restore.yml" in refused.stdout
    assert not place.store.keys("staging/kept-2/")
    pod.settings = kept
    assert pod.run("prepare").returncode == 0
    assert new_server(pod).sql("SELECT 1") == "1"


def test_a_time_is_restored_and_the_next_restore_does_not_stop_there(place: Place, new_server: StartServer) -> None:
    pod = place.pod("StatefulSet", "postgres")
    pod.settings |= {"BACKUP_SERVER": "timed"}
    assert pod.run("prepare").returncode == 0
    server = new_server(pod)
    server.sql("CREATE TABLE notes (text text)")
    server.sql("INSERT INTO notes VALUES ('before the backup')")
    assert take_backup(place, server, BACKUP_SERVER="timed").returncode == 0
    server.sql("INSERT INTO notes VALUES ('wanted')")
    time = server.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    server.sql("INSERT INTO notes VALUES ('regretted')")
    # A later backup, which holds too much already.
    assert take_backup(place, server, BACKUP_SERVER="timed").returncode == 0
    server.sql("DELETE FROM notes")
    server.archive()
    server.lose()

    again = place.pod("StatefulSet", "postgres")
    again.settings |= {"RESTORE_FROM": "timed", "RESTORE_TIME": time, "BACKUP_SERVER": "timed-2"}
    prepared = again.run("prepare")
    assert prepared.returncode == 0, prepared.stdout
    restored = new_server(again)
    assert restored.sql("SELECT string_agg(text, ', ') FROM notes") == "before the backup, wanted"
    assert restored.sql("SELECT pg_is_in_recovery()") == "f"

    assert take_backup(place, restored, BACKUP_SERVER="timed-2").returncode == 0
    restored.sql("INSERT INTO notes VALUES ('later')")
    restored.archive()
    restored.lose()
    last = place.pod("StatefulSet", "postgres")
    last.settings |= {"RESTORE_FROM": "timed-2", "BACKUP_SERVER": "timed-3"}
    assert last.run("prepare").returncode == 0
    assert new_server(last).sql("SELECT string_agg(text, ', ') FROM notes") == "before the backup, wanted, later"


def test_a_time_before_the_first_backup_is_refused_and_leaves_nothing(place: Place, lost: Lost) -> None:
    pod = place.pod("StatefulSet", "postgres")
    pod.settings |= RECOVER | {"BACKUP_SERVER": "early", "RESTORE_TIME": "2020-01-01T00:00:00Z"}
    refused = pod.run("prepare")
    assert refused.returncode != 0
    assert not list(pod.volume("data").rglob("PG_VERSION"))


def test_an_interrupted_first_start_begins_again(place: Place) -> None:
    pod = place.pod("StatefulSet", "postgres", cluster="local")
    half_made = pod.volume("data") / "18" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    for path in (half_made.parent, half_made, half_made / "PG_VERSION"):
        place.account.give(path)

    prepared = pod.run("prepare")
    assert prepared.returncode == 0, prepared.stdout
    assert (half_made.with_name("data") / "PG_VERSION").exists()
    assert not half_made.exists()


def test_a_cluster_without_a_place_for_backups_has_a_database_all_the_same(
    place: Place, new_server: StartServer
) -> None:
    pod = place.pod("StatefulSet", "postgres", cluster="local")
    assert pod.run("prepare").returncode == 0
    server = new_server(pod)
    assert server.sql("SHOW archive_mode") == "off"
    server.sql("CREATE TABLE notes ()")
    server.stop()

    # The next start keeps what is there, and takes a changed password over.
    pod.settings |= {"WIP_PASSWORD": "new"}
    assert pod.run("prepare").returncode == 0
    server = new_server(pod, password="new")
    assert server.sql("SELECT count(*) FROM notes") == "0"
    assert "password authentication failed" in server.sql("SELECT 1", password=PASSWORD, check=False)


def test_what_each_role_may(recovered: Server) -> None:
    def refusal(**options: str) -> str:
        return recovered.sql("SELECT 1", check=False, **options)

    assert recovered.sql("SELECT datdba::regrole FROM pg_database WHERE datname = current_database()") == "wip"
    assert recovered.administer("SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper") == "postgres"
    assert recovered.administer("SHOW data_checksums") == "on"
    assert "permission denied" in recovered.sql("COPY notes TO PROGRAM 'true'", check=False)
    assert "no pg_hba.conf entry" in refusal(user="postgres", database="postgres")
    assert "no pg_hba.conf entry" in refusal(user="backup", password=BACKUP_PASSWORD)
    assert "password authentication failed" in refusal(password="wrong")


def test_no_password_is_said(lost: Lost) -> None:
    assert lost.log
    assert PASSWORD not in lost.log
    assert BACKUP_PASSWORD not in lost.log


def test_what_no_second_of_the_last_thirty_days_needs_goes_with_a_backup(place: Place, recovered: Server) -> None:
    store = place.store
    (info,) = [key for key in store.keys("staging/postgres/base/") if key.endswith("/backup.info")]
    folder = info.removesuffix("/backup.info")
    for days in (70, 40, 20):
        then = datetime.now(UTC) - timedelta(days=days)
        for key in store.keys(f"{folder}/"):
            content = store.read(key)
            if key == info:
                content = re.sub(rb"(?m)^(begin|end)_time=.*$", rb"\1_time=%s" % then.isoformat(" ").encode(), content)
            store.write(key.replace(folder, f"staging/aged/base/{then:%Y%m%dT%H%M%S}"), content)

    done = take_backup(place, recovered, BACKUP_SERVER="aged")
    assert done.returncode == 0, done.stdout
    kept = {re.search(r"/base/(\d{8})T", key)[1] for key in store.keys("staging/aged/base/")}  # type: ignore[index]
    assert kept == {f"{datetime.now(UTC) - timedelta(days=days):%Y%m%d}" for days in (40, 20, 0)}
