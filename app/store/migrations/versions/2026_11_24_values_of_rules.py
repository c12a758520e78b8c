"""Add what rules take values from: parameters of contract versions, named lists, facts of programs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_values_of_rules"
down_revision = "2026_11_23_first_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "named_lists",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=True),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("type IN ('text', 'integer', 'decimal', 'date')", name=op.f("ck_named_lists_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_lists")),
    )
    op.create_table(
        "list_versions",
        sa.Column("list_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(collation="C"), nullable=False),
        sa.Column("members", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("jsonb_array_length(members) BETWEEN 1 AND 10000", name=op.f("ck_list_versions_members")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_list_versions_number")),
        sa.ForeignKeyConstraint(["list_id"], ["named_lists.id"], name=op.f("fk_list_versions_list_id")),
        sa.PrimaryKeyConstraint("list_id", "number", name=op.f("pk_list_versions")),
    )
    for table, column in (("programs", "facts"), ("contract_versions", "params"), ("rule_versions", "lists")):
        empty = sa.text("'{}'::jsonb")
        op.add_column(table, sa.Column(column, postgresql.JSONB(), nullable=False, server_default=empty))
        op.alter_column(table, column, server_default=None)


def downgrade() -> None:
    for table, column in (("programs", "facts"), ("contract_versions", "params"), ("rule_versions", "lists")):
        op.drop_column(table, column)
    op.drop_table("list_versions")
    op.drop_table("named_lists")
