"""Let contract versions agree when conversions are held, locked and too late; know conversions by their orders; and keep
corrections of their facts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_settlement"
down_revision = "2026_11_25_partner_limits"
branch_labels = None
depends_on = None

# What is known of a conversion by its facts changes with a correction of them, and nothing else ever does.
CORRECTED = "'customer_id', 'order_id', 'corrections'"
GUARD_CONVERSION = f"""
CREATE FUNCTION guard_conversion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF to_jsonb(NEW) - ARRAY[{CORRECTED}] = to_jsonb(OLD) - ARRAY[{CORRECTED}]
       AND NEW.corrections = OLD.corrections + 1 AND EXISTS (
         SELECT FROM corrections c
         WHERE (c.conversion_id, c.program_id, c.number) = (NEW.id, NEW.program_id, NEW.corrections)
       ) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% of % is refused: its rows never change but by a correction', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""

# A decision is retired, once; nothing else of it ever changes.
GUARD_DECISION = """
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.retired_at IS NOT NULL OR NEW.retired_at IS NULL
     OR to_jsonb(NEW) - 'retired_at' <> to_jsonb(OLD) - 'retired_at' THEN
    RAISE EXCEPTION 'the decision % never changes; it can be retired, once', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""
GUARD_BEFORE = """
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.retired_at IS NOT NULL OR NEW.retired_at IS NULL
     OR NEW.digest <> OLD.digest OR NEW.record <> OLD.record OR NEW.amount <> OLD.amount
     OR NEW.outcome <> OLD.outcome OR NEW.id <> OLD.id OR NEW.recorded_at <> OLD.recorded_at
     OR NEW.conversion_id <> OLD.conversion_id OR NEW.program_id <> OLD.program_id OR NEW.revision <> OLD.revision
     OR NEW.event_at <> OLD.event_at OR NEW.currency <> OLD.currency OR NEW.before <> OLD.before
     OR NEW.adds <> OLD.adds
     OR (NEW.contract_id, NEW.contract_version, NEW.customer_order_number, NEW.partner)
        IS DISTINCT FROM (OLD.contract_id, OLD.contract_version, OLD.customer_order_number, OLD.partner) THEN
    RAISE EXCEPTION 'the decision % never changes; it can be retired, once', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""
DECIDED = ("correction", "duplicate_of", "held_until", "locks_at")


def upgrade() -> None:
    op.add_column("contract_versions", sa.Column("settlement", postgresql.JSONB(), nullable=True))
    op.create_check_constraint(
        op.f("ck_contract_versions_settlement"), "contract_versions", "jsonb_typeof(settlement) IN ('object', 'null')"
    )
    _corrections()
    op.execute("DROP TRIGGER never_changes ON conversions")
    op.add_column("conversions", sa.Column("order_id", sa.Text(collation="C"), nullable=True))
    op.add_column("conversions", sa.Column("corrections", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.execute(
        "UPDATE conversions SET order_id = facts ->> 'order_id' WHERE jsonb_typeof(facts -> 'order_id') = 'string'"
    )
    op.create_index("ix_conversions_order", "conversions", ["program_id", "order_id", "event_at", "id"])
    op.execute(GUARD_CONVERSION)
    op.execute(
        "CREATE TRIGGER guarded BEFORE UPDATE OR DELETE ON conversions FOR EACH ROW EXECUTE FUNCTION guard_conversion()"
    )
    op.add_column("decisions", sa.Column("correction", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("decisions", sa.Column("duplicate_of", sa.Text(collation="C"), nullable=True))
    for name in ("held_until", "locks_at"):
        op.add_column("decisions", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute(GUARD_DECISION)
    op.create_index("ix_statement_lines_conversion", "statement_lines", ["conversion_id"])
    # Orders that were counted more than once so far are decided again.
    op.execute(
        "INSERT INTO unsettled_conversions (conversion_id, program_id, partner, event_at)"
        " SELECT c.id, c.program_id, c.partner, c.event_at FROM conversions c WHERE EXISTS (SELECT FROM conversions e"
        " WHERE (e.program_id, e.order_id) = (c.program_id, c.order_id) AND (e.event_at, e.id) < (c.event_at, c.id))"
        " ON CONFLICT DO NOTHING"
    )


def _corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("conversion_id", sa.Text(collation="C"), nullable=False),
        sa.Column("program_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("facts_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("corrected_by", sa.Text(collation="C"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_corrections_number")),
        sa.ForeignKeyConstraint(
            ["program_id", "conversion_id"],
            ["conversions.program_id", "conversions.id"],
            name=op.f("fk_corrections_program_id_conversion_id"),
        ),
        sa.PrimaryKeyConstraint("conversion_id", "program_id", "number", name=op.f("pk_corrections")),
    )
    for name, when in (("never_changes", "UPDATE OR DELETE"), ("never_truncated", "TRUNCATE")):
        each = "STATEMENT" if when == "TRUNCATE" else "ROW"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {when} ON corrections FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.execute("DROP POLICY IF EXISTS own ON corrections")
    op.drop_index("ix_statement_lines_conversion", "statement_lines")
    op.execute(GUARD_BEFORE)
    for name in DECIDED:
        op.drop_column("decisions", name)
    op.execute("DROP FUNCTION guard_conversion() CASCADE")
    op.drop_index("ix_conversions_order", "conversions")
    op.drop_column("conversions", "corrections")
    op.drop_column("conversions", "order_id")
    op.execute(
        "CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON conversions FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.drop_table("corrections")
    op.drop_constraint(op.f("ck_contract_versions_settlement"), "contract_versions")
    op.drop_column("contract_versions", "settlement")
