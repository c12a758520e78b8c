"""Contracts, their versions and the rule versions inside them, and who approved what under which policy."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.store.base import Base

STATES = ("draft", "submitted", "approved", "rejected", "withdrawn")
VERSION_KINDS = (
    "initial",
    "amendment",
    "promotion",
    "restoration",
    "renewal",
    "reinstatement",
    "termination",
    "expiry",
)
WITHOUT_TERMS = ("termination", "expiry")
IN_TIMELINE = text("recorded_at IS NOT NULL AND retired_at IS NULL")
LIMITS_A_PARTNER = text("""rule_versions.body @> '{"limits": [{"per": "partner"}]}'::jsonb""")


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

    `recorded_at` is the instant of the last approval it needed; `retired_at` the one at which it was taken back, or a
    later approval took its place. `in_force_from` is where it starts to govern: `effective_from`, unless it was
    back-dated prospectively.
    """

    state: Mapped[str]
    effective_from: Mapped[datetime]
    in_force_from: Mapped[datetime | None]
    backdated: Mapped[str | None]
    reason: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    # Everybody who wrote a part of it, in order; none of them can approve it.
    editors: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    revision: Mapped[int]
    edited_at: Mapped[datetime]
    submitted_by: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    approvals_needed: Mapped[int | None]
    approvals_because: Mapped[list[str] | None] = mapped_column(ARRAY(Text(collation="C")))
    approved_by: Mapped[str | None]
    recorded_at: Mapped[datetime | None]
    # Rejected by an approver, or withdrawn by somebody who may write.
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_because: Mapped[str | None]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]
    retired_because: Mapped[str | None]
    # The version that took its place at the same start; None where somebody retired it as a mistake.
    replaced_by: Mapped[str | None]

    @property
    def starts_at(self) -> datetime:
        """Where it starts to govern, or would if it were approved as it is."""
        return self.in_force_from or self.effective_from


def _approval_checks() -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state = 'approved') = (recorded_at IS NOT NULL)", name="approved_is_recorded"),
        CheckConstraint("(approved_by IS NULL) = (recorded_at IS NULL)", name="approved_by_somebody"),
        CheckConstraint("(in_force_from IS NULL) = (recorded_at IS NULL)", name="approved_is_in_force"),
        CheckConstraint(
            "in_force_from = CASE WHEN backdated = 'prospective' THEN GREATEST(effective_from, recorded_at)"
            " ELSE effective_from END",
            name="in_force_from",
        ),
        CheckConstraint("created_by = ANY (editors)", name="author_is_an_editor"),
        CheckConstraint("approved_by <> created_by", name="author_does_not_approve"),
        CheckConstraint("approved_by <> ALL (editors)", name="editor_does_not_approve"),
        CheckConstraint("approved_by <> submitted_by", name="submitter_does_not_approve"),
        CheckConstraint("approvals_needed BETWEEN 1 AND 10", name="approvals_needed"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("retired_at >= recorded_at", name="retired_after_recorded"),
        CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name="retired_by_somebody"),
        CheckConstraint("(state IN ('rejected', 'withdrawn')) = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
        CheckConstraint("state <> 'rejected' OR closed_because IS NOT NULL", name="rejected_with_a_reason"),
        CheckConstraint("backdated IN ('restate', 'prospective')", name="backdated"),
    )


class ContractVersion(_Approvable, Base):
    """The terms of a contract from an instant on. A termination has no rules, nor has the end of a fixed term."""

    __tablename__ = "contract_versions"

    id: Mapped[str] = mapped_column(primary_key=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"))
    number: Mapped[int]
    kind: Mapped[str]
    # Versions that are submitted and approved together carry the number of the first of them.
    bundle: Mapped[int | None]
    base_number: Mapped[int | None]
    # Whether the draft named its base, rather than starting from what is in force at its start.
    is_base_named: Mapped[bool]
    content_hash: Mapped[str]
    # What the contract is expected to be worth in its currency over its term; it decides who has to approve.
    value: Mapped[Decimal | None]
    # The local day on which the term ends, and whether and how it goes on then.
    ends_on: Mapped[date | None]
    renewal: Mapped[dict[str, Any] | None]
    # How long what it pays is held, when it is final, and until when conversions may be submitted.
    settlement: Mapped[dict[str, Any] | None]
    # The values of its rules' parameters, by name.
    params: Mapped[dict[str, Any]]

    rule_versions: Mapped[list[RuleVersion]] = relationship(
        order_by="(RuleVersion.kind, RuleVersion.number)", lazy="raise", cascade="all, delete-orphan"
    )

    @property
    def is_termination(self) -> bool:
        """Tell whether there are no terms from its start on."""
        return self.kind in WITHOUT_TERMS

    __table_args__ = (
        *_approval_checks(),
        UniqueConstraint("contract_id", "number"),
        CheckConstraint(f"kind IN {VERSION_KINDS}", name="kind"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("renewal ->> 'mode' IN ('none', 'fixed', 'evergreen')", name="renewal"),
        CheckConstraint("renewal ->> 'mode' <> 'fixed' OR ends_on IS NOT NULL", name="renewal_of_a_term"),
        CheckConstraint("jsonb_typeof(settlement) IN ('object', 'null')", name="settlement"),
        Index("uq_contract_versions_start", "contract_id", "in_force_from", unique=True, postgresql_where=IN_TIMELINE),
        Index("ix_contract_versions_expiry", "effective_from", postgresql_where=text("kind = 'expiry'")),
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
        CheckConstraint("number >= 1", name="number"),
        Index(
            "uq_rule_versions_start",
            "contract_version_id",
            "kind",
            "in_force_from",
            unique=True,
            postgresql_where=IN_TIMELINE,
        ),
        Index("ix_rule_versions_partner_limits", "contract_version_id", postgresql_where=LIMITS_A_PARTNER),
    )


class SavedDraft(Base):
    """What a draft said each time it was saved, so that it can be read as it was. It never changes."""

    __tablename__ = "saved_drafts"
    __table_args__ = (CheckConstraint("revision >= 1", name="revision"),)

    version_id: Mapped[str] = mapped_column(primary_key=True)  # of a contract version or a rule version
    revision: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]


class Approval(Base):
    """One person's yes to what a submitted version says. It never changes."""

    __tablename__ = "approvals"
    __table_args__ = (
        UniqueConstraint("contract_version_id", "approver"),
        UniqueConstraint("rule_version_id", "approver"),
        CheckConstraint("num_nonnulls(contract_version_id, rule_version_id) = 1", name="of_one_version"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    contract_version_id: Mapped[str | None] = mapped_column(ForeignKey("contract_versions.id"))
    rule_version_id: Mapped[str | None] = mapped_column(ForeignKey("rule_versions.id"))
    approver: Mapped[str]
    content_hash: Mapped[str]
    reason: Mapped[str | None]
    approved_at: Mapped[datetime]


class ApprovalPolicy(Base):
    """How many people have to approve what, in one program, from an instant on. It never changes; a later one counts."""

    __tablename__ = "approval_policies"
    __table_args__ = (CheckConstraint("number >= 1", name="number"),)

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    policy: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
