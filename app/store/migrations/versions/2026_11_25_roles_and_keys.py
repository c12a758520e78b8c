"""Work in roles of the database, and give API keys several secrets, an end, a partner and scopes.

Keys that there are stay valid: their hashes move, unread, to the table of secrets. Keys for partners could do nothing so
far and belong to no partner; they are revoked.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.store.grants import revoke_all
from app.store.roles import APPLICATION, drop_unused_roles, ensure_roles

revision = "2026_11_25_roles_and_keys"
down_revision = "2026_11_25_audit_chain"
branch_labels = None
depends_on = None

TEXT, INSTANT = sa.Text(collation="C"), sa.DateTime(timezone=True)
# Only the owner of a table may ANALYZE it (before PostgreSQL 17), and the application is not.
STATISTICS = """
CREATE FUNCTION refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$ BEGIN ANALYZE conversions, decisions, unsettled_conversions; END $$
"""


def upgrade() -> None:
    ensure_roles(op.get_bind())
    op.execute(STATISTICS)
    op.execute("REVOKE ALL ON FUNCTION refresh_statistics() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION refresh_statistics() TO {APPLICATION}")
    op.create_table(
        "installation_secrets",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_secrets")),
    )
    op.create_table(
        "api_key_secrets",
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=True),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("pepper", TEXT, nullable=True),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("refused_at", INSTANT, nullable=True),
        sa.CheckConstraint("slot IN (1, 2)", name=op.f("ck_api_key_secrets_slot")),
        sa.CheckConstraint("algorithm IN ('hmac-sha256', 'sha256')", name=op.f("ck_api_key_secrets_algorithm")),
        sa.CheckConstraint(
            "(algorithm = 'hmac-sha256') = (pepper IS NOT NULL)", name=op.f("ck_api_key_secrets_hmac_has_a_pepper")
        ),
        sa.CheckConstraint("revoked_at IS NULL OR slot IS NULL", name=op.f("ck_api_key_secrets_revoked_has_no_slot")),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_api_key_secrets_key_id")),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_api_key_secrets")),
        sa.UniqueConstraint("key_id", "slot", name=op.f("uq_api_key_secrets_key_id_slot")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_secrets_hash")),
    )
    op.execute(
        "INSERT INTO api_key_secrets (prefix, key_id, slot, algorithm, hash, created_at)"
        " SELECT 'tl_old_' || left(key_hash, 12), id, 1, 'sha256', key_hash, created_at FROM api_keys"
    )
    op.drop_column("api_keys", "key_hash")
    op.add_column("api_keys", sa.Column("partner_id", TEXT, nullable=True))
    op.add_column("api_keys", sa.Column("scopes", sa.ARRAY(TEXT), nullable=True))
    op.add_column("api_keys", sa.Column("created_by", TEXT, nullable=True))
    op.add_column("api_keys", sa.Column("expires_at", INSTANT, nullable=True))
    op.add_column("api_keys", sa.Column("revoked_at", INSTANT, nullable=True))
    op.execute("UPDATE api_keys SET revoked_at = created_at WHERE role = 'partner'")
    op.create_foreign_key(op.f("fk_api_keys_partner_id"), "api_keys", "partners", ["partner_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_api_keys_partners_have_a_partner"),
        "api_keys",
        "(role = 'partner') = (partner_id IS NOT NULL) OR revoked_at IS NOT NULL",
    )
    op.create_check_constraint(op.f("ck_api_keys_scopes_are_some"), "api_keys", "cardinality(scopes) > 0")


def downgrade() -> None:
    """The release before knows only plain hashes: keys made since are not known to it, unless they are made again."""
    revoke_all(op.get_bind())
    for constraint in ("scopes_are_some", "partners_have_a_partner"):
        op.drop_constraint(op.f(f"ck_api_keys_{constraint}"), "api_keys")
    for column in ("revoked_at", "expires_at", "created_by", "scopes", "partner_id"):
        op.drop_column("api_keys", column)
    op.add_column("api_keys", sa.Column("key_hash", TEXT, nullable=True))
    op.execute(
        "UPDATE api_keys SET key_hash = coalesce((SELECT hash FROM api_key_secrets WHERE key_id = api_keys.id"
        " AND algorithm = 'sha256' AND revoked_at IS NULL), 'none: ' || id)"
    )
    op.alter_column("api_keys", "key_hash", nullable=False)
    op.create_unique_constraint(op.f("uq_api_keys_key_hash"), "api_keys", ["key_hash"])
    op.drop_table("api_key_secrets")
    op.drop_table("installation_secrets")
    op.execute("DROP FUNCTION refresh_statistics()")
    drop_unused_roles(op.get_bind())
