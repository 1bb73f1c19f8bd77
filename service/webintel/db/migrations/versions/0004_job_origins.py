"""The request that started each job."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, which changes no row."""
    op.add_column("jobs", sa.Column("origin", JSONB()))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("jobs", "origin")
