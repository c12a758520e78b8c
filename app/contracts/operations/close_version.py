"""End the life of what is not approved yet: an approver rejects it, or whoever may write withdraws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.bundles import bundle_of, refuse_follower, refuse_part
from app.contracts.operations.edit_version import Check
from app.contracts.proposals import check_reason, refusal
from app.contracts.repository import contract_named, rule_version_numbered, version_numbered, versions_of
from app.runtime import Context
from app.store.models import ContractVersion, RuleVersion

Close = Callable[..., None]


def reject_version(
    ctx: Context, *, contract: str, number: int, reason: str | None = None, check: Check | None = None
) -> ContractVersion:
    """Reject a submitted contract version and its bundle, with a reason for whoever wrote it."""
    return _close_version(ctx, contract, number, reason, check, "rejected")


def withdraw_version(
    ctx: Context, *, contract: str, number: int, reason: str | None = None, check: Check | None = None
) -> ContractVersion:
    """Withdraw a contract version that is not approved, and its bundle."""
    return _close_version(ctx, contract, number, reason, check, "withdrawn")


def reject_rule_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    kind: str,
    rule_number: int,
    reason: str | None = None,
    check: Check | None = None,
) -> RuleVersion:
    """Reject a submitted rule version, with a reason for whoever wrote it."""
    return _close_rule_version(ctx, (contract, number, kind, rule_number), reason, check, "rejected")


def withdraw_rule_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    kind: str,
    rule_number: int,
    reason: str | None = None,
    check: Check | None = None,
) -> RuleVersion:
    """Withdraw a rule version that is not approved."""
    return _close_rule_version(ctx, (contract, number, kind, rule_number), reason, check, "withdrawn")


_CLOSE: dict[str, Close] = {"rejected": lifecycle.reject, "withdrawn": lifecycle.withdraw}


def _close_version(
    ctx: Context, contract: str, number: int, reason: str | None, check: Check | None, state: str
) -> ContractVersion:
    _require_sentence(reason)
    contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    if check is not None:
        check(version)
    members = bundle_of(versions_of(ctx.session, contract), version)
    if version.state == "draft":
        refuse_follower(version)
    for member in members:
        _CLOSE[state](member, ctx.actor, ctx.now(), reason)
        ctx.session.flush()
        for rule in member.rule_versions:
            _CLOSE[state](rule, ctx.actor, ctx.now(), reason)
        record(ctx, f"contract_version.{state}", member.id, f"{member.id} {state} by {ctx.actor}", reason=reason)
    ctx.session.flush()
    return version


def _close_rule_version(
    ctx: Context, which: Sequence[object], reason: str | None, check: Check | None, state: str
) -> RuleVersion:
    _require_sentence(reason)
    contract, number, kind, rule_number = which
    contract_named(ctx.session, str(contract), lock=True)
    version = version_numbered(ctx.session, str(contract), int(str(number)))
    rule = rule_version_numbered(version, str(kind), int(str(rule_number)))
    if check is not None:
        check(version)
    refuse_part(version, rule)
    _CLOSE[state](rule, ctx.actor, ctx.now(), reason)
    record(ctx, f"rule_version.{state}", rule.id, f"{rule.id} {state} by {ctx.actor}", reason=reason)
    ctx.session.flush()
    return rule


def _require_sentence(reason: str | None) -> None:
    wrong = check_reason(reason)
    if wrong:
        raise refusal(wrong)
