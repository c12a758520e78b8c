"""Keep with a billing run which engine it was to settle with, which one did, and why not the one that was wanted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_run_engine"
down_revision = "2026_11_26_corrected_parts"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C")
CHECKS = {
    "engine": "engine IN ('online', 'duckdb', 'spark')",
    "settled_by": "settled_by IN (engine, 'online')",
    "settled_because": "(settled_because IS NOT NULL) = coalesce(settled_by <> engine, false)",
}
GUARD = """
CREATE OR REPLACE FUNCTION guard_billing_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  fixed text[] := ARRAY['id', 'position', 'kind', 'program_id', 'contract_id', 'period', 'reverses',
    'opened_by', 'opened_at'{more}];
  way text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'queued' OR NEW.posted_by IS NOT NULL THEN
      RAISE EXCEPTION '% begins as queued, not as %', NEW.id, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' OR OLD.state IN ('posted', 'cancelled', 'failed') THEN
    RAISE EXCEPTION 'the run % is over: it never changes', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF EXISTS (SELECT FROM unnest(fixed) AS name WHERE to_jsonb(OLD) -> name <> to_jsonb(NEW) -> name) THEN
    RAISE EXCEPTION 'what the run % is of never changes', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  way := OLD.state || ' ' || NEW.state;
  IF OLD.state <> NEW.state AND NEW.state NOT IN ('cancelled', 'failed') AND way NOT IN (
    'queued computing', 'computing ready', 'ready posting', 'posting posted'
  ) THEN
    RAISE EXCEPTION 'the run % cannot go from % to %', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.posted_by IS NOT NULL AND NEW.posted_by <> OLD.posted_by OR OLD.controls <> NEW.controls THEN
    RAISE EXCEPTION 'what was looked at of the run % never changes', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("billing_runs", sa.Column("engine", TEXT, server_default="online", nullable=False))
    for name in ("settled_by", "settled_because"):
        op.add_column("billing_runs", sa.Column(name, TEXT))
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_billing_runs_{name}"), "billing_runs", condition)
    op.execute(GUARD.format(more=", 'engine'"))


def downgrade() -> None:
    op.execute(GUARD.format(more=""))
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_billing_runs_{name}"), "billing_runs")
    for name in ("settled_because", "settled_by", "engine"):
        op.drop_column("billing_runs", name)
