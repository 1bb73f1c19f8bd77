#!/bin/bash
# One base backup of the running server, then away with what no second of the last 30 days needs.
set -euo pipefail

barman-cloud-backup --gzip --encryption AES256 --immediate-checkpoint "$BACKUP_DESTINATION" "$BACKUP_SERVER"
barman-cloud-backup-delete --retention-policy "RECOVERY WINDOW OF 30 DAYS" "$BACKUP_DESTINATION" "$BACKUP_SERVER"
