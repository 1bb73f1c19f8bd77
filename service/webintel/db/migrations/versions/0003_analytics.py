"""Facts about blueprint versions and totals of jobs; workers fill them with what there is already, in small batches."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "selector_lives",
    "selector_weeks",
    "selector_totals",
    "blueprint_totals",
    "method_totals",
    "duration_totals",
    "job_totals",
    "selector_facts",
    "blueprint_facts",
    "analytics_progress",
)


def upgrade() -> None:
    """Make the tables, and the indexes by which sites that matter or lie idle are found."""
    create_facts()
    create_totals()
    create_selector_totals()
    op.create_index(
        "ix_sites_business_value_score_id", "sites", [sa.text("coalesce(business_value_score, -1)"), sa.text("id")]
    )
    op.create_index("ix_sites_last_discovered_at", "sites", ["last_discovered_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_sites_last_discovered_at", "sites")
    op.drop_index("ix_sites_business_value_score_id", "sites")
    for table in TABLES:
        op.drop_table(table)


def create(name: str, *columns: sa.Column[Any] | sa.Constraint) -> None:
    """Make a table with what every table of ours has."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), primary_key=True),
        moment("created_at"),
        moment("updated_at"),
        *columns,
    )


def moment(name: str) -> sa.Column[Any]:
    """A point in time."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def text(name: str, length: int) -> sa.Column[Any]:
    """A short text."""
    return sa.Column(name, sa.String(length), nullable=False)


def numbers(kind: type[sa.types.TypeEngine[Any]], *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    """Columns of one kind of number."""
    return [sa.Column(name, kind(), nullable=nullable) for name in names]


def one_of(column: str, *values: str) -> sa.CheckConstraint:
    """A column that has one of some values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def create_facts() -> None:
    """What is known of each version and its selectors."""
    create(
        "analytics_progress",
        sa.Column("name", sa.String(16), nullable=False, unique=True),
        moment("jobs_until"),
        sa.Column("blueprints_from", sa.Uuid(), nullable=False),
    )
    blueprint = sa.ForeignKey("blueprints.id", ondelete="CASCADE")
    site = sa.ForeignKey("sites.id", ondelete="CASCADE")
    create(
        "blueprint_facts",
        sa.Column("blueprint_id", sa.Uuid(), blueprint, nullable=False, unique=True),
        sa.Column("site_id", sa.Uuid(), site, nullable=False),
        *numbers(sa.Integer, "version"),
        moment("published_at"),
        sa.Column("restored", sa.Boolean(), nullable=False),
        *numbers(sa.Float, "confidence"),
        *numbers(sa.Integer, "selectors", "tested"),
        *numbers(sa.Float, "pass_rate", nullable=True),
        *numbers(sa.Integer, "fallen"),
        *numbers(sa.Float, "waited_seconds", nullable=True),
        sa.UniqueConstraint("site_id", "version"),
    )
    op.create_index(
        "ix_blueprint_facts_fallen", "blueprint_facts", ["blueprint_id"], postgresql_where=sa.text("fallen > 0")
    )
    facts = sa.ForeignKey("blueprint_facts.blueprint_id", ondelete="CASCADE")
    create(
        "selector_facts",
        sa.Column("blueprint_id", sa.Uuid(), facts, nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        *numbers(sa.Integer, "version"),
        text("page_type", 200),
        text("field_name", 200),
        *numbers(sa.Integer, "ordinal"),
        sa.Column("digest", sa.Uuid(), nullable=False),
        *numbers(sa.Float, "pass_rate", "previous_pass_rate", nullable=True),
        *numbers(sa.Integer, "since_version"),
        moment("since_at"),
        sa.UniqueConstraint("site_id", "version", "page_type", "field_name", "ordinal"),
    )
    op.create_index("ix_selector_facts_blueprint_id", "selector_facts", ["blueprint_id"])


def create_totals() -> None:
    """Totals over hours and days."""
    key = ("width", "starts_at")

    def create_total(name: str, *columns: sa.Column[Any] | sa.Constraint) -> None:
        create(name, text("width", 8), moment("starts_at"), *columns, one_of("width", "hour", "day"))

    create_total(
        "job_totals",
        text("job_type", 32),
        text("status", 16),
        *numbers(sa.BigInteger, "jobs"),
        sa.UniqueConstraint(*key, "job_type", "status"),
    )
    create_total(
        "duration_totals",
        text("kind", 16),
        *numbers(sa.Integer, "step"),
        *numbers(sa.BigInteger, "durations"),
        *numbers(sa.Float, "seconds"),
        one_of("kind", "discovery", "first_blueprint"),
        sa.UniqueConstraint(*key, "kind", "step"),
    )
    create_total(
        "method_totals",
        text("method", 16),
        text("platform", 100),
        *numbers(sa.BigInteger, "success", "failed", "dead", "cancelled"),
        *numbers(sa.Float, "seconds"),
        *numbers(sa.BigInteger, "blueprints"),
        *numbers(sa.Float, "confidence"),
        sa.UniqueConstraint(*key, "method", "platform"),
    )
    create_total(
        "blueprint_totals",
        *numbers(sa.BigInteger, "blueprints"),
        *numbers(sa.Float, "confidence"),
        *numbers(sa.BigInteger, "tested"),
        *numbers(sa.Float, "pass_rates"),
        sa.UniqueConstraint(*key),
    )


def create_selector_totals() -> None:
    """How selectors do now, did each week, and how long they lived."""
    create(
        "selector_totals",
        text("page_type", 200),
        text("field_name", 200),
        *numbers(sa.BigInteger, "sites", "tested", "failing", "pass_points"),
        sa.UniqueConstraint("page_type", "field_name"),
    )
    op.create_index("ix_selector_totals_failing", "selector_totals", ["failing"])
    create(
        "selector_weeks",
        text("page_type", 200),
        text("field_name", 200),
        sa.Column("week", sa.Date(), nullable=False),
        *numbers(sa.BigInteger, "tested", "pass_points"),
        sa.UniqueConstraint("page_type", "field_name", "week"),
    )
    create(
        "selector_lives",
        sa.Column("born_week", sa.Date(), nullable=False),
        text("outcome", 16),
        *numbers(sa.Integer, "weeks"),
        *numbers(sa.BigInteger, "lives", "versions"),
        one_of("outcome", "alive", "changed", "removed", "withdrawn"),
        sa.UniqueConstraint("born_week", "outcome", "weeks"),
    )
