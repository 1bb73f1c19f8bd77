"""Users and their credentials, sites, blueprints, jobs, and the queue."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from webintel.db.migrations import pgqueuer_1_6

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UNDER_WAY = sa.text("status IN ('queued', 'running')")
TABLES = ("jobs", "blueprints", "sites", "idempotency_keys", "refresh_tokens", "api_keys", "users")


def upgrade() -> None:
    """Make every table."""
    create_accounts()
    create_sites()
    create_blueprints()
    create_jobs()
    for statement in pgqueuer_1_6.CREATE:
        op.execute(statement)


def downgrade() -> None:
    """Drop every table."""
    for statement in pgqueuer_1_6.DROP:
        op.execute(statement)
    for table in TABLES:
        op.drop_table(table)


def base_columns() -> tuple[sa.Column[Any], ...]:
    """What every table of ours has."""
    return (
        sa.Column("id", sa.Uuid(), primary_key=True),
        moment("created_at", nullable=False),
        moment("updated_at", nullable=False),
    )


def moment(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    """A point in time."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def reference(name: str, table: str, on_delete: str) -> sa.Column[Any]:
    """A row of another table; nullable where the other row's end must not be this one's."""
    key = sa.ForeignKey(f"{table}.id", ondelete=on_delete)
    return sa.Column(name, sa.Uuid(), key, nullable=on_delete == "SET NULL")


def one_of(column: str, *values: str) -> sa.CheckConstraint:
    """A column that has one of some values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def create_accounts() -> None:
    """Users, and what they sign in with."""
    op.create_table(
        "users",
        *base_columns(),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        moment("last_login_at"),
        one_of("role", "admin", "product_lead", "scraper_engineer", "viewer"),
        sa.CheckConstraint("email = lower(email)", name="email_lower_case"),
    )
    op.create_table(
        "api_keys",
        *base_columns(),
        reference("user_id", "users", "CASCADE"),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(32), nullable=False, unique=True),
        moment("expires_at"),
        moment("revoked_at"),
        moment("last_used_at"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])
    op.create_table(
        "refresh_tokens",
        *base_columns(),
        reference("user_id", "users", "CASCADE"),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False, unique=True),
        moment("expires_at", nullable=False),
        moment("used_at"),
        moment("revoked_at"),
    )
    for column in ("user_id", "family_id", "expires_at"):
        op.create_index(f"ix_refresh_tokens_{column}", "refresh_tokens", [column])
    op.create_table(
        "idempotency_keys",
        *base_columns(),
        reference("user_id", "users", "CASCADE"),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("user_id", "operation", "key"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def create_sites() -> None:
    """The sites."""
    op.create_table(
        "sites",
        *base_columns(),
        sa.Column("domain", sa.String(253), nullable=False, unique=True),
        sa.Column("domain_unicode", sa.String(253), nullable=False),
        sa.Column("platform", sa.String(100)),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("fingerprint", JSONB()),
        sa.Column("complexity_score", sa.Float()),
        sa.Column("business_value_score", sa.Float()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("notes", sa.Text()),
        sa.Column("blueprint_version", sa.Integer()),
        sa.Column("discovery_method", sa.String(16)),
        moment("last_discovered_at"),
        reference("created_by", "users", "SET NULL"),
        sa.Column("revision", sa.Integer(), nullable=False),
        one_of("status", "pending", "fingerprinted", "ready", "review", "failed"),
        sa.CheckConstraint("business_value_score BETWEEN 0 AND 1", name="business_value_score"),
        sa.CheckConstraint("complexity_score BETWEEN 0 AND 1", name="complexity_score"),
        sa.CheckConstraint("priority BETWEEN 0 AND 100", name="priority"),
    )
    op.create_index("uq_sites_host", "sites", [sa.text(r"regexp_replace(domain, '^www\.', '')")], unique=True)
    for column in ("status", "platform", "updated_at"):
        op.create_index(f"ix_sites_{column}_id", "sites", [column, "id"])


def create_blueprints() -> None:
    """The versions of each site's blueprint."""
    op.create_table(
        "blueprints",
        *base_columns(),
        reference("site_id", "sites", "CASCADE"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("confidence_score", sa.Float(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("changes", JSONB(), nullable=False),
        sa.Column("job_id", sa.Uuid(), unique=True),
        reference("created_by", "users", "SET NULL"),
        sa.Column("restored_version", sa.Integer()),
        sa.Column("reason", sa.Text()),
        sa.UniqueConstraint("site_id", "version"),
        sa.CheckConstraint("confidence_score BETWEEN 0 AND 1", name="confidence_score"),
        sa.CheckConstraint("version > 0", name="version"),
    )


def create_jobs() -> None:
    """The jobs, with what must never be true of them: two of a type under way, or two running on one site."""
    op.create_table(
        "jobs",
        *base_columns(),
        reference("site_id", "sites", "CASCADE"),
        sa.Column("job_type", sa.String(32), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("parameters", JSONB(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("progress_step", sa.String(64)),
        sa.Column("progress_percentage", sa.Float(), nullable=False),
        sa.Column("progress_message", sa.Text()),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger()),
        moment("started_at"),
        moment("ended_at"),
        moment("heartbeat_at"),
        moment("next_retry_at"),
        sa.Column("result", JSONB()),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_message", sa.Text()),
        sa.Column("recovery_action", sa.Text()),
        reference("retry_of", "jobs", "SET NULL"),
        reference("requested_by", "users", "SET NULL"),
        one_of("job_type", "fingerprint", "discovery", "extraction", "blueprint_update"),
        one_of("method", "auto", "static", "browser", "api"),
        one_of("status", "queued", "running", "success", "failed", "cancelled", "dead"),
        sa.CheckConstraint("priority BETWEEN 0 AND 100", name="priority"),
        sa.CheckConstraint("progress_percentage BETWEEN 0 AND 100", name="progress_percentage"),
        sa.CheckConstraint("(ended_at IS NULL) = (status IN ('queued', 'running'))", name="ended_at"),
    )
    op.create_index("ix_jobs_site_id_id", "jobs", ["site_id", "id"])
    op.create_index("ix_jobs_status_id", "jobs", ["status", "id"])
    op.create_index("ix_jobs_ended_at", "jobs", ["ended_at"])
    op.create_index("uq_jobs_under_way", "jobs", ["site_id", "job_type"], unique=True, postgresql_where=UNDER_WAY)
    op.create_index("uq_jobs_running", "jobs", ["site_id"], unique=True, postgresql_where=sa.text("status = 'running'"))
