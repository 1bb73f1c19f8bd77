"""People and their API keys, as the API gives them."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

ROLES = {
    "viewer": "Viewer: reads",
    "scraper_engineer": "Scraper engineer: reads, runs jobs, rolls back blueprints",
    "product_lead": "Product lead: that, and adds and changes sites",
    "admin": "Admin: everything, people too",
}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an account."""

    id: UUID
    email: str
    name: str
    role: str
    is_active: bool
    last_login_at: datetime | None
    created_at: datetime

    @property
    def called(self) -> str:
        """How to name this person."""
        return self.name or self.email


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without the key itself."""

    id: UUID
    name: str
    prefix: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    @property
    def state(self) -> str:
        """Whether it can be used."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= datetime.now(UTC) else "active"


class CreatedApiKey(ApiKey, frozen=True, kw_only=True):
    """A new key, in clear this once."""

    key: str
