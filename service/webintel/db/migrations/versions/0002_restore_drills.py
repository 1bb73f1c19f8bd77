"""What became of each restore drill."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "restore_drills",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("recovery_point", sa.DateTime(timezone=True)),
        sa.Column("missing_seconds", sa.Float()),
        sa.Column("rows_read", sa.BigInteger()),
        sa.Column("failure", sa.Text()),
        sa.CheckConstraint("outcome IN ('success', 'failure')", name="outcome"),
        sa.CheckConstraint("(failure IS NULL) = (outcome = 'success')", name="failure"),
        sa.CheckConstraint("finished_at >= started_at", name="finished_at"),
    )
    op.create_index("ix_restore_drills_outcome_finished_at", "restore_drills", ["outcome", "finished_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("restore_drills")
