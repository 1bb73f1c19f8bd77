"""The table of blueprint versions."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webintel.db.base import Base


class Blueprint(Base):
    """One version of a site's blueprint; never changed once written."""

    __tablename__ = "blueprints"
    __table_args__ = (
        UniqueConstraint("site_id", "version"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("confidence_score BETWEEN 0 AND 1", name="confidence_score"),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"))
    version: Mapped[int]
    confidence_score: Mapped[float]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB, deferred=True)
    """The engine's blueprint, whole."""
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """How many categories, endpoints and selectors came, went and changed since the version before."""
    job_id: Mapped[UUID | None] = mapped_column(unique=True)
    """The job that made it: a job that runs again publishes once. No foreign key, since old jobs are deleted by age."""
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    restored_version: Mapped[int | None]
    """The version that a rollback brought back."""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it was rolled back."""
