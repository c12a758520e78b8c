"""Let contract versions and rule versions live their whole life: editors, approvals, policies, renewals, retirement.

The invariants of that life are in the next migration.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_whole_life"
down_revision = "2026_11_25_reads"
branch_labels = None
depends_on = None

TABLES = ("contract_versions", "rule_versions")
IN_TIMELINE = sa.text("recorded_at IS NOT NULL AND retired_at IS NULL")
TEXT = sa.Text(collation="C")
INSTANT = sa.DateTime(timezone=True)
NEW: tuple[tuple[str, Any], ...] = (
    ("in_force_from", INSTANT),
    ("reason", TEXT),
    ("editors", sa.ARRAY(TEXT)),
    ("revision", sa.Integer()),
    ("edited_at", INSTANT),
    ("approvals_needed", sa.Integer()),
    ("approvals_because", sa.ARRAY(TEXT)),
    ("closed_by", TEXT),
    ("closed_at", INSTANT),
    ("closed_because", TEXT),
    ("retired_by", TEXT),
    ("retired_because", TEXT),
    ("replaced_by", TEXT),
)
REQUIRED = ("editors", "revision", "edited_at")
CHECKS = {
    "approved_is_in_force": "(in_force_from IS NULL) = (recorded_at IS NULL)",
    "in_force_from": "in_force_from = CASE WHEN backdated = 'prospective' THEN GREATEST(effective_from, recorded_at)"
    " ELSE effective_from END",
    "author_is_an_editor": "created_by = ANY (editors)",
    "editor_does_not_approve": "approved_by <> ALL (editors)",
    "approvals_needed": "approvals_needed BETWEEN 1 AND 10",
    "revision": "revision >= 1",
    "retired_by_somebody": "(retired_at IS NULL) = (retired_by IS NULL)",
    "closed": "(state IN ('rejected', 'withdrawn')) = (closed_at IS NOT NULL)",
    "closed_by_somebody": "(closed_at IS NULL) = (closed_by IS NULL)",
    "rejected_with_a_reason": "state <> 'rejected' OR closed_because IS NOT NULL",
    "number": "number >= 1",
}
OF_CONTRACT_VERSIONS = {
    "kind": "kind IN ('initial', 'amendment', 'promotion', 'restoration', 'renewal', 'reinstatement', 'termination',"
    " 'expiry')",
    "value": "value >= 0",
    "renewal": "renewal ->> 'mode' IN ('none', 'fixed', 'evergreen')",
    "renewal_of_a_term": "renewal ->> 'mode' <> 'fixed' OR ends_on IS NOT NULL",
}


def upgrade() -> None:
    op.add_column("contract_versions", sa.Column("kind", TEXT))
    op.add_column("contract_versions", sa.Column("bundle", sa.Integer()))
    op.add_column("contract_versions", sa.Column("is_base_named", sa.Boolean()))
    op.add_column("contract_versions", sa.Column("value", sa.Numeric()))
    op.add_column("contract_versions", sa.Column("ends_on", sa.Date()))
    op.add_column("contract_versions", sa.Column("renewal", postgresql.JSONB()))
    for table in TABLES:
        for name, type_ in NEW:
            op.add_column(table, sa.Column(name, type_))
    _fill()
    for name in ("kind", "is_base_named", "content_hash"):
        op.alter_column("contract_versions", name, nullable=False)
    op.drop_column("contract_versions", "is_termination")
    for table in TABLES:
        for name in REQUIRED:
            op.alter_column(table, name, nullable=False)
        for name, condition in CHECKS.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    for name, condition in OF_CONTRACT_VERSIONS.items():
        op.create_check_constraint(op.f(f"ck_contract_versions_{name}"), "contract_versions", condition)
    _index_starts("in_force_from")
    op.create_index(
        "ix_contract_versions_expiry",
        "contract_versions",
        ["effective_from"],
        postgresql_where=sa.text("kind = 'expiry'"),
    )
    _create_tables()


def _fill() -> None:
    """Say of what is there already what the new columns hold; they could not be there without it."""
    op.execute(
        "UPDATE contract_versions SET is_base_named = false, content_hash = coalesce(content_hash, ''), kind = CASE"
        " WHEN is_termination THEN 'termination' WHEN base_number IS NULL THEN 'initial' ELSE 'amendment' END"
    )
    for table in TABLES:
        op.execute(
            f"UPDATE {table} SET editors = ARRAY[created_by], revision = 1, edited_at = created_at,"
            " approvals_needed = CASE WHEN submitted_at IS NULL THEN NULL ELSE 1 END,"
            " approvals_because = CASE WHEN submitted_at IS NULL THEN NULL ELSE ARRAY[]::text[] END,"
            " in_force_from = CASE WHEN recorded_at IS NULL THEN NULL ELSE effective_from END,"
            " closed_at = CASE WHEN state IN ('rejected', 'withdrawn') THEN created_at END,"
            " closed_by = CASE WHEN state IN ('rejected', 'withdrawn') THEN created_by END,"
            " closed_because = CASE WHEN state = 'rejected' THEN 'not recorded' END,"
            " retired_by = CASE WHEN retired_at IS NULL THEN NULL ELSE 'not recorded' END"
        )


def _index_starts(column: str) -> None:
    op.drop_index("uq_contract_versions_start", "contract_versions", postgresql_where=IN_TIMELINE)
    op.drop_index("uq_rule_versions_start", "rule_versions", postgresql_where=IN_TIMELINE)
    op.create_index(
        "uq_contract_versions_start",
        "contract_versions",
        ["contract_id", column],
        unique=True,
        postgresql_where=IN_TIMELINE,
    )
    op.create_index(
        "uq_rule_versions_start",
        "rule_versions",
        ["contract_version_id", "kind", column],
        unique=True,
        postgresql_where=IN_TIMELINE,
    )


def _create_tables() -> None:
    op.create_table(
        "saved_drafts",
        sa.Column("version_id", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("saved_by", TEXT, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_saved_drafts_revision")),
        sa.PrimaryKeyConstraint("version_id", "revision", name=op.f("pk_saved_drafts")),
    )
    op.create_table(
        "approvals",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("contract_version_id", TEXT, nullable=True),
        sa.Column("rule_version_id", TEXT, nullable=True),
        sa.Column("approver", TEXT, nullable=False),
        sa.Column("content_hash", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("approved_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(contract_version_id, rule_version_id) = 1", name=op.f("ck_approvals_of_one_version")
        ),
        sa.ForeignKeyConstraint(
            ["contract_version_id"], ["contract_versions.id"], name=op.f("fk_approvals_contract_version_id")
        ),
        sa.ForeignKeyConstraint(["rule_version_id"], ["rule_versions.id"], name=op.f("fk_approvals_rule_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("contract_version_id", "approver", name=op.f("uq_approvals_contract_version_id_approver")),
        sa.UniqueConstraint("rule_version_id", "approver", name=op.f("uq_approvals_rule_version_id_approver")),
    )
    op.create_table(
        "approval_policies",
        sa.Column("program_id", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("policy", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_approval_policies_number")),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name=op.f("fk_approval_policies_program_id")),
        sa.PrimaryKeyConstraint("program_id", "number", name=op.f("pk_approval_policies")),
    )


def downgrade() -> None:
    op.drop_table("approval_policies")
    op.drop_table("approvals")
    op.drop_table("saved_drafts")
    op.drop_index("ix_contract_versions_expiry", "contract_versions", postgresql_where=sa.text("kind = 'expiry'"))
    _index_starts("effective_from")
    for name in OF_CONTRACT_VERSIONS:
        op.drop_constraint(op.f(f"ck_contract_versions_{name}"), "contract_versions")
    for table in TABLES:
        for name in CHECKS:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        for name, _ in NEW:
            op.drop_column(table, name)
    op.add_column("contract_versions", sa.Column("is_termination", sa.Boolean()))
    op.execute("UPDATE contract_versions SET is_termination = kind IN ('termination', 'expiry')")
    op.alter_column("contract_versions", "is_termination", nullable=False)
    op.alter_column("contract_versions", "content_hash", nullable=True)
    for name in ("kind", "bundle", "is_base_named", "value", "ends_on", "renewal"):
        op.drop_column("contract_versions", name)
