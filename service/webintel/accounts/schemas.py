"""What the API takes and gives about people and their credentials."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from webintel.accounts.roles import Permission, Role

Email = Annotated[str, Meta(max_length=254, pattern=r"^[!-?A-~]{1,64}@[!-?A-~]{1,189}$", examples=["ada@shop.example"])]
Password = Annotated[str, Meta(min_length=12, max_length=256, description="At least 12 characters.")]
Name = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """Who is signing in."""

    email: Annotated[str, Meta(max_length=254, pattern=r"^[^\x00]*$", examples=["ada@shop.example"])]
    password: Annotated[str, Meta(max_length=256)]


class RefreshRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The newest refresh token of a sign-in."""

    refresh_token: Annotated[str, Meta(max_length=256)]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What signing in gives."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    """Seconds until the access token expires."""
    refresh_token: str
    """Good for one use: each refresh gives a new one, and the old one is good for moments more."""
    refresh_expires_in: int


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A person."""

    id: UUID
    email: str
    name: str
    role: Role
    is_active: bool
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Me(UserView, frozen=True, kw_only=True):
    """The caller, and what the caller may do."""

    permissions: list[Permission]


class NewUser(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A person to add."""

    email: Email
    password: Password
    role: Role = Role.VIEWER
    name: Name = ""


class UserChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What to change about a person; what is left out stays."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new password of one's own."""

    current_password: Annotated[str, Meta(max_length=256)]
    new_password: Password


class NewApiKey(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A key to make."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]+$", examples=["nightly export"])]
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    """None for a key that lives until it is revoked."""


class ApiKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without the key itself."""

    id: UUID
    user_id: UUID
    name: str
    prefix: str
    """The key's first characters, to tell it apart."""
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


class CreatedApiKey(ApiKeyView, frozen=True, kw_only=True):
    """A new key; this is the only time that it is shown."""

    key: str
