"""Keep when we took each conversion in and when a program declared each fact, so that reads can be asked as of a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_reads"
down_revision = "2026_11_24_values_of_rules"
branch_labels = None
depends_on = None

# What is known of the time before: the audit trail has when facts were declared after a program was made, and of
# conversions there is only when their sender had them.
DECLARED = """
    UPDATE programs SET facts_declared_at = known.at
    FROM (
        SELECT subject, jsonb_object_agg(name, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) AS at
        FROM audit_events CROSS JOIN LATERAL jsonb_object_keys(after -> 'facts') AS name
        WHERE action = 'program.facts_declared'
        GROUP BY subject
    ) AS known
    WHERE programs.id = known.subject
"""


def upgrade() -> None:
    op.add_column(
        "programs",
        sa.Column("facts_declared_at", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")),
    )
    op.alter_column("programs", "facts_declared_at", server_default=None)
    op.execute(DECLARED)
    op.add_column("conversions", sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE conversions SET recorded_at = received_at")
    op.alter_column("conversions", "recorded_at", nullable=False)


def downgrade() -> None:
    op.drop_column("conversions", "recorded_at")
    op.drop_column("programs", "facts_declared_at")
