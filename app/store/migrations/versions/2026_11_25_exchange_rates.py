"""Keep exchange rates on both clocks, and find the decisions that were made at one, or wait for one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_exchange_rates"
down_revision = "2026_11_25_reversals"
branch_labels = None
depends_on = None

NEVER = "CREATE TRIGGER never_{how} BEFORE {what} ON exchange_rates FOR EACH {each} EXECUTE FUNCTION refuse_change()"
CONVERTED = sa.text("retired_at IS NULL AND (record -> 'fx') IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "exchange_rates",
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("target", sa.Text(collation="C"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("said_by", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("recorded_by", sa.Text(collation="C"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source <> target", name=op.f("ck_exchange_rates_two_currencies")),
        sa.CheckConstraint("rate > 0", name=op.f("ck_exchange_rates_rate")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_exchange_rates_number")),
        sa.CheckConstraint("number = 1 OR reason IS NOT NULL", name=op.f("ck_exchange_rates_corrected_with_a_reason")),
        sa.PrimaryKeyConstraint("source", "target", "day", "number", name=op.f("pk_exchange_rates")),
    )
    op.execute(NEVER.format(how="changes", what="UPDATE OR DELETE", each="ROW"))
    op.execute(NEVER.format(how="truncated", what="TRUNCATE", each="STATEMENT"))
    op.create_index(
        "ix_decisions_exchange",
        "decisions",
        [sa.text("(record #>> '{fx,from}')"), sa.text("(record #>> '{fx,to}')"), sa.text("(record #>> '{fx,date}')")],
        postgresql_where=CONVERTED,
    )


def downgrade() -> None:
    op.drop_index("ix_decisions_exchange", "decisions")
    op.drop_table("exchange_rates")
