"""The database: connections, sessions, migrations, and the embedded server."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webintel.db.engine import Database, create_database

__all__ = ["Database", "create_database"]


def __getattr__(name: str) -> Any:
    """Load connections when they are asked for: `up` starts the server before the two seconds that they take."""
    if name in __all__:
        from webintel.db import engine  # noqa: PLC0415

        return getattr(engine, name)
    raise AttributeError(name)
