"""Addresses of the contracts room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.contracts import errors
from app.contracts.clocks import instant_of
from app.contracts.describe import (
    checked_data,
    contract_data,
    policy_data,
    renewal_data,
    rule_version_data,
    terms_data,
    timeline_data,
    version_data,
)
from app.contracts.known import KnownVersion, known_version, known_versions
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.check_version import check_version
from app.contracts.operations.close_version import (
    reject_rule_version,
    reject_version,
    withdraw_rule_version,
    withdraw_version,
)
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.reinstate_contract import reinstate_contract
from app.contracts.operations.renewals_due import renewals_due
from app.contracts.operations.retire_version import retire_rule_version, retire_version
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.contracts.repository import (
    contract_named,
    contracts_after,
    policies_of,
    rule_version_numbered,
    versions_of_contracts,
)
from app.contracts.schemas import (
    Because,
    ContractShown,
    KnownPage,
    KnownQuery,
    NewContract,
    NewPolicy,
    NewPromotion,
    NewReinstatement,
    NewRenewal,
    NewRuleVersion,
    NewVersion,
    PolicyShown,
    PromotionShown,
    RenewalDueShown,
    RenewalsQuery,
    RuleVersionShown,
    TermsQuery,
    TermsShown,
    TimelineShown,
    VersionChecked,
    VersionShown,
    Why,
)
from app.contracts.status import contract_status
from app.engine.matcher import RulesNotRunnable, TrialNotRun
from app.partners.errors import PartnerNotFound, ProgramNotFound
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion
from app.web.blueprint import Room
from app.web.pagination import Page

routes = Room("contracts", __name__, "Contracts, their versions and rule versions, and the terms in force.")

CONTRACT = "/contracts/<identifier:contract>"
VERSION = f"{CONTRACT}/versions/<int(max=999999999):number>"
RULE_VERSION = f"{VERSION}/rule-versions/<any(eligibility, attribution, payout):kind>/<int(max=999999999):rule_number>"
POLICIES = "/programs/<identifier:program>/approval-policies"
TIMES = (errors.ContractNotFound, errors.InstantRefused)
MISSING = (errors.ContractNotFound, errors.VersionNotFound)
SUBMISSION = (*MISSING, errors.WrongState, errors.RulesFlawed, RulesNotRunnable, TrialNotRun)
APPROVAL = (
    *SUBMISSION,
    errors.SelfApproval,
    errors.BackdatingUndeclared,
    errors.BaseChanged,
    errors.VersionRefused,
    errors.ApprovedAlready,
    errors.Overtaken,
)
CLOSING = (*MISSING, errors.WrongState, errors.PartOfBundle, errors.VersionRefused)
RETIREMENT = (*CLOSING, errors.SelfApproval, errors.RetirementRefused, errors.Overtaken)


@routes.writes(
    "/contracts",
    needs="configure",
    takes=NewContract,
    shows=ContractShown,
    status=201,
    refuses=(errors.ContractExists, errors.ContractRefused, PartnerNotFound, ProgramNotFound),
    location="/v1/contracts/{id}",
)
def add_contract(ctx: Context, **body: Any) -> dict[str, Any]:
    """Create a contract between a program and a partner.

    It has no terms yet: draft a version of it, submit that, and have somebody else approve it.
    """
    return contract_data(create_contract(ctx, **body), "draft")


@routes.lists(
    "/contracts",
    needs="read",
    shows=ContractShown,
    cursor=lambda row: (row["id"],),
    query=KnownPage,
    refuses=(errors.InstantRefused,),
)
def list_contracts(ctx: Context, page: Page, as_of: str | None) -> Sequence[dict[str, Any]]:
    """List contracts in order of id."""
    then = instant_of(ctx, None, as_of)
    rows = contracts_after(ctx.session, page.after_id, page.fetch, then)
    versions = versions_of_contracts(ctx.session, [row.id for row in rows])
    return [contract_data(row, contract_status(versions[row.id], then, then)) for row in rows]


@routes.reads(CONTRACT, needs="read", query=KnownQuery, shows=ContractShown, refuses=TIMES)
def show_contract(ctx: Context, contract: str, as_of: str | None = None) -> dict[str, Any]:
    """Show a contract and what it is: a draft, scheduled, in force, expired or terminated."""
    row = contract_named(ctx.session, contract)
    then = instant_of(ctx, row, as_of)
    _require_known(row, then)
    versions = versions_of_contracts(ctx.session, [contract])[contract]
    return contract_data(row, contract_status(versions, then, then))


def _require_known(contract: Contract, as_of: datetime) -> None:
    if contract.created_at > as_of:
        raise errors.ContractNotFound(f"There is no contract {contract.id!r}.")


def _shown(ctx: Context, row: ContractVersion) -> dict[str, Any]:
    """Show a version as it has just become."""
    ctx.session.flush()
    return version_data(known_version(ctx, row.contract_id, row.number, ctx.now()))


def _rules_shown(ctx: Context, row: RuleVersion) -> dict[str, Any]:
    ctx.session.flush()
    contract, number = row.contract_version_id.rsplit("/", 1)
    known = known_version(ctx, contract, int(number), ctx.now())
    return rule_version_data(known, rule_version_numbered(known.row, row.kind, row.number))


def _known(ctx: Context, contract: str, number: int, as_of: str | None) -> KnownVersion:
    row = contract_named(ctx.session, contract)
    return known_version(ctx, contract, number, instant_of(ctx, row, as_of))


@routes.writes(
    f"{CONTRACT}/versions",
    needs="configure",
    takes=NewVersion,
    shows=VersionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused),
    location="/v1/contracts/{contract}/versions/{number}",
)
def add_version(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft a contract version.

    The terms from a start on; the next start ends them. Nothing is paid by a draft: it has to be submitted, and
    approved by somebody else. A version with `termination: true` ends the contract at its start. One with `ends_on` is
    drafted together with the end of its term.
    """
    return _shown(ctx, draft_version(ctx, contract=contract, **body))


