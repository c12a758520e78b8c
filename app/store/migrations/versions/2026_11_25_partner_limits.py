"""Index the rules that limit what a partner gets from all its contracts: settling asks for them before it locks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_partner_limits"
down_revision = "2026_11_25_several_partners"
branch_labels = None
depends_on = None

LIMITED = """body @> '{"limits": [{"per": "partner"}]}'::jsonb"""


def upgrade() -> None:
    where = sa.text(LIMITED)
    op.create_index("ix_rule_versions_partner_limits", "rule_versions", ["contract_version_id"], postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_rule_versions_partner_limits", "rule_versions")
