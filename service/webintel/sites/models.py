"""The table of sites."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from advanced_alchemy.types import DateTimeUTC
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webintel.db.base import Base


class SiteStatus(StrEnum):
    """How far the platform has come with a site."""

    PENDING = "pending"
    FINGERPRINTED = "fingerprinted"
    READY = "ready"
    REVIEW = "review"
    FAILED = "failed"


_STATUSES = ", ".join(f"'{status}'" for status in SiteStatus)


class Site(Base):
    """A site, known by its domain."""

    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("business_value_score BETWEEN 0 AND 1", name="business_value_score"),
        CheckConstraint("complexity_score BETWEEN 0 AND 1", name="complexity_score"),
        CheckConstraint("priority BETWEEN 0 AND 100", name="priority"),
        # One host must not be visited as two sites: `www.` is the same one, which nearly always redirects to the other.
        Index("uq_sites_host", text(r"regexp_replace(domain, '^www\.', '')"), unique=True),
        Index("ix_sites_status_id", "status", "id"),
        Index("ix_sites_platform_id", "platform", "id"),
        Index("ix_sites_updated_at_id", "updated_at", "id"),
        Index("ix_sites_business_value_score_id", text("coalesce(business_value_score, -1)"), text("id")),
        Index("ix_sites_last_discovered_at", "last_discovered_at"),
    )

    domain: Mapped[str] = mapped_column(String(253), unique=True)
    """In ASCII, as DNS has it."""
    domain_unicode: Mapped[str] = mapped_column(String(253))
    """As its owner writes it; the same as `domain` unless the name is international."""
    platform: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(32), default=SiteStatus.PENDING)
    fingerprint: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    complexity_score: Mapped[float | None]
    business_value_score: Mapped[float | None]
    priority: Mapped[int] = mapped_column(default=50)
    """0 to 100, higher is sooner; its jobs inherit it."""
    notes: Mapped[str | None] = mapped_column(Text)
    blueprint_version: Mapped[int | None]
    """The newest version; none before the first."""
    discovery_method: Mapped[str | None] = mapped_column(String(16))
    last_discovered_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    revision: Mapped[int] = mapped_column(default=1)
    """Goes up with every change; the ETag is made of it."""

    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012 - SQLAlchemy's way
