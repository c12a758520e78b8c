"""Addresses of the rule versions inside a contract version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.contracts import errors
from app.contracts.describe import (
    rule_version_data,
    version_data,
)
from app.contracts.known import present_version
from app.contracts.operations.approve_version import approve_rule_version
from app.contracts.operations.close_version import (
    reject_rule_version,
    withdraw_rule_version,
)
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.edit_version import edit_rule_version
from app.contracts.operations.retire_version import retire_rule_version
from app.contracts.operations.submit_version import submit_rule_version
from app.contracts.repository import (
    contract_named,
    rule_version_numbered,
)
from app.contracts.routes import APPROVAL, CLOSING, MISSING, RETIREMENT, RULE_VERSION, SUBMISSION, VERSION, routes
from app.contracts.schemas import (
    Because,
    EditedRuleVersion,
    NewRuleVersion,
    RuleVersionShown,
    Why,
)
from app.contracts.version_routes import known_at
from app.runtime import Context
from app.store.models import RuleVersion
from app.web.as_of import LocalAsOf, LocalPageAsOf
from app.web.operation_doc import Leads
from app.web.pagination import Page

__all__ = ["routes"]

OF_RULES = ("show_rule_version", "submit_rules", "approve_rules")


def rules_shown(ctx: Context, row: RuleVersion) -> dict[str, Any]:
    """Show a rule version as it has just become."""
    ctx.session.flush()
    contract, number = row.contract_version_id.rsplit("/", 1)
    known = present_version(ctx, contract, int(number))
    return rule_version_data(known, rule_version_numbered(known.row, row.kind, row.number))


def held_rules(ctx: Context, contract: str, number: int, kind: str, rule_number: int) -> dict[str, Any]:
    """Return a rule version as it is shown, while nobody else can change it."""
    contract_named(ctx.session, contract, lock=True)
    known = present_version(ctx, contract, number)
    return rule_version_data(known, rule_version_numbered(known.row, kind, rule_number))


@routes.writes(
    f"{VERSION}/rule-versions",
    needs="configure",
    takes=NewRuleVersion,
    shows=RuleVersionShown,
    status=201,
    refuses=(*MISSING, errors.VersionRefused, errors.WrongState, errors.OutsideContractVersion),
    location="/v1/contracts/{contract}/versions/{given[number]}/rule-versions/{kind}/{number}",
    once="required",
    tagged=True,
    leads_to=Leads(*OF_RULES, contract="path.contract", number="path.number", kind="/kind", rule_number="/number"),
)
def add_rule_version(ctx: Context, contract: str, number: int, **body: Any) -> dict[str, Any]:
    """Draft a rule version inside an approved contract version.

    A new rate from a date on, while the contract's other terms stay as they are.
    """
    return rules_shown(ctx, draft_rule_version(ctx, contract=contract, number=number, **body))


@routes.lists(
    f"{VERSION}/rule-versions",
    needs="read_own",
    shows=RuleVersionShown,
    cursor=lambda row: (row["id"],),
    query=LocalPageAsOf,
    refuses=(*MISSING, errors.InstantRefused),
)
def list_rule_versions(
    ctx: Context, contract: str, number: int, page: Page, as_of: str | None = None
) -> Sequence[dict[str, Any]]:
    """List the rule versions of a contract version, by kind and number."""
    rows = version_data(known_at(ctx, contract, number, as_of))["rule_versions"]
    found: Sequence[dict[str, Any]] = page.rest_of(rows, lambda row: str(row["id"]))
    return found


@routes.reads(
    RULE_VERSION,
    needs="read_own",
    query=LocalAsOf,
    shows=RuleVersionShown,
    refuses=(*MISSING, errors.InstantRefused),
    tagged=True,
)
def show_rule_version(
    ctx: Context, contract: str, number: int, kind: str, rule_number: int, as_of: str | None = None
) -> dict[str, Any]:
    """Show a rule version."""
    known = known_at(ctx, contract, number, as_of)
    rule = rule_version_numbered(known.row, kind, rule_number)
    if rule.created_at > known.as_of:
        raise errors.VersionNotFound(f"Version {number} of {contract} has no {kind} rule version {rule_number}.")
    return rule_version_data(known, rule)


@routes.edits(
    RULE_VERSION,
    needs="configure",
    takes=EditedRuleVersion,
    shows=RuleVersionShown,
    revision=held_rules,
    refuses=(*MISSING, errors.VersionRefused, errors.WrongState, errors.PartOfBundle, errors.OutsideContractVersion),
)
def edit_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Edit a drafted rule version. What it says is replaced; whoever edits it cannot approve it."""
    return rules_shown(ctx, edit_rule_version(ctx, **given))


@routes.writes(
    f"{RULE_VERSION}/submit",
    needs="configure",
    takes=Why,
    may_be_empty=True,
    shows=RuleVersionShown,
    refuses=SUBMISSION,
    revision=held_rules,
)
def submit_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Submit a drafted rule version for approval.

    The rules are analysed and tried out on the rules engine first.
    """
    return rules_shown(ctx, submit_rule_version(ctx, **given))


@routes.writes(
    f"{RULE_VERSION}/approve",
    needs="approve",
    takes=Why,
    may_be_empty=True,
    shows=RuleVersionShown,
    refuses=(*APPROVAL, errors.OutsideContractVersion),
    revision=held_rules,
)
def approve_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Approve a submitted rule version.

    It is in force from its start until the next rule version of its kind, or the next contract version, starts.
    """
    return rules_shown(ctx, approve_rule_version(ctx, **given))


@routes.writes(
    f"{RULE_VERSION}/reject",
    needs="approve",
    takes=Because,
    shows=RuleVersionShown,
    refuses=CLOSING,
    revision=held_rules,
)
def reject_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Reject a submitted rule version, with a reason for whoever wrote it."""
    return rules_shown(ctx, reject_rule_version(ctx, **given))


@routes.writes(
    f"{RULE_VERSION}/withdraw",
    needs="configure",
    takes=Why,
    may_be_empty=True,
    shows=RuleVersionShown,
    refuses=CLOSING,
    revision=held_rules,
)
def withdraw_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Withdraw a rule version that is not approved."""
    return rules_shown(ctx, withdraw_rule_version(ctx, **given))


@routes.writes(
    f"{RULE_VERSION}/retire",
    needs="approve",
    takes=Because,
    shows=RuleVersionShown,
    refuses=RETIREMENT,
    revision=held_rules,
)
def retire_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Retire a rule version that was approved by mistake. The one before it goes on."""
    return rules_shown(ctx, retire_rule_version(ctx, **given))
