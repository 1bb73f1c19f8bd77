"""People, as the API gives them."""

from uuid import UUID

import msgspec


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What signing in gives."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is looking at the page, and what this person may do."""

    id: UUID
    email: str
    name: str
    role: str
    permissions: frozenset[str]

    @property
    def called(self) -> str:
        """How to greet."""
        return self.name or self.email

    def may(self, permission: str) -> bool:
        """Whether the role includes something."""
        return permission in self.permissions
