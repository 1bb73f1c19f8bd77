"""Signing in to PostgreSQL, also while the password of our role is changed."""

from typing import Any

import asyncpg


class Login:
    """The passwords that a server may ask for: its role has one, and during a rotation nobody knows which."""

    def __init__(self, dsn: str, password: str | None, other: str | None) -> None:
        self._dsn = dsn
        self._passwords = [password, *([other] if other and other != password else [])]

    @property
    def accepted(self) -> str | None:
        """The password that the server took last; before the first connection, that of the settings."""
        return self._passwords[0]

    async def connect(self, *_: object, **arguments: Any) -> Any:
        """Connect as `asyncpg.connect` does; also for its pool, which gives the address once more.

        Raises:
            asyncpg.InvalidPasswordError: the server takes none of them.
        """
        *doubtful, last = self._attempts()
        for password in doubtful:
            try:
                return self._note(password, await asyncpg.connect(self._dsn, **arguments | {"password": password}))
            except asyncpg.InvalidPasswordError:
                continue
        return self._note(last, await asyncpg.connect(self._dsn, **arguments | {"password": last}))

    def do_connect(self, dialect: Any, _record: object, _positional: object, named: dict[str, Any]) -> Any:
        """Connect for SQLAlchemy, as its event of this name, inside its greenlet."""
        *doubtful, last = self._attempts()
        for password in doubtful:
            try:
                return self._note(password, dialect.connect(**named | {"password": password}))
            except asyncpg.InvalidPasswordError:
                continue
        return self._note(last, dialect.connect(**named | {"password": last}))

    def _attempts(self) -> list[str | None]:
        """The one that was taken last, the other, and the first again: the change may fall between two attempts."""
        return self._passwords if len(self._passwords) == 1 else [*self._passwords, self._passwords[0]]

    def _note(self, password: str | None, connection: Any) -> Any:
        self._passwords.sort(key=lambda known: known != password)
        return connection
