"""The database: connections, sessions, migrations, and the embedded server."""

from webintel.db.engine import Database, create_database

__all__ = ["Database", "create_database"]
