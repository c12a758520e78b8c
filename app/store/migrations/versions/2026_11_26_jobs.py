"""Make the job queue: the tables of the library that keeps it, and what its workers say of each job."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.store.base import Instant
from app.store.queue_schema import removal, run, schema_changes

revision = "2026_11_26_jobs"
down_revision = "2026_11_26_billing_runs"
branch_labels = None
depends_on = None

UP_TO = "03.04.00_50_post_add_retry_failed_job_procedure"
TEXT = sa.Text(collation="C")


def upgrade() -> None:
    """Run the library's migrations, from its first one."""
    run(op.get_bind(), schema_changes(None, UP_TO))
    op.create_table(
        "job_reports",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("failed_at", Instant(), nullable=True),
        sa.Column("fault", TEXT, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.CheckConstraint(
            "(failed_at IS NULL) = (fault IS NULL) AND (fault IS NULL) = (message IS NULL)",
            name=op.f("ck_job_reports_failed_is_why"),
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_reports")),
    )


def downgrade() -> None:
    """Drop the queue, with whatever waits in it."""
    op.drop_table("job_reports")
    run(op.get_bind(), removal())
