"""Let runs be computed, looked at and posted by two people; book what they post in accounting periods that close; accrue
what cannot be paid yet; and show all of it as a journal.

What was a run before is a posting now: one run makes one posting to each statement that it adds to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_26_billing_runs"
down_revision = "2026_11_25_attribution_models"
branch_labels = None
depends_on = None

TEXT, AT = sa.Text(collation="C"), sa.DateTime(timezone=True)
STATES = "('queued', 'computing', 'ready', 'posting', 'posted', 'cancelled', 'failed')"
OPEN = "('queued', 'computing', 'ready', 'posting')"
SUBJECT = "(conversion_id IS NULL) = (delivered_on IS NOT NULL)"

GUARD_RUN = """
CREATE FUNCTION guard_billing_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  fixed text[] := ARRAY['id', 'position', 'kind', 'program_id', 'contract_id', 'period', 'reverses', 'opened_by', 'opened_at'];
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

# A closed period never changes, whoever writes to the database.
OPEN_PERIOD = """
CREATE FUNCTION require_open_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  program text;
  service text;
  closed text;
BEGIN
  SELECT c.program_id, s.period INTO STRICT program, service
    FROM statements s JOIN contracts c ON c.id = s.contract_id WHERE s.id = NEW.statement_id;
  SELECT max(a.period) INTO closed FROM accounting_closings a WHERE a.program_id = program;
  IF NEW.accounting_period <= closed THEN
    RAISE EXCEPTION 'the books of % are closed up to %: nothing is booked in %', program, closed, NEW.accounting_period
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.accounting_period < service THEN
    RAISE EXCEPTION '% is of % and cannot be booked before, in %', NEW.id, service, NEW.accounting_period
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""
# A posting waits for a closing that is under way, and a closing for the postings that are.
CLOSING = """
CREATE FUNCTION require_later_closing() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last text;
BEGIN
  SELECT max(a.period) INTO last FROM accounting_closings a WHERE a.program_id = NEW.program_id;
  IF NEW.period <= last THEN
    RAISE EXCEPTION 'the books of % are closed up to % already', NEW.program_id, last USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""

# Two legs for each line that was posted and each accrual: balanced by what it is, and never apart from what it is of.
JOURNAL = """
CREATE VIEW journal_legs WITH (security_invoker = true) AS
WITH booked AS (
    SELECT l.id, l.posting_id, l.statement_id, l.decision_id, l.conversion_id, l.delivered_on, l.event_at, l.rule, l.part,
           l.amount, l.corrects, l.position, 1 AS source,
           CASE WHEN r.kind = 'reversal' OR l.part LIKE 'reversal:%' THEN 'reversal'
                WHEN l.corrects IS NOT NULL THEN 'correction' ELSE 'payable' END AS kind
    FROM statement_lines l JOIN postings p ON p.id = l.posting_id LEFT JOIN billing_runs r ON r.id = p.run_id
    UNION ALL
    SELECT a.id, a.posting_id, a.statement_id, a.decision_id, a.conversion_id, a.delivered_on, a.event_at, a.rule, a.part,
           a.amount, NULL, a.position, 0, 'accrual'
    FROM accrual_lines a
)
SELECT p.position AS posting_position, b.source, b.position, leg.number AS leg, b.id AS line_id, b.posting_id, b.kind,
       leg.account, greatest(leg.amount, 0) AS debit, greatest(-leg.amount, 0) AS credit, s.currency,
       c.program_id, c.partner_id, s.contract_id, c.direction, d.contract_version,
       coalesce(d.record #>> '{rule_versions,payout,id}', d.record #>> '{rule_versions,delivery_payout,id}')
           AS rule_version,
       b.rule, b.part, b.decision_id, b.conversion_id, b.delivered_on, b.event_at, b.corrects, s.id AS statement_id,
       s.period AS service_period, p.accounting_period, p.posted_at
FROM booked b
JOIN postings p ON p.id = b.posting_id
JOIN statements s ON s.id = b.statement_id
JOIN contracts c ON c.id = s.contract_id
JOIN decisions d ON d.id = b.decision_id
CROSS JOIN LATERAL (VALUES
    (1, CASE c.direction WHEN 'payable' THEN 'expenses:partners'
             ELSE CASE b.kind WHEN 'accrual' THEN 'assets:accrued' ELSE 'assets:receivable' END END, b.amount),
    (2, CASE c.direction WHEN 'payable'
             THEN CASE b.kind WHEN 'accrual' THEN 'liabilities:accrued' ELSE 'liabilities:payable' END
             ELSE 'income:partners' END, -b.amount)
) AS leg (number, account, amount)
"""
NEVER = "CREATE TRIGGER never_{how} BEFORE {what} ON {table} FOR EACH {each} EXECUTE FUNCTION refuse_change()"
RENAMED = (
    ("ck", "balance"),
    ("ck", "never_paid_below_zero"),
    ("fk", "statement_id"),
    ("pk", ""),
)


