"""API keys and their secrets. A secret itself is never stored, only what it is told by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base

ROLES = ("ops", "approver", "billing", "finance", "qa", "partner", "admin")
ALGORITHMS = ("hmac-sha256", "sha256")


class ApiKey(Base):
    """Who may call the API, in which role. The name is the actor in the audit trail, whatever secret is used."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(f"role IN {ROLES}", name="role"),
        CheckConstraint(
            "(role = 'partner') = (partner_id IS NOT NULL) OR revoked_at IS NOT NULL", name="partners_have_a_partner"
        ),
        CheckConstraint("cardinality(scopes) > 0", name="scopes_are_some"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    partner_id: Mapped[str | None] = mapped_column(ForeignKey("partners.id"))
    # The permissions of the role that it has; all of them when none are named.
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(Text(collation="C")))
    created_by: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiKeySecret(Base):
    """One secret of a key. It counts while it holds one of the key's two slots: there are never three."""

    __tablename__ = "api_key_secrets"
    __table_args__ = (
        UniqueConstraint("key_id", "slot"),
        CheckConstraint("slot IN (1, 2)", name="slot"),
        CheckConstraint(f"algorithm IN {ALGORITHMS}", name="algorithm"),
        CheckConstraint("(algorithm = 'hmac-sha256') = (pepper IS NOT NULL)", name="hmac_has_a_pepper"),
        CheckConstraint("revoked_at IS NULL OR slot IS NULL", name="revoked_has_no_slot"),
    )

    prefix: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    slot: Mapped[int | None] = mapped_column(SmallInteger)
    algorithm: Mapped[str]
    # Which pepper it was made with: not the pepper, a name for it.
    pepper: Mapped[str | None]
    hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    # Both to the minute: a busy key does not write at every request.
    last_used_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]


class InstallationSecret(Base):
    """What an installation made for itself by chance, once: the pepper of its keys where no setting has one."""

    __tablename__ = "installation_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    created_at: Mapped[datetime]
