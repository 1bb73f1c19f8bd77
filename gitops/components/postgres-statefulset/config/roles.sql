DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'backup') THEN
    CREATE ROLE backup LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitoring') THEN
    CREATE ROLE monitoring LOGIN;
  END IF;
END
$$;

GRANT pg_read_all_settings, pg_read_all_stats, pg_checkpoint TO backup;

GRANT EXECUTE ON FUNCTION
  pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(), pg_create_restore_point(text)
TO backup;

GRANT pg_monitor TO monitoring;