def upgrade() -> None:
    _rename("billing_runs", "postings")
    op.alter_column("statement_lines", "run_id", new_column_name="posting_id")
    op.execute(
        "ALTER TABLE statement_lines RENAME CONSTRAINT fk_statement_lines_run_id TO fk_statement_lines_posting_id"
    )
    _runs()
    op.add_column("postings", sa.Column("run_id", TEXT, nullable=True))
    op.create_foreign_key(op.f("fk_postings_run_id"), "postings", "billing_runs", ["run_id"], ["id"])
    op.add_column("postings", sa.Column("accounting_period", TEXT, nullable=True))
    op.execute("ALTER TABLE postings DISABLE TRIGGER never_changes")
    op.execute("UPDATE postings p SET accounting_period = s.period FROM statements s WHERE s.id = p.statement_id")
    op.execute("ALTER TABLE postings ENABLE TRIGGER never_changes")
    op.alter_column("postings", "accounting_period", nullable=False)
    op.create_unique_constraint(op.f("uq_postings_statement_id_number"), "postings", ["statement_id", "number"])
    _accruals()
    _closings()
    op.execute(JOURNAL)


def downgrade() -> None:
    op.execute("DROP VIEW journal_legs")
    op.execute("DROP TRIGGER in_open_period ON postings")
    op.drop_table("accounting_closings")
    op.drop_table("accrual_lines")
    for name in ("require_open_period", "require_later_closing"):
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_constraint(op.f("uq_postings_statement_id_number"), "postings")
    op.drop_column("postings", "accounting_period")
    op.drop_column("postings", "run_id")
    for table in ("proposed_lines", "proposed_statements", "billing_run_progress", "billing_runs"):
        op.drop_table(table)
    op.execute("DROP FUNCTION guard_billing_run()")
    op.execute(
        "ALTER TABLE statement_lines RENAME CONSTRAINT fk_statement_lines_posting_id TO fk_statement_lines_run_id"
    )
    op.alter_column("statement_lines", "posting_id", new_column_name="run_id")
    _rename("postings", "billing_runs")


def _rename(old: str, new: str) -> None:
    op.rename_table(old, new)
    for kind, name in RENAMED:
        parts = [f"{kind}_{table}" + (f"_{name}" if name else "") for table in (old, new)]
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {parts[0]} TO {parts[1]}")
    op.execute(f"ALTER SEQUENCE {old}_position_seq RENAME TO {new}_position_seq")


