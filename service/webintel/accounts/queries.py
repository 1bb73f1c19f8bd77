"""Reads about people and their credentials."""

import functools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, Select, bindparam, or_, select, update

from webintel.accounts.models import ApiKey, User
from webintel.accounts.roles import PERMISSIONS, Role
from webintel.accounts.schemas import ApiKeyView, Me, UserView
from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.db import Database
from webintel.db.reads import Read
from webintel.problems import NotFound

_NEWEST_FIRST = "-created_at"
_USER_COLUMNS = (
    User.id,
    User.email,
    User.name,
    User.role,
    User.is_active,
    User.last_login_at,
    User.created_at,
    User.updated_at,
)
_KEY_COLUMNS = (
    ApiKey.id,
    ApiKey.user_id,
    ApiKey.name,
    ApiKey.prefix,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.last_used_at,
    ApiKey.created_at,
)
_LAST_USE_PRECISION = timedelta(minutes=1)
_CALLER_COLUMNS = (User.id.label("user_id"), User.email, User.role, User.token_version)
_CALLER_BY_ID = Read(select(*_CALLER_COLUMNS).where(User.id == bindparam("user_id"), User.is_active))
_CALLER_BY_KEY = Read(
    select(*_CALLER_COLUMNS, ApiKey.id.label("api_key_id"))
    .join(ApiKey, ApiKey.user_id == User.id)
    .where(
        ApiKey.key_hash == bindparam("key_hash"),
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > bindparam("now")),
        User.is_active,
    )
)


class Caller(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Whoever makes a request."""

    user_id: UUID
    email: str
    role: Role
    token_version: int
    api_key_id: UUID | None = None

    @functools.cached_property
    def limit_key(self) -> str:
        """Whose requests are counted together."""
        return f"key:{self.api_key_id}" if self.api_key_id else f"user:{self.user_id}"


class AccountQueries:
    """Reads, each in a statement of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def user(self, user_id: UUID) -> UserView:
        """Give one person.

        Raises:
            NotFound: there is no such person.
        """
        row = await self._one(select(*_USER_COLUMNS).where(User.id == user_id))
        if row is None:
            raise NotFound("There is no user with this id.")
        return _user_view(row)

    async def me(self, user_id: UUID) -> Me:
        """Give one person together with what the person may do."""
        user = await self.user(user_id)
        return Me(**msgspec.structs.asdict(user), permissions=sorted(PERMISSIONS[user.role]))

    async def users(self, limit: int, cursor_text: str | None) -> Page[UserView]:
        """List people, newest first."""
        statement = select(*_USER_COLUMNS).order_by(User.id.desc()).limit(limit + 1)
        if cursor := read_cursor(cursor_text, _NEWEST_FIRST):
            statement = statement.where(User.id < cursor.id)
        users = [_user_view(row) for row in await self._all(statement)]
        return make_page(users, limit, lambda user: Cursor(_NEWEST_FIRST, None, user.id))

    async def api_keys(self, user_id: UUID, limit: int, cursor_text: str | None) -> Page[ApiKeyView]:
        """List a person's keys, newest first."""
        statement = select(*_KEY_COLUMNS).where(ApiKey.user_id == user_id).order_by(ApiKey.id.desc()).limit(limit + 1)
        if cursor := read_cursor(cursor_text, _NEWEST_FIRST):
            statement = statement.where(ApiKey.id < cursor.id)
        keys = [ApiKeyView(**row) for row in await self._all(statement)]
        return make_page(keys, limit, lambda key: Cursor(_NEWEST_FIRST, None, key.id))

    async def caller_by_id(self, user_id: UUID) -> Caller | None:
        """Give the active person of an access token."""
        row = await self._database.row(_CALLER_BY_ID, user_id=user_id)
        return _caller(row) if row else None

    async def caller_by_key(self, key_hash: bytes) -> Caller | None:
        """Give the active owner of a living API key, and note that the key is in use."""
        now = datetime.now(UTC)
        row = await self._database.row(_CALLER_BY_KEY, key_hash=key_hash, now=now)
        if row is None:
            return None
        async with self._database.reading() as connection:
            await connection.execute(
                update(ApiKey)
                .where(
                    ApiKey.id == row["api_key_id"],
                    or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - _LAST_USE_PRECISION),
                )
                .values(last_used_at=now, updated_at=ApiKey.updated_at)
            )
        return _caller(row)

    async def _one(self, statement: Select[Any]) -> RowMapping | None:
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).mappings().one_or_none()

    async def _all(self, statement: Select[Any]) -> list[RowMapping]:
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).mappings())


def _user_view(row: RowMapping) -> UserView:
    return UserView(**{**row, "role": Role(row["role"])})


def _caller(row: Any) -> Caller:
    return Caller(**{**row, "role": Role(row["role"])})
