"""Decide a conversion for every partner that it concerns: touches, whose decision it is, and what it adds to counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_several_partners"
down_revision = "2026_11_25_idempotency"
branch_labels = None
depends_on = None

# What is kept of the decisions that were made so far: the partner is the one that claimed, and any of its numbers may be
# what a counter sums.
WHOSE = """
    UPDATE decisions d SET partner = c.partner FROM conversions c
    WHERE (c.program_id, c.id) = (d.program_id, d.conversion_id)
"""
ADDED = r"""
    UPDATE decisions d SET adds = jsonb_build_object(
        'count', '1', 'paid', CASE WHEN d.amount <> 0 THEN '1' ELSE '0' END, 'amount', d.amount::text
    ) || coalesce((
        SELECT jsonb_object_agg('sum:' || key, value) FROM jsonb_each_text(c.facts)
        WHERE value ~ '^-?[0-9]{1,18}(\.[0-9]{1,9})?$'
    ), '{}')
    FROM conversions c WHERE (c.program_id, c.id) = (d.program_id, d.conversion_id) AND d.outcome = 'rated'
"""

GUARD = """
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.retired_at IS NOT NULL OR NEW.retired_at IS NULL
     OR NEW.digest <> OLD.digest OR NEW.record <> OLD.record OR NEW.amount <> OLD.amount
     OR NEW.outcome <> OLD.outcome OR NEW.id <> OLD.id OR NEW.recorded_at <> OLD.recorded_at
     OR NEW.conversion_id <> OLD.conversion_id OR NEW.program_id <> OLD.program_id OR NEW.revision <> OLD.revision
     OR NEW.event_at <> OLD.event_at OR NEW.currency <> OLD.currency OR NEW.before <> OLD.before{more}
     OR (NEW.contract_id, NEW.contract_version, NEW.customer_order_number{whose})
        IS DISTINCT FROM (OLD.contract_id, OLD.contract_version, OLD.customer_order_number{whose_old}) THEN
    RAISE EXCEPTION 'the decision % never changes; it can be retired, once', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "touches",
        sa.Column("program_id", sa.Text(collation="C"), nullable=False),
        sa.Column("conversion_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("partner", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("type IN ('click', 'view')", name=op.f("ck_touches_type")),
        sa.ForeignKeyConstraint(
            ["program_id", "conversion_id"],
            ["conversions.program_id", "conversions.id"],
            name=op.f("fk_touches_program_id_conversion_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "conversion_id", "id", name=op.f("pk_touches")),
    )
    op.create_index("ix_touches_partner", "touches", ["program_id", "partner", "conversion_id"])
    op.execute(
        "CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON touches FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_truncated BEFORE TRUNCATE ON touches FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.add_column("decisions", sa.Column("partner", sa.Text(collation="C"), nullable=True))
    op.add_column(
        "decisions", sa.Column("adds", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb"))
    )
    op.alter_column("decisions", "adds", server_default=None)
    op.execute("ALTER TABLE decisions DISABLE TRIGGER guarded")
    op.execute(WHOSE)
    op.execute(ADDED)
    op.execute("ALTER TABLE decisions ENABLE TRIGGER guarded")
    op.execute(GUARD.format(more=" OR NEW.adds <> OLD.adds", whose=", NEW.partner", whose_old=", OLD.partner"))
    op.drop_constraint("uq_decisions_conversion_id_program_id_revision", "decisions")
    op.create_unique_constraint(
        "uq_decisions_conversion_id_program_id_partner_revision",
        "decisions",
        ["conversion_id", "program_id", "partner", "revision"],
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index("uq_decisions_current", "decisions")
    op.create_index(
        "uq_decisions_current",
        "decisions",
        ["conversion_id", "program_id", "partner"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.add_column(
        "statement_lines", sa.Column("part", sa.Text(collation="C"), nullable=False, server_default=sa.text("''"))
    )
    op.alter_column("statement_lines", "part", server_default=None)


def downgrade() -> None:
    # What a partner may see is granted anew after every migration; until then it sees nothing of these.
    op.execute("DROP POLICY IF EXISTS own ON decisions")
    op.execute("DROP POLICY IF EXISTS own ON conversions")
    op.drop_column("statement_lines", "part")
    op.execute(GUARD.format(more="", whose="", whose_old=""))
    op.drop_index("uq_decisions_current", "decisions")
    op.drop_constraint("uq_decisions_conversion_id_program_id_partner_revision", "decisions")
    op.drop_column("decisions", "adds")
    op.drop_column("decisions", "partner")
    op.create_index(
        "uq_decisions_current",
        "decisions",
        ["conversion_id", "program_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_unique_constraint(
        "uq_decisions_conversion_id_program_id_revision", "decisions", ["conversion_id", "program_id", "revision"]
    )
    op.drop_table("touches")
