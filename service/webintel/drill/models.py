"""The table of restore drills."""

from datetime import datetime
from enum import StrEnum

from advanced_alchemy.types import DateTimeUTC
from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webintel.db.base import Base


class Outcome(StrEnum):
    """How a drill ended."""

    SUCCESS = "success"
    FAILURE = "failure"


_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in Outcome)


class RestoreDrill(Base):
    """One attempt to restore the newest backup, kept in the live database."""

    __tablename__ = "restore_drills"
    __table_args__ = (
        CheckConstraint(f"outcome IN ({_OUTCOMES})", name="outcome"),
        CheckConstraint("(failure IS NULL) = (outcome = 'success')", name="failure"),
        CheckConstraint("finished_at >= started_at", name="finished_at"),
        Index("ix_restore_drills_outcome_finished_at", "outcome", "finished_at"),
    )

    started_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))
    finished_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))
    outcome: Mapped[str] = mapped_column(String(16))
    recovery_point: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    """The newest moment that came back; none where the drill did not get so far, or where nothing came back."""
    missing_seconds: Mapped[float | None]
    """How much time the backup lacks: from the first change that did not come back to the drill; 0 where none does."""
    rows_read: Mapped[int | None] = mapped_column(BigInteger)
    """Every row that came back was read once."""
    failure: Mapped[str | None] = mapped_column(Text)
    """What failed, in a sentence."""
