"""Let more come back of an order that a correction has found to be larger, though all that was known of it had come back."""

from __future__ import annotations

from alembic import op

revision = "2026_11_26_corrected_parts"
down_revision = "2026_11_26_jobs"
branch_labels = None
depends_on = None

ADDS_UP = """
CREATE OR REPLACE FUNCTION require_reversals_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last reversals%ROWTYPE;
BEGIN
  SELECT * INTO last FROM reversals r
    WHERE (r.conversion_id, r.program_id) = (NEW.conversion_id, NEW.program_id) ORDER BY r.number DESC LIMIT 1;
  IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.total <> coalesce(last.total, 0) + NEW.value
     OR coalesce({nothing_left}, false) THEN
    RAISE EXCEPTION 'the reversals of % do not add up with %', NEW.conversion_id, NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""
OF_ALL_THERE_IS = "last.leaves_nothing AND (last.form = 'full' OR NEW.order_value <= last.total)"


def upgrade() -> None:
    op.execute(ADDS_UP.format(nothing_left=OF_ALL_THERE_IS))


def downgrade() -> None:
    op.execute(ADDS_UP.format(nothing_left="last.leaves_nothing"))
