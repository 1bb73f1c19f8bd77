#!/bin/bash
# Leaves a data directory that the server can start on: the one that is there, one restored from a backup if
# RESTORE_FROM names a server of the archive, or a new one. A step that is interrupted starts over.
set -euo pipefail
here=$(dirname "$0")

# Statements reach the server by standard input, so that no password is in an argument.
run_sql() {
  postgres --single -j -D "$1" -c config_file="$here/postgresql.conf" -c hba_file="$here/pg_hba.conf" \
    -c ident_file="$here/pg_ident.conf" -c exit_on_error=on -c log_min_error_statement=panic postgres >/dev/null
}

set_password() {
  printf "ALTER ROLE %s PASSWORD '%s';\n\n" "$1" "${2//\'/\'\'}"
}

# Which archive this volume's data belongs to.
archived_as=$(dirname "$PGDATA")/archived-as
if [ -n "${BACKUP_SERVER:-}" ] && [ -s "$PGDATA/PG_VERSION" ] && [ -s "$archived_as" ] \
  && [ "$(cat "$archived_as")" != "$BACKUP_SERVER" ]; then
  printf '%s\n' "The data on this volume is archived as $(cat "$archived_as"), and BACKUP_SERVER says $BACKUP_SERVER." \
    "To restore onto a new volume, run playbooks/restore.yml; to keep this one, take BACKUP_SERVER back in git." >&2
  exit 1
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA" "$PGDATA.new"
  mkdir -p "$(dirname "$PGDATA")"

  # Two histories in one archive would spoil both. After a loss, restore under a new BACKUP_SERVER.
  if [ -n "${BACKUP_SERVER:-}" ]; then
    barman-cloud-check-wal-archive "$BACKUP_DESTINATION" "$BACKUP_SERVER"
  fi

  if [ -n "${RESTORE_FROM:-}" ]; then
    bash "$here/restore.sh"
  else
    initdb --pgdata="$PGDATA.new" --username=postgres --data-checksums --encoding=UTF8 --no-instructions \
      --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C --auth-local=peer --auth-host=scram-sha-256
    printf 'CREATE ROLE wip LOGIN;\n\nCREATE DATABASE web_intelligence OWNER wip;\n\n' | run_sql "$PGDATA.new"
    mv "$PGDATA.new" "$PGDATA"
  fi
fi

# A backup that still has to be recovered takes no statements: its roles are what they were.
if [ ! -e "$PGDATA/recovery.signal" ]; then
  {
    cat "$here/roles.sql"
    set_password wip "$WIP_PASSWORD"
    if [ -n "${BACKUP_PASSWORD:-}" ]; then
      set_password backup "$BACKUP_PASSWORD"
    fi
  } | run_sql "$PGDATA"
fi

if [ -n "${BACKUP_SERVER:-}" ]; then
  printf '%s\n' "$BACKUP_SERVER" >"$archived_as"
fi
