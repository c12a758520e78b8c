"""Pay for impressions: deliveries and their adjustments, what a contract version says about them, and decisions and
statement lines on the deliveries of a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_deliveries"
down_revision = "2026_11_25_exchange_rates"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C")
INSTANT = sa.DateTime(timezone=True)
NEVER_CHANGE = ("deliveries", "delivery_adjustments")
THREE = "kind IN ('eligibility', 'attribution', 'payout')"
FOUR = "kind IN ('eligibility', 'attribution', 'payout', 'delivery_payout')"
BASES = "delivery ->> 'basis' IN ('delivered', 'delivered_up_to_contracted', 'contracted_plus_overage', 'contracted')"
KEY = ["conversion_id", "program_id", "partner"]
UNIQUE: tuple[str, ...] = ("uq_decisions_conversion_id_program_id_partner_revision", "uq_decisions_revision")
ONE_SUBJECT = "(conversion_id IS NULL) = (delivered_on IS NOT NULL)"

GUARD = """
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.retired_at IS NOT NULL OR NEW.retired_at IS NULL
     OR NEW.digest <> OLD.digest OR NEW.record <> OLD.record OR NEW.amount <> OLD.amount
     OR NEW.outcome <> OLD.outcome OR NEW.id <> OLD.id OR NEW.recorded_at <> OLD.recorded_at
     OR NEW.program_id <> OLD.program_id OR NEW.revision <> OLD.revision
     OR NEW.event_at <> OLD.event_at OR NEW.currency <> OLD.currency OR NEW.before <> OLD.before OR NEW.adds <> OLD.adds
     OR (NEW.contract_id, NEW.contract_version, NEW.customer_order_number, NEW.partner, NEW.conversion_id{new})
        IS DISTINCT FROM
        (OLD.contract_id, OLD.contract_version, OLD.customer_order_number, OLD.partner, OLD.conversion_id{old}) THEN
    RAISE EXCEPTION 'the decision % never changes; it can be retired, once', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("contract_versions", sa.Column("delivery", postgresql.JSONB()))
    op.create_check_constraint(op.f("ck_contract_versions_delivery"), "contract_versions", BASES)
    op.drop_constraint(op.f("ck_rule_versions_kind"), "rule_versions")
    op.create_check_constraint(op.f("ck_rule_versions_kind"), "rule_versions", FOUR)
    _create_tables()
    for table in NEVER_CHANGE:
        op.execute(
            f"CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER never_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse_change()"
        )
    op.alter_column("decisions", "conversion_id", nullable=True)
    op.add_column("decisions", sa.Column("delivered_on", sa.Date()))
    op.create_check_constraint(op.f("ck_decisions_of_one_subject"), "decisions", ONE_SUBJECT)
    op.create_check_constraint(
        op.f("ck_decisions_deliveries_of_a_contract"), "decisions", "delivered_on IS NULL OR contract_id IS NOT NULL"
    )
    _key_decisions(UNIQUE, [*KEY, "delivered_on"])
    op.execute(GUARD.format(new=", NEW.delivered_on", old=", OLD.delivered_on"))
    op.alter_column("statement_lines", "conversion_id", nullable=True)
    op.add_column("statement_lines", sa.Column("delivered_on", sa.Date()))
    op.create_check_constraint(op.f("ck_statement_lines_of_one_subject"), "statement_lines", ONE_SUBJECT)


def _create_tables() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("placement", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("body_hash", TEXT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_deliveries_revision")),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_deliveries_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "contract_id",
            "delivered_on",
            "placement",
            "source",
            "revision",
            name="uq_deliveries_revision",
        ),
    )
    op.create_table(
        "delivery_adjustments",
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("repairs_on", sa.Date(), nullable=False),
        sa.Column("placement", TEXT, nullable=True),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("body_hash", TEXT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('make_good', 'credit')", name=op.f("ck_delivery_adjustments_kind")),
        sa.CheckConstraint("repairs_on <= delivered_on", name=op.f("ck_delivery_adjustments_repairs_what_was")),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_delivery_adjustments_contract_id")),
        sa.PrimaryKeyConstraint("contract_id", "id", name=op.f("pk_delivery_adjustments")),
    )
    op.create_index("ix_delivery_adjustments_day", "delivery_adjustments", ["contract_id", "delivered_on"])
    op.create_table(
        "unsettled_days",
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("program_id", TEXT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_unsettled_days_contract_id")),
        sa.PrimaryKeyConstraint("contract_id", "delivered_on", name=op.f("pk_unsettled_days")),
    )
    op.create_index("ix_unsettled_days_program", "unsettled_days", ["program_id", "due_at"])


def _key_decisions(names: tuple[str, ...], columns: list[str]) -> None:
    """Let what there is one decision of be another thing than before."""
    op.drop_constraint(names[0], "decisions")
    op.create_unique_constraint(names[1], "decisions", [*columns, "revision"], postgresql_nulls_not_distinct=True)
    op.drop_index("uq_decisions_current", "decisions")
    op.create_index(
        "uq_decisions_current",
        "decisions",
        columns,
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    # What was decided and billed of deliveries has no place before: a database that holds such rows does not go back.
    op.drop_constraint(op.f("ck_statement_lines_of_one_subject"), "statement_lines")
    op.drop_column("statement_lines", "delivered_on")
    op.alter_column("statement_lines", "conversion_id", nullable=False)
    _key_decisions(UNIQUE[::-1], KEY)
    op.execute(GUARD.format(new="", old=""))
    op.drop_constraint(op.f("ck_decisions_deliveries_of_a_contract"), "decisions")
    op.drop_constraint(op.f("ck_decisions_of_one_subject"), "decisions")
    op.drop_column("decisions", "delivered_on")
    op.alter_column("decisions", "conversion_id", nullable=False)
    for table in ("unsettled_days", "delivery_adjustments", "deliveries"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_rule_versions_kind"), "rule_versions")
    op.create_check_constraint(op.f("ck_rule_versions_kind"), "rule_versions", THREE)
    op.drop_constraint(op.f("ck_contract_versions_delivery"), "contract_versions")
    op.drop_column("contract_versions", "delivery")
