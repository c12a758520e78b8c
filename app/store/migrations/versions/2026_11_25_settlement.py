"""Let contract versions agree when conversions are held, locked and too late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_settlement"
down_revision = "2026_11_25_partner_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contract_versions", sa.Column("settlement", postgresql.JSONB(), nullable=True))
    op.create_check_constraint(
        op.f("ck_contract_versions_settlement"), "contract_versions", "jsonb_typeof(settlement) IN ('object', 'null')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_contract_versions_settlement"), "contract_versions")
    op.drop_column("contract_versions", "settlement")