def _runs() -> None:
    op.create_table(
        "billing_runs",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("program_id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reverses", TEXT),
        sa.Column("opened_by", TEXT, nullable=False),
        sa.Column("opened_at", AT, nullable=False),
        sa.Column("computed_at", AT),
        sa.Column("posted_by", TEXT),
        sa.Column("posted_at", AT),
        sa.Column("ended_by", TEXT),
        sa.Column("ended_at", AT),
        sa.Column("controls", postgresql.JSONB()),
        sa.Column("fault", postgresql.JSONB()),
        sa.CheckConstraint("kind IN ('bill', 'reversal')", name=op.f("ck_billing_runs_kind")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_billing_runs_state")),
        sa.CheckConstraint("(kind = 'reversal') = (reverses IS NOT NULL)", name=op.f("ck_billing_runs_reverses")),
        sa.CheckConstraint("posted_by <> opened_by", name=op.f("ck_billing_runs_posted_by_another")),
        sa.CheckConstraint(
            "posted_by IS NOT NULL OR state NOT IN ('posting', 'posted')",
            name=op.f("ck_billing_runs_posted_by_somebody"),
        ),
        sa.CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name=op.f("ck_billing_runs_posted_at")),
        sa.CheckConstraint("(fault IS NOT NULL) = (state = 'failed')", name=op.f("ck_billing_runs_fault")),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name=op.f("fk_billing_runs_program_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_billing_runs_contract_id")),
        sa.ForeignKeyConstraint(["reverses"], ["billing_runs.id"], name=op.f("fk_billing_runs_reverses")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_runs")),
    )
    op.create_index(
        "uq_billing_runs_open",
        "billing_runs",
        ["program_id", "contract_id", "period"],
        unique=True,
        postgresql_where=sa.text(f"state IN {OPEN}"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "uq_billing_runs_reverses",
        "billing_runs",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('cancelled', 'failed')"),
    )
    op.execute(GUARD_RUN)
    op.execute(
        "CREATE TRIGGER guarded BEFORE INSERT OR UPDATE OR DELETE ON billing_runs FOR EACH ROW"
        " EXECUTE FUNCTION guard_billing_run()"
    )
    op.execute(NEVER.format(how="truncated", what="TRUNCATE", table="billing_runs", each="STATEMENT"))
    op.create_table(
        "billing_run_progress",
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer()),
        sa.Column("at", AT, nullable=False),
        sa.Column("stop_asked_by", TEXT),
        sa.ForeignKeyConstraint(["run_id"], ["billing_runs.id"], name=op.f("fk_billing_run_progress_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_billing_run_progress")),
    )
    op.create_table(
        "proposed_statements",
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("after_postings", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("corrections", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("accruals", sa.Integer(), nullable=False),
        sa.Column("accrued", sa.Numeric(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("waiting_amount", sa.Numeric(), nullable=False),
        sa.Column("waiting_until", AT),
        sa.CheckConstraint("after_postings >= 0", name=op.f("ck_proposed_statements_after_postings")),
        sa.ForeignKeyConstraint(["run_id"], ["billing_runs.id"], name=op.f("fk_proposed_statements_run_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_proposed_statements_contract_id")),
        sa.PrimaryKeyConstraint("run_id", "contract_id", "period", name=op.f("pk_proposed_statements")),
    )
    op.create_table(
        "proposed_lines",
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        *_of_line(),
        sa.Column("is_accrual", sa.Boolean(), nullable=False),
        sa.Column("amount_precise", sa.Numeric(), nullable=False),
        sa.Column("corrects", TEXT),
        sa.CheckConstraint("is_accrual OR amount <> 0", name=op.f("ck_proposed_lines_amount_is_not_zero")),
        sa.CheckConstraint(SUBJECT, name=op.f("ck_proposed_lines_of_one_subject")),
        sa.ForeignKeyConstraint(["run_id"], ["billing_runs.id"], name=op.f("fk_proposed_lines_run_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_proposed_lines_decision_id")),
        sa.PrimaryKeyConstraint("run_id", "place", name=op.f("pk_proposed_lines")),
    )


def _of_line() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", TEXT, nullable=False),
        sa.Column("statement_id", TEXT, nullable=False),
        sa.Column("conversion_id", TEXT),
        sa.Column("delivered_on", sa.Date()),
        sa.Column("decision_id", TEXT, nullable=False),
        sa.Column("event_at", AT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("part", TEXT, nullable=False),
        sa.Column("formula", TEXT, nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
    )


def _accruals() -> None:
    op.create_table(
        "accrual_lines",
        *_of_line(),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("posting_id", TEXT, nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_accrual_lines_amount_is_not_zero")),
        sa.CheckConstraint(SUBJECT, name=op.f("ck_accrual_lines_of_one_subject")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_accrual_lines_statement_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"], name=op.f("fk_accrual_lines_posting_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_accrual_lines_decision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accrual_lines")),
    )
    op.create_index("ix_accrual_lines_statement", "accrual_lines", ["statement_id", "position"])
    _never_changes("accrual_lines")


def _closings() -> None:
    op.create_table(
        "accounting_closings",
        sa.Column("program_id", TEXT, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("closed_by", TEXT, nullable=False),
        sa.Column("closed_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name=op.f("fk_accounting_closings_program_id")),
        sa.PrimaryKeyConstraint("program_id", "period", name=op.f("pk_accounting_closings")),
    )
    _never_changes("accounting_closings")
    op.execute(OPEN_PERIOD)
    op.execute(CLOSING)
    op.execute(
        "CREATE TRIGGER in_open_period BEFORE INSERT ON postings FOR EACH ROW EXECUTE FUNCTION require_open_period()"
    )
    op.execute(
        "CREATE TRIGGER later BEFORE INSERT ON accounting_closings FOR EACH ROW"
        " EXECUTE FUNCTION require_later_closing()"
    )


def _never_changes(table: str) -> None:
    op.execute(NEVER.format(how="changes", what="UPDATE OR DELETE", table=table, each="ROW"))
    op.execute(NEVER.format(how="truncated", what="TRUNCATE", table=table, each="STATEMENT"))
