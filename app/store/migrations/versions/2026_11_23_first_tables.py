"""Create the first tables: partners to statements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_first_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.Text(collation="C"), nullable=False),
        sa.Column("key_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('ops', 'approver', 'billing', 'finance', 'qa', 'partner', 'admin')", name=op.f("ck_api_keys_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("summary", sa.Text(collation="C"), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_subject"), "audit_events", ["subject"], unique=False)
    op.create_table(
        "partners",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
    )
    op.create_table(
        "programs",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("timezone", sa.Text(collation="C"), nullable=False),
        sa.Column("attribution", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programs")),
    )
    op.create_table(
        "unsettled_conversions",
        sa.Column("conversion_id", sa.Text(collation="C"), nullable=False),
        sa.Column("program_id", sa.Text(collation="C"), nullable=False),
        sa.Column("partner", sa.Text(collation="C"), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("conversion_id", "program_id", name=op.f("pk_unsettled_conversions")),
    )
    op.create_table(
        "contracts",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("program_id", sa.Text(collation="C"), nullable=False),
        sa.Column("partner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("direction", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("timezone", sa.Text(collation="C"), nullable=False),
        sa.Column("rounding", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("direction IN ('payable', 'receivable')", name=op.f("ck_contracts_direction")),
        sa.CheckConstraint("rounding IN ('half_away', 'half_even')", name=op.f("ck_contracts_rounding")),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_contracts_partner_id")),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name=op.f("fk_contracts_program_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("program_id", "partner_id", name=op.f("uq_contracts_program_id_partner_id")),
    )
    op.create_table(
        "conversions",
        sa.Column("program_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("partner", sa.Text(collation="C"), nullable=True),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body_hash", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name=op.f("fk_conversions_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_conversions")),
    )
    op.create_index(
        "ix_conversions_customer", "conversions", ["program_id", "customer_id", "event_at", "id"], unique=False
    )
    op.create_index("ix_conversions_partner", "conversions", ["program_id", "partner", "event_at", "id"], unique=False)
    op.create_table(
        "contract_versions",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("contract_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_termination", sa.Boolean(), nullable=False),
        sa.Column("base_number", sa.Integer(), nullable=True),
        sa.Column("content_hash", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backdated", sa.Text(collation="C"), nullable=True),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.Text(collation="C"), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Text(collation="C"), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'approved') = (recorded_at IS NOT NULL)", name=op.f("ck_contract_versions_approved_is_recorded")
        ),
        sa.CheckConstraint("backdated IN ('restate', 'prospective')", name=op.f("ck_contract_versions_backdated")),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'rejected', 'withdrawn')",
            name=op.f("ck_contract_versions_state"),
        ),
        sa.CheckConstraint(
            "(approved_by IS NULL) = (recorded_at IS NULL)", name=op.f("ck_contract_versions_approved_by_somebody")
        ),
        sa.CheckConstraint("approved_by <> created_by", name=op.f("ck_contract_versions_author_does_not_approve")),
        sa.CheckConstraint("approved_by <> submitted_by", name=op.f("ck_contract_versions_submitter_does_not_approve")),
        sa.CheckConstraint("retired_at >= recorded_at", name=op.f("ck_contract_versions_retired_after_recorded")),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_contract_versions_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_versions")),
        sa.UniqueConstraint("contract_id", "number", name=op.f("uq_contract_versions_contract_id_number")),
    )
    op.create_index(
        "uq_contract_versions_start",
        "contract_versions",
        ["contract_id", "effective_from"],
        unique=True,
        postgresql_where=sa.text("recorded_at IS NOT NULL AND retired_at IS NULL"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("program_id", sa.Text(collation="C"), nullable=False),
        sa.Column("conversion_id", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Text(collation="C"), nullable=True),
        sa.Column("contract_version", sa.Integer(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_order_number", sa.Integer(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome <> 'rated' OR contract_version IS NOT NULL", name=op.f("ck_decisions_rated_under_terms")
        ),
        sa.CheckConstraint("outcome = 'rated' OR amount = 0", name=op.f("ck_decisions_only_rated_pays")),
        sa.CheckConstraint(
            "outcome IN ('rated', 'ineligible', 'held', 'unattributed', 'no_contract')",
            name=op.f("ck_decisions_outcome"),
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_decisions_contract_id")),
        sa.ForeignKeyConstraint(
            ["program_id", "conversion_id"],
            ["conversions.program_id", "conversions.id"],
            name=op.f("fk_decisions_program_id_conversion_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint(
            "conversion_id", "program_id", "revision", name=op.f("uq_decisions_conversion_id_program_id_revision")
        ),
    )
    op.create_index(
        "ix_decisions_contract",
        "decisions",
        ["contract_id", "event_at", "conversion_id"],
        unique=False,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_index(
        "uq_decisions_current",
        "decisions",
        ["conversion_id", "program_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("contract_id", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_statements_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("contract_id", "period", name=op.f("uq_statements_contract_id_period")),
    )
    op.create_table(
        "billing_runs",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("statement_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("posted_by", sa.Text(collation="C"), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_billing_runs_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_runs")),
    )
    op.create_table(
        "rule_versions",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("contract_version_id", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.Text(collation="C"), nullable=False),
        sa.Column("is_inherited", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backdated", sa.Text(collation="C"), nullable=True),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.Text(collation="C"), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Text(collation="C"), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'approved') = (recorded_at IS NOT NULL)", name=op.f("ck_rule_versions_approved_is_recorded")
        ),
        sa.CheckConstraint("backdated IN ('restate', 'prospective')", name=op.f("ck_rule_versions_backdated")),
        sa.CheckConstraint("kind IN ('eligibility', 'attribution', 'payout')", name=op.f("ck_rule_versions_kind")),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'rejected', 'withdrawn')", name=op.f("ck_rule_versions_state")
        ),
        sa.CheckConstraint(
            "(approved_by IS NULL) = (recorded_at IS NULL)", name=op.f("ck_rule_versions_approved_by_somebody")
        ),
        sa.CheckConstraint("approved_by <> created_by", name=op.f("ck_rule_versions_author_does_not_approve")),
        sa.CheckConstraint("approved_by <> submitted_by", name=op.f("ck_rule_versions_submitter_does_not_approve")),
        sa.CheckConstraint("retired_at >= recorded_at", name=op.f("ck_rule_versions_retired_after_recorded")),
        sa.ForeignKeyConstraint(
            ["contract_version_id"], ["contract_versions.id"], name=op.f("fk_rule_versions_contract_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_versions")),
        sa.UniqueConstraint(
            "contract_version_id", "kind", "number", name=op.f("uq_rule_versions_contract_version_id_kind_number")
        ),
    )
    op.create_index(
        "uq_rule_versions_start",
        "rule_versions",
        ["contract_version_id", "kind", "effective_from"],
        unique=True,
        postgresql_where=sa.text("recorded_at IS NOT NULL AND retired_at IS NULL"),
    )
    op.create_table(
        "statement_lines",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("statement_id", sa.Text(collation="C"), nullable=False),
        sa.Column("run_id", sa.Text(collation="C"), nullable=False),
        sa.Column("conversion_id", sa.Text(collation="C"), nullable=False),
        sa.Column("decision_id", sa.Text(collation="C"), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.Text(collation="C"), nullable=False),
        sa.Column("formula", sa.Text(collation="C"), nullable=False),
        sa.Column("amount_precise", sa.Numeric(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("corrects", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_statement_lines_amount_is_not_zero")),
        sa.ForeignKeyConstraint(["corrects"], ["statement_lines.id"], name=op.f("fk_statement_lines_corrects")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_statement_lines_decision_id")),
        sa.ForeignKeyConstraint(["run_id"], ["billing_runs.id"], name=op.f("fk_statement_lines_run_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_statement_lines_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_lines")),
    )
    op.create_index("ix_statement_lines_statement", "statement_lines", ["statement_id", "position"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_statement_lines_statement", table_name="statement_lines")
    op.drop_table("statement_lines")
    op.drop_index(
        "uq_rule_versions_start",
        table_name="rule_versions",
        postgresql_where=sa.text("recorded_at IS NOT NULL AND retired_at IS NULL"),
    )
    op.drop_table("rule_versions")
    op.drop_table("billing_runs")
    op.drop_table("statements")
    op.drop_index("uq_decisions_current", table_name="decisions", postgresql_where=sa.text("retired_at IS NULL"))
    op.drop_index("ix_decisions_contract", table_name="decisions", postgresql_where=sa.text("retired_at IS NULL"))
    op.drop_table("decisions")
    op.drop_index(
        "uq_contract_versions_start",
        table_name="contract_versions",
        postgresql_where=sa.text("recorded_at IS NOT NULL AND retired_at IS NULL"),
    )
    op.drop_table("contract_versions")
    op.drop_index("ix_conversions_partner", table_name="conversions")
    op.drop_index("ix_conversions_customer", table_name="conversions")
    op.drop_table("conversions")
    op.drop_table("contracts")
    op.drop_table("unsettled_conversions")
    op.drop_table("programs")
    op.drop_table("partners")
    op.drop_index(op.f("ix_audit_events_subject"), table_name="audit_events")
    op.drop_table("audit_events")
    op.drop_table("api_keys")
