#!/bin/bash
# One base backup of the running server, a look whether it is there, then away with what no second of the last 30 days needs.
set -euo pipefail

name=backup-$(date --utc +%Y%m%dT%H%M%SZ)
barman-cloud-backup --gzip --encryption AES256 --immediate-checkpoint --name "$name" "$BACKUP_DESTINATION" "$BACKUP_SERVER"
barman-cloud-backup-show "$BACKUP_DESTINATION" "$BACKUP_SERVER" "$name"
barman-cloud-backup-delete --retention-policy "RECOVERY WINDOW OF 30 DAYS" "$BACKUP_DESTINATION" "$BACKUP_SERVER"
