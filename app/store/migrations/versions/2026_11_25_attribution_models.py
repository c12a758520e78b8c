"""Keep the attribution models of programs, each from an instant on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_attribution_models"
down_revision = "2026_11_25_deliveries"
branch_labels = None
depends_on = None

TEXT, INSTANT = sa.Text(collation="C"), sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "attribution_models",
        sa.Column("program_id", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("effective_from", INSTANT, nullable=False),
        sa.Column("model", postgresql.JSONB(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("number >= 2", name=op.f("ck_attribution_models_number")),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name=op.f("fk_attribution_models_program_id")),
        sa.PrimaryKeyConstraint("program_id", "number", name=op.f("pk_attribution_models")),
    )
    for guard, when, each in (
        ("never_changes", "UPDATE OR DELETE", "ROW"),
        ("never_truncated", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER {guard} BEFORE {when} ON attribution_models"
            f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("attribution_models")
