#!/bin/bash
# Lays the newest backup of server RESTORE_FROM into PGDATA; the server that starts there recovers from its WAL.
set -euo pipefail

rm -rf "$PGDATA.new"
mkdir -p "$(dirname "$PGDATA")"
barman-cloud-restore "$BACKUP_DESTINATION" "$RESTORE_FROM" auto "$PGDATA.new"
chmod 700 "$PGDATA.new"
touch "$PGDATA.new/recovery.signal"
mv "$PGDATA.new" "$PGDATA"
