"""Whether a database can serve us."""

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from webintel.db.revision import head_revision

UNREACHABLE = "database unreachable"
READ_ONLY = "database is read-only"
NOT_MIGRATED = "database not migrated"

_STATE = text("SELECT current_setting('transaction_read_only') = 'on', (SELECT max(version_num) FROM alembic_version)")
_UNDEFINED_TABLE = "42P01"


async def why_unusable(connection: AsyncConnection) -> str | None:
    """Say, for one round trip, why the database cannot serve us; none where it can.

    A standby is read-only, as is a server that was told so by `default_transaction_read_only`.
    """
    try:
        read_only, revision = (await connection.execute(_STATE)).one()
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _UNDEFINED_TABLE:
            raise
        return NOT_MIGRATED
    # A newer schema is fine: migrations run before the rollout, and old processes keep serving through it.
    if (revision or "") < head_revision():
        return NOT_MIGRATED
    return READ_ONLY if read_only else None
