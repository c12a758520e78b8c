"""Keep what came back of conversions, and what billing runs have to pay when a balance below zero is carried forward."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_reversals"
down_revision = "2026_11_25_settlement"
branch_labels = None
depends_on = None

ADDS_UP = """
CREATE FUNCTION require_reversals_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last reversals%ROWTYPE;
BEGIN
  SELECT * INTO last FROM reversals r
    WHERE (r.conversion_id, r.program_id) = (NEW.conversion_id, NEW.program_id) ORDER BY r.number DESC LIMIT 1;
  IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.total <> coalesce(last.total, 0) + NEW.value
     OR coalesce(last.leaves_nothing, false) THEN
    RAISE EXCEPTION 'the reversals of % do not add up with %', NEW.conversion_id, NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""

# What the runs so far have to pay: each goes on from the one before it under its contract, as runs do from now on. What
# is below zero is the lowest that the sums have been, if that is below zero; the rest was to be paid.
BALANCES = """
    WITH summed AS (
        SELECT r.id, s.contract_id, r.position, r.amount,
               sum(r.amount) OVER (PARTITION BY s.contract_id ORDER BY r.position) AS upto
        FROM billing_runs r JOIN statements s ON s.id = r.statement_id
    ), paid AS (
        SELECT id, contract_id, position, upto, amount,
               greatest(max(upto) OVER (PARTITION BY contract_id ORDER BY position), 0) AS paid_upto
        FROM summed
    ), steps AS (
        SELECT id, paid_upto - coalesce(lag(paid_upto) OVER w, 0) AS to_pay, upto - paid_upto AS carried,
               coalesce(lag(upto - paid_upto) OVER w, 0) AS brought
        FROM paid WINDOW w AS (PARTITION BY contract_id ORDER BY position)
    )
    UPDATE billing_runs r SET to_pay = s.to_pay, carried_forward = s.carried, brought_forward = s.brought
    FROM steps s WHERE s.id = r.id
"""
MONEY = ("brought_forward", "to_pay", "carried_forward")


def upgrade() -> None:
    op.create_table(
        "reversals",
        sa.Column("conversion_id", sa.Text(collation="C"), nullable=False),
        sa.Column("program_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("form", sa.Text(collation="C"), nullable=False),
        sa.Column("mode", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("order_value", sa.Numeric(), nullable=False),
        sa.Column("leaves_nothing", sa.Boolean(), nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("body_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('restate', 'negate')", name=op.f("ck_reversals_mode")),
        sa.CheckConstraint("form IN ('full', 'amount', 'items')", name=op.f("ck_reversals_form")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_reversals_number")),
        sa.CheckConstraint(
            "value >= 0 AND value <= total AND total <= order_value",
            name=op.f("ck_reversals_never_more_than_the_order"),
        ),
        sa.CheckConstraint("form <> 'full' OR leaves_nothing", name=op.f("ck_reversals_full_leaves_nothing")),
        sa.ForeignKeyConstraint(
            ["program_id", "conversion_id"],
            ["conversions.program_id", "conversions.id"],
            name=op.f("fk_reversals_program_id_conversion_id"),
        ),
        sa.PrimaryKeyConstraint("conversion_id", "program_id", "number", name=op.f("pk_reversals")),
        sa.UniqueConstraint("conversion_id", "program_id", "id", name=op.f("uq_reversals_conversion_id_program_id_id")),
    )
    op.execute(ADDS_UP)
    op.execute(
        "CREATE TRIGGER add_up BEFORE INSERT ON reversals FOR EACH ROW EXECUTE FUNCTION require_reversals_add_up()"
    )
    op.execute(
        "CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON reversals FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_truncated BEFORE TRUNCATE ON reversals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.add_column("decisions", sa.Column("reversals", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.alter_column("decisions", "reversals", server_default=None)
    _balances()


def _balances() -> None:
    op.execute("ALTER TABLE billing_runs DISABLE TRIGGER never_changes")
    # The runs so far in the order of their lines, which are numbered as they were posted.
    op.add_column("billing_runs", sa.Column("position", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE billing_runs r SET position = o.place FROM (SELECT b.id, row_number() OVER (ORDER BY coalesce((SELECT "
        "max(l.position) FROM statement_lines l WHERE l.run_id = b.id), 0), b.posted_at, b.id) AS place FROM billing_runs b) o"
        " WHERE o.id = r.id"
    )
    op.alter_column("billing_runs", "position", nullable=False)
    op.execute("ALTER TABLE billing_runs ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY")
    op.execute(
        "SELECT setval(pg_get_serial_sequence('billing_runs', 'position'), max(position)) FROM billing_runs"
        " HAVING count(*) > 0"
    )
    for name in MONEY:
        op.add_column("billing_runs", sa.Column(name, sa.Numeric(), nullable=True))
    op.execute(BALANCES)
    for name in MONEY:
        op.alter_column("billing_runs", name, nullable=False)
    op.create_check_constraint(
        op.f("ck_billing_runs_balance"), "billing_runs", "brought_forward + amount = to_pay + carried_forward"
    )
    op.create_check_constraint(
        op.f("ck_billing_runs_never_paid_below_zero"),
        "billing_runs",
        "brought_forward <= 0 AND carried_forward <= 0 AND to_pay >= 0 AND (to_pay = 0 OR carried_forward = 0)",
    )
    op.execute("ALTER TABLE billing_runs ENABLE TRIGGER never_changes")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_billing_runs_never_paid_below_zero"), "billing_runs")
    op.drop_constraint(op.f("ck_billing_runs_balance"), "billing_runs")
    for name in (*MONEY, "position"):
        op.drop_column("billing_runs", name)
    op.drop_column("decisions", "reversals")
    op.drop_table("reversals")
    op.execute("DROP FUNCTION require_reversals_add_up()")
