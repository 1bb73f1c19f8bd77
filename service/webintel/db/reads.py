"""Reads that many requests make: written with SQLAlchemy, compiled once, run by asyncpg itself."""

from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, literal_column
from sqlalchemy.dialects.postgresql.asyncpg import dialect

_DIALECT = dialect()  # type: ignore[no-untyped-call]


class Compiled:
    """A statement whose values are named with `bindparam`; what is known beforehand stands in it.

    Attributes:
        sql: as PostgreSQL gets it.
    """

    def __init__(self, statement: Executable) -> None:
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._known = {name: value for name, value in compiled.params.items() if value is not None}
        self._names = tuple(compiled.positiontup or ())

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """Put values into the order in which the statement has them."""
        known = self._known
        return [values[name] if name in values else known[name] for name in self._names]


class Read(Compiled):
    """A SELECT, outside any transaction."""

    def __init__(self, statement: Select[Any]) -> None:
        super().__init__(statement)


def at_most(rows: int) -> ColumnElement[int]:
    """Write a LIMIT into the statement itself: with a parameter PostgreSQL would plan it anew each time."""
    return literal_column(str(rows))
