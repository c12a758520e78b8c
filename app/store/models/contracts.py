"""Contracts, their versions and the rule versions inside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.store.base import Base

STATES = ("draft", "submitted", "approved", "rejected", "withdrawn")
IN_TIMELINE = text("recorded_at IS NOT NULL AND retired_at IS NULL")


class Contract(Base):
    """A program and a partner, who pays whom, and in which money and zone."""

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("program_id", "partner_id"),
        CheckConstraint("direction IN ('payable', 'receivable')", name="direction"),
        CheckConstraint("rounding IN ('half_away', 'half_even')", name="rounding"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"))
    direction: Mapped[str]
    currency: Mapped[str]
    timezone: Mapped[str]
    rounding: Mapped[str]
    created_at: Mapped[datetime]

    versions: Mapped[list[ContractVersion]] = relationship(order_by="ContractVersion.number", lazy="raise")


class _Approvable:
    """What every approved thing has: when it applies from, who wrote, submitted and approved it, and when.

    `recorded_at` is the instant of approval; `retired_at` the one at which a later approval took its place.
    """

    state: Mapped[str]
    effective_from: Mapped[datetime]
    backdated: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    submitted_by: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    approved_by: Mapped[str | None]
    recorded_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


def _approval_checks() -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state = 'approved') = (recorded_at IS NOT NULL)", name="approved_is_recorded"),
        CheckConstraint("(approved_by IS NULL) = (recorded_at IS NULL)", name="approved_by_somebody"),
        CheckConstraint("approved_by <> created_by", name="author_does_not_approve"),
        CheckConstraint("approved_by <> submitted_by", name="submitter_does_not_approve"),
        CheckConstraint("retired_at >= recorded_at", name="retired_after_recorded"),
        CheckConstraint("backdated IN ('restate', 'prospective')", name="backdated"),
    )


class ContractVersion(_Approvable, Base):
    """The terms of a contract from an instant on. A termination has no rules."""

    __tablename__ = "contract_versions"

    id: Mapped[str] = mapped_column(primary_key=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"))
    number: Mapped[int]
    is_termination: Mapped[bool]
    base_number: Mapped[int | None]
    content_hash: Mapped[str | None]
    # The values of its rules' parameters, by name.
    params: Mapped[dict[str, Any]]

    rule_versions: Mapped[list[RuleVersion]] = relationship(
        order_by="(RuleVersion.kind, RuleVersion.number)", lazy="raise"
    )

    __table_args__ = (
        *_approval_checks(),
        UniqueConstraint("contract_id", "number"),
        Index("uq_contract_versions_start", "contract_id", "effective_from", unique=True, postgresql_where=IN_TIMELINE),
    )


class RuleVersion(_Approvable, Base):
    """One rule body from an instant on, inside one contract version."""

    __tablename__ = "rule_versions"

    id: Mapped[str] = mapped_column(primary_key=True)
    contract_version_id: Mapped[str] = mapped_column(ForeignKey("contract_versions.id"))
    kind: Mapped[str]
    number: Mapped[int]
    body: Mapped[dict[str, Any]]
    hash: Mapped[str]
    # The named lists it takes values from: {name: {"version", "hash"}}, written when it is approved.
    lists: Mapped[dict[str, Any]]
    # Whether a draft took it over from its base, rather than saying it itself.
    is_inherited: Mapped[bool]

    __table_args__ = (
        *_approval_checks(),
        UniqueConstraint("contract_version_id", "kind", "number"),
        CheckConstraint("kind IN ('eligibility', 'attribution', 'payout')", name="kind"),
        Index(
            "uq_rule_versions_start",
            "contract_version_id",
            "kind",
            "effective_from",
            unique=True,
            postgresql_where=IN_TIMELINE,
        ),
    )
