#!/bin/bash
# Lays a backup of server RESTORE_FROM into PGDATA: the newest, or the newest that was complete before RESTORE_TIME.
# The server that starts there recovers from its WAL, to the end or to RESTORE_TIME.
set -euo pipefail

target=()
if [ -n "${RESTORE_TIME:-}" ]; then
  target=(--target-time "$RESTORE_TIME")
fi

rm -rf "$PGDATA.new"
mkdir -p "$(dirname "$PGDATA")"
barman-cloud-restore "${target[@]}" "$BACKUP_DESTINATION" "$RESTORE_FROM" auto "$PGDATA.new"
chmod 700 "$PGDATA.new"

# The target of an earlier restore is in the backups that came after it.
settings=$PGDATA.new/postgresql.auto.conf
sed -i '/^recovery_target/d' "$settings"
if [ -n "${RESTORE_TIME:-}" ]; then
  # PostgreSQL knows no names of time zones yet when it reads this, and Z is one.
  printf "recovery_target_time = '%s'\nrecovery_target_action = 'promote'\n" "${RESTORE_TIME/%Z/+00:00}" >>"$settings"
fi
touch "$PGDATA.new/recovery.signal"
mv "$PGDATA.new" "$PGDATA"
