"""The tables of analytics: facts about each blueprint version, and totals that no report has to add up again."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from advanced_alchemy.types import DateTimeUTC
from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webintel.db.base import Base


class Width(StrEnum):
    """How long the time is that a total stands for; both begin on the clock of UTC."""

    HOUR = "hour"
    DAY = "day"


class DurationKind(StrEnum):
    """What has been timed."""

    DISCOVERY = "discovery"
    """A successful visit that published a blueprint: from its last start to its end."""
    FIRST_BLUEPRINT = "first_blueprint"
    """From a site's registration to its first blueprint: waiting, retries and all."""


class LifeOutcome(StrEnum):
    """How a selector's life ended, if it did."""

    ALIVE = "alive"
    CHANGED = "changed"
    REMOVED = "removed"
    WITHDRAWN = "withdrawn"
    """Its site was deleted: nobody knows how long it would have worked."""


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Progress(Base):
    """How far the totals reach: the one row that whoever changes totals holds."""

    __tablename__ = "analytics_progress"

    name: Mapped[str] = mapped_column(String(16), unique=True)
    jobs_until: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))
    """Every job that ended before is in the totals."""
    blueprints_from: Mapped[UUID]
    """Every blueprint with a lower id is in the totals."""


class BlueprintFacts(Base):
    """What one version says about itself, without its content."""

    __tablename__ = "blueprint_facts"
    __table_args__ = (
        UniqueConstraint("site_id", "version"),
        Index("ix_blueprint_facts_fallen", "blueprint_id", postgresql_where=text("fallen > 0")),
    )

    blueprint_id: Mapped[UUID] = mapped_column(ForeignKey("blueprints.id", ondelete="CASCADE"), unique=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"))
    version: Mapped[int]
    published_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))
    restored: Mapped[bool]
    """Whether a rollback brought it back: nothing was measured then."""
    confidence: Mapped[float]
    selectors: Mapped[int]
    tested: Mapped[int]
    """How many of them were tried on a page."""
    pass_rate: Mapped[float | None]
    """The mean of those that were tried."""
    fallen: Mapped[int]
    """How many pass on clearly fewer pages than in the version before."""
    waited_seconds: Mapped[float | None]
    """From the site's registration, for the first version."""


class SelectorFacts(Base):
    """One selector of one version, and since when it has had this form."""

    __tablename__ = "selector_facts"
    __table_args__ = (
        UniqueConstraint("site_id", "version", "page_type", "field_name", "ordinal"),
        Index("ix_selector_facts_blueprint_id", "blueprint_id"),
    )

    blueprint_id: Mapped[UUID] = mapped_column(ForeignKey("blueprint_facts.blueprint_id", ondelete="CASCADE"))
    site_id: Mapped[UUID]
    version: Mapped[int]
    page_type: Mapped[str] = mapped_column(String(200))
    field_name: Mapped[str] = mapped_column(String(200))
    ordinal: Mapped[int]
    """Tells selectors of one field and page type apart."""
    digest: Mapped[UUID]
    """The same as long as the selector selects in the same way."""
    pass_rate: Mapped[float | None]
    """None where it was tried on no page."""
    previous_pass_rate: Mapped[float | None]
    since_version: Mapped[int]
    since_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))


class _Total(Base):
    """A total over an hour or a day."""

    __abstract__ = True

    width: Mapped[str] = mapped_column(String(8), sort_order=-10)
    starts_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True), sort_order=-9)


class JobTotal(_Total):
    """Jobs that ended."""

    __tablename__ = "job_totals"
    __table_args__ = (UniqueConstraint("width", "starts_at", "job_type", "status"), _one_of("width", Width))

    job_type: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(16))
    jobs: Mapped[int] = mapped_column(BigInteger)


class DurationTotal(_Total):
    """Durations, counted in steps of a tenth: each step is a tenth longer than the one before."""

    __tablename__ = "duration_totals"
    __table_args__ = (
        UniqueConstraint("width", "starts_at", "kind", "step"),
        _one_of("width", Width),
        _one_of("kind", DurationKind),
    )

    kind: Mapped[str] = mapped_column(String(16))
    step: Mapped[int]
    durations: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    """Their sum."""


class MethodTotal(_Total):
    """Discoveries by the method that was asked for and the site's platform."""

    __tablename__ = "method_totals"
    __table_args__ = (UniqueConstraint("width", "starts_at", "method", "platform"), _one_of("width", Width))

    method: Mapped[str] = mapped_column(String(16))
    platform: Mapped[str] = mapped_column(String(100))
    """Empty where it is not known."""
    success: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    dead: Mapped[int] = mapped_column(BigInteger)
    cancelled: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    """What the successful ones took."""
    blueprints: Mapped[int] = mapped_column(BigInteger)
    confidence: Mapped[float]
    """The sum over their blueprints."""


class BlueprintTotal(_Total):
    """Blueprints that visits published."""

    __tablename__ = "blueprint_totals"
    __table_args__ = (UniqueConstraint("width", "starts_at"), _one_of("width", Width))

    blueprints: Mapped[int] = mapped_column(BigInteger)
    confidence: Mapped[float]
    tested: Mapped[int] = mapped_column(BigInteger)
    """Selectors that were tried on a page."""
    pass_rates: Mapped[float]
    """The sum over them."""


class SelectorTotal(Base):
    """Selectors of a field and page type in the newest blueprints of all sites."""

    __tablename__ = "selector_totals"
    __table_args__ = (
        UniqueConstraint("page_type", "field_name"),
        Index("ix_selector_totals_failing", "failing"),
    )

    page_type: Mapped[str] = mapped_column(String(200))
    field_name: Mapped[str] = mapped_column(String(200))
    sites: Mapped[int] = mapped_column(BigInteger)
    tested: Mapped[int] = mapped_column(BigInteger)
    failing: Mapped[int] = mapped_column(BigInteger)
    pass_points: Mapped[int] = mapped_column(BigInteger)
    """The sum of pass rates in ten thousandths: whole numbers, so that what is taken away leaves no trace."""


class SelectorWeek(Base):
    """How selectors of a field and page type did in the versions published in a week."""

    __tablename__ = "selector_weeks"
    __table_args__ = (UniqueConstraint("page_type", "field_name", "week"),)

    page_type: Mapped[str] = mapped_column(String(200))
    field_name: Mapped[str] = mapped_column(String(200))
    week: Mapped[date] = mapped_column(Date)
    """Its Monday."""
    tested: Mapped[int] = mapped_column(BigInteger)
    pass_points: Mapped[int] = mapped_column(BigInteger)


class SelectorLife(Base):
    """Lives of selectors by the week they began in, how they ended and after how many weeks."""

    __tablename__ = "selector_lives"
    __table_args__ = (UniqueConstraint("born_week", "outcome", "weeks"), _one_of("outcome", LifeOutcome))

    born_week: Mapped[date] = mapped_column(Date)
    outcome: Mapped[str] = mapped_column(String(16))
    weeks: Mapped[int]
    """Whole weeks from the beginning to the end; 0 for those that have none yet."""
    lives: Mapped[int] = mapped_column(BigInteger)
    versions: Mapped[int] = mapped_column(BigInteger)
    """How many versions those that ended had lasted, in sum."""