@routes.writes(
    f"{CONTRACT}/promotions",
    needs="configure",
    takes=NewPromotion,
    shows=PromotionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused),
)
def add_promotion(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft a promotion: terms for a time.

    It is two versions: the promotion, and one that brings back at `until` what is in force then without it. They are
    submitted and approved together, by the number of either.
    """
    return {"versions": [_shown(ctx, row) for row in draft_promotion(ctx, contract=contract, **body)]}


@routes.writes(
    f"{CONTRACT}/renewals",
    needs="configure",
    takes=NewRenewal,
    shows=VersionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused, errors.NothingToRenew),
    location="/v1/contracts/{contract}/versions/{number}",
)
def add_renewal(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft the next term of a contract whose term ends.

    It starts where the term ends and has its terms, with prices raised as agreed. GET /v1/renewals finds what is due.
    """
    return _shown(ctx, draft_renewal(ctx, contract=contract, **body))


@routes.writes(
    f"{CONTRACT}/reinstatements",
    needs="configure",
    takes=NewReinstatement,
    shows=VersionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused, errors.NothingToReinstate),
    location="/v1/contracts/{contract}/versions/{number}",
)
def add_reinstatement(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft the reinstatement of a contract that was terminated, or whose term has ended."""
    return _shown(ctx, reinstate_contract(ctx, contract=contract, **body))


@routes.lists(
    "/renewals",
    needs="read",
    shows=RenewalDueShown,
    cursor=lambda row: (row["contract"],),
    query=RenewalsQuery,
    refuses=(errors.InstantRefused,),
)
def list_renewals(ctx: Context, page: Page, by: str | None, as_of: str | None) -> Sequence[dict[str, Any]]:
    """List the terms that end and are not renewed, by contract, once their day of notice has come.

    This is looked up, not kept: no job has to run for it.
    """
    known_at = instant_of(ctx, None, as_of)
    then = known_at if by is None else instant_of(ctx, None, by, "/by")
    found = sorted(renewals_due(ctx, by=then, as_of=known_at), key=lambda due: due.contract.id)
    return [renewal_data(due) for due in page.rest_of(found, lambda due: due.contract.id)]


@routes.lists(
    f"{CONTRACT}/versions",
    needs="read",
    shows=VersionShown,
    cursor=lambda row: (str(row["number"]),),
    query=KnownPage,
    refuses=TIMES,
)
def list_versions(ctx: Context, contract: str, page: Page, as_of: str | None) -> Sequence[dict[str, Any]]:
    """List the versions of a contract, drafts and retired ones too, by number."""
    row = contract_named(ctx.session, contract)
    known = known_versions(ctx, contract, instant_of(ctx, row, as_of))
    return [version_data(each) for each in page.rest_of(known, lambda each: str(each.row.number))]


@routes.reads(VERSION, needs="read", query=KnownQuery, shows=VersionShown, refuses=(*MISSING, errors.InstantRefused))
def show_version(ctx: Context, contract: str, number: int, as_of: str | None = None) -> dict[str, Any]:
    """Show a contract version with its rule versions."""
    return version_data(_known(ctx, contract, number, as_of))


@routes.reads(f"{VERSION}/check", needs="preview", shows=VersionChecked, refuses=MISSING)
def check(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Check a contract version before it is submitted or approved.

    Each of its rule versions with its parameters and lists: what is wrong with it, what it can never decide, where it
    leaves a gap, each with an example conversion; the rules in words and as a table; and whether they decide every
    conversion as the rules do that are in force at their start, or one that they decide differently.
    """
    checked = [checked_data(each) for each in check_version(ctx, contract=contract, number=number)]
    is_ok = all(each["ok"] for each in checked)
    return {"contract": contract, "number": number, "ok": is_ok, "rule_versions": checked}


@routes.writes(
    f"{VERSION}/submit", needs="configure", takes=Why, may_be_empty=True, shows=VersionShown, refuses=SUBMISSION
)
def submit(ctx: Context, contract: str, number: int, reason: str | None = None) -> dict[str, Any]:
    """Submit a drafted contract version for approval.

    The rule versions drafted with it are submitted with it, and so is its bundle. They are analysed and tried out on the
    rules engine first; what is proved to be a mistake is refused with an example. The program's policy says how many
    people have to approve it.
    """
    return _shown(ctx, submit_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(
    f"{VERSION}/approve", needs="approve", takes=Why, may_be_empty=True, shows=VersionShown, refuses=APPROVAL
)
def approve(ctx: Context, contract: str, number: int, reason: str | None = None) -> dict[str, Any]:
    """Approve a submitted contract version.

    With the last approval it needs it is known, and in force from its start. Whoever wrote, edited or submitted it cannot
    approve it. A version that starts at the same instant is retired by it. Conversions it governs are decided again.
    """
    return _shown(ctx, approve_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(f"{VERSION}/reject", needs="approve", takes=Because, shows=VersionShown, refuses=CLOSING)
def reject(ctx: Context, contract: str, number: int, reason: str) -> dict[str, Any]:
    """Reject a submitted contract version, with a reason for whoever wrote it."""
    return _shown(ctx, reject_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(
    f"{VERSION}/withdraw", needs="configure", takes=Why, may_be_empty=True, shows=VersionShown, refuses=CLOSING
)
def withdraw(ctx: Context, contract: str, number: int, reason: str | None = None) -> dict[str, Any]:
    """Withdraw a contract version that is not approved."""
    return _shown(ctx, withdraw_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(f"{VERSION}/retire", needs="approve", takes=Because, shows=VersionShown, refuses=RETIREMENT)
def retire(ctx: Context, contract: str, number: int, reason: str) -> dict[str, Any]:
    """Retire a contract version that was approved by mistake.

    What came before it goes on in its place, and what it governed is decided again. Whoever wrote it cannot retire it.
    """
    return _shown(ctx, retire_version(ctx, contract=contract, number=number, reason=reason))


@routes.writes(
    f"{VERSION}/rule-versions",
    needs="configure",
    takes=NewRuleVersion,
    shows=RuleVersionShown,
    status=201,
    refuses=(*MISSING, errors.VersionRefused, errors.WrongState, errors.OutsideContractVersion),
    location="/v1/contracts/{contract}/versions/{given[number]}/rule-versions/{kind}/{number}",
)
def add_rule_version(ctx: Context, contract: str, number: int, **body: Any) -> dict[str, Any]:
    """Draft a rule version inside an approved contract version.

    A new rate from a date on, while the contract's other terms stay as they are.
    """
    return _rules_shown(ctx, draft_rule_version(ctx, contract=contract, number=number, **body))


@routes.lists(
    f"{VERSION}/rule-versions",
    needs="read",
    shows=RuleVersionShown,
    cursor=lambda row: (row["id"],),
    query=KnownPage,
    refuses=(*MISSING, errors.InstantRefused),
)
def list_rule_versions(
    ctx: Context, contract: str, number: int, page: Page, as_of: str | None
) -> Sequence[dict[str, Any]]:
    """List the rule versions of a contract version, by kind and number."""
    rows = version_data(_known(ctx, contract, number, as_of))["rule_versions"]
    found: Sequence[dict[str, Any]] = page.rest_of(rows, lambda row: str(row["id"]))
    return found


@routes.reads(
    RULE_VERSION,
    needs="read",
    query=KnownQuery,
    shows=RuleVersionShown,
    refuses=(*MISSING, errors.InstantRefused),
)
def show_rule_version(
    ctx: Context, contract: str, number: int, kind: str, rule_number: int, as_of: str | None = None
) -> dict[str, Any]:
    """Show a rule version."""
    known = _known(ctx, contract, number, as_of)
    rule = rule_version_numbered(known.row, kind, rule_number)
    if rule.created_at > known.as_of:
        raise errors.VersionNotFound(f"{known.row.id} has no {kind} rule version {rule_number}.")
    return rule_version_data(known, rule)


@routes.writes(
    f"{RULE_VERSION}/submit",
    needs="configure",
    takes=Why,
    may_be_empty=True,
    shows=RuleVersionShown,
    refuses=SUBMISSION,
)
def submit_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Submit a drafted rule version for approval.

    The rules are analysed and tried out on the rules engine first.
    """
    return _rules_shown(ctx, submit_rule_version(ctx, **given))


@routes.writes(
    f"{RULE_VERSION}/approve",
    needs="approve",
    takes=Why,
    may_be_empty=True,
    shows=RuleVersionShown,
    refuses=(*APPROVAL, errors.OutsideContractVersion),
)
def approve_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Approve a submitted rule version.

    It is in force from its start until the next rule version of its kind, or the next contract version, starts.
    """
    return _rules_shown(ctx, approve_rule_version(ctx, **given))


@routes.writes(f"{RULE_VERSION}/reject", needs="approve", takes=Because, shows=RuleVersionShown, refuses=CLOSING)
def reject_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Reject a submitted rule version, with a reason for whoever wrote it."""
    return _rules_shown(ctx, reject_rule_version(ctx, **given))


@routes.writes(
    f"{RULE_VERSION}/withdraw", needs="configure", takes=Why, may_be_empty=True, shows=RuleVersionShown, refuses=CLOSING
)
def withdraw_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Withdraw a rule version that is not approved."""
    return _rules_shown(ctx, withdraw_rule_version(ctx, **given))


@routes.writes(f"{RULE_VERSION}/retire", needs="approve", takes=Because, shows=RuleVersionShown, refuses=RETIREMENT)
def retire_rules(ctx: Context, **given: Any) -> dict[str, Any]:
    """Retire a rule version that was approved by mistake. The one before it goes on."""
    return _rules_shown(ctx, retire_rule_version(ctx, **given))


@routes.writes(
    POLICIES,
    needs="approve",
    takes=NewPolicy,
    shows=PolicyShown,
    status=201,
    refuses=(ProgramNotFound, errors.PolicyRefused),
)
def set_policy(ctx: Context, program: str, policy: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    """Set how many people have to approve what in a program, from now on.

    What is submitted already needs what it needed when it was submitted.
    """
    return policy_data(set_approval_policy(ctx, program=program, policy=policy, reason=reason))


@routes.lists(
    POLICIES,
    needs="read",
    shows=PolicyShown,
    cursor=lambda row: (str(row["number"]),),
    query=KnownPage,
    refuses=(ProgramNotFound, errors.InstantRefused),
)
def list_policies(ctx: Context, program: str, page: Page, as_of: str | None) -> Sequence[dict[str, Any]]:
    """List the approval policies a program has had; the last one counts. Without any, one approval is enough."""
    then = instant_of(ctx, None, as_of)
    program_named(ctx.session, program)
    rows = [row for row in policies_of(ctx.session, program) if row.created_at <= then]
    return [policy_data(row) for row in page.rest_of(rows, lambda row: str(row.number))]


@routes.reads(f"{CONTRACT}/terms", needs="read", query=TermsQuery, shows=TermsShown, refuses=TIMES)
def show_terms(ctx: Context, contract: str, at: str | None = None, as_of: str | None = None) -> dict[str, Any]:
    """Show the terms in force at an instant, as they were known at another.

    `in_force` is null, with a reason, where there are none. The rules are shown as data and as sentences.
    """
    return terms_data(get_terms(ctx, contract=contract, at=at, as_of=as_of))


@routes.reads(f"{CONTRACT}/timeline", needs="read", query=KnownQuery, shows=TimelineShown, refuses=TIMES)
def show_timeline(ctx: Context, contract: str, as_of: str | None = None) -> dict[str, Any]:
    """Show what was, is and will be in force, as it was known at an instant, with who approved it when.

    `gaps` has every time without terms: after a termination, and after a term that was not renewed.
    """
    return timeline_data(get_terms(ctx, contract=contract, as_of=as_of))
