"""An index of the jobs that repeat another: without it a job was deleted only after a look at every other one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index, of few rows."""
    op.create_index("ix_jobs_retry_of", "jobs", ["retry_of"], postgresql_where=sa.text("retry_of IS NOT NULL"))


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_jobs_retry_of", "jobs")
