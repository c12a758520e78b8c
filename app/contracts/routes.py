"""Addresses of the contracts room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.contracts import errors
from app.contracts.describe import (
    checked_data,
    contract_data,
    rule_version_data,
    terms_data,
    timeline_data,
    version_data,
)
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.check_version import check_version
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.contracts.repository import (
    contract_named,
    contracts_after,
    rule_version_numbered,
    version_numbered,
    versions_of,
)
from app.contracts.schemas import (
    ContractShown,
    NewContract,
    NewRuleVersion,
    NewVersion,
    RuleVersionShown,
    TermsQuery,
    TermsShown,
    TimelineQuery,
    TimelineShown,
    VersionChecked,
    VersionShown,
)
from app.engine.matcher import RulesNotRunnable, TrialNotRun
from app.partners.errors import PartnerNotFound, ProgramNotFound
from app.runtime import Context
from app.web.blueprint import Room
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("contracts", __name__, "Contracts, their versions and rule versions, and the terms in force.")

CONTRACT = "/contracts/<identifier:contract>"
VERSION = f"{CONTRACT}/versions/<number:number>"
RULE_VERSION = f"{VERSION}/rule-versions/<any(eligibility, attribution, payout):kind>/<number:rule_number>"
MISSING = (errors.ContractNotFound, errors.VersionNotFound)
SUBMISSION = (*MISSING, errors.WrongState, errors.RulesFlawed, RulesNotRunnable, TrialNotRun)
APPROVAL = (
    *SUBMISSION,
    errors.SelfApproval,
    errors.BackdatingUndeclared,
    errors.BaseChanged,
    errors.VersionRefused,
)
OF_VERSION = ("show_version", "check", "submit", "approve", "add_rule_version", "list_rule_versions")
OF_RULES = ("show_rule_version", "submit_rules", "approve_rules")
NEXT = Leads(*OF_VERSION, contract="path.contract", number="path.number")


def held_version(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Return a version as it is shown, while nobody else can change it."""
    contract_named(ctx.session, contract, lock=True)
    return version_data(version_numbered(ctx.session, contract, number))


def held_rules(ctx: Context, contract: str, number: int, kind: str, rule_number: int) -> dict[str, Any]:
    """Return a rule version as it is shown, while nobody else can change it."""
    contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    return rule_version_data(rule_version_numbered(version, kind, rule_number))


@routes.writes(
    "/contracts",
    needs="configure",
    takes=NewContract,
    shows=ContractShown,
    status=201,
    refuses=(errors.ContractExists, errors.ContractRefused, PartnerNotFound, ProgramNotFound),
    location="/v1/contracts/{id}",
    tagged=True,
    leads_to=Leads("show_contract", "add_version", "list_versions", "show_terms", "show_timeline", contract="/id"),
)
def add_contract(ctx: Context, **body: Any) -> dict[str, Any]:
    """Create a contract between a program and a partner.

    It has no terms yet: draft a version of it, submit that, and have somebody else approve it.
    """
    return contract_data(create_contract(ctx, **body))


@routes.lists("/contracts", needs="read", shows=ContractShown, cursor=lambda row: (row["id"],))
def list_contracts(ctx: Context, page: Page) -> Sequence[dict[str, Any]]:
    """List contracts in order of id."""
    return [contract_data(row) for row in contracts_after(ctx.session, page.after_id, page.fetch)]


@routes.reads(CONTRACT, needs="read", shows=ContractShown, refuses=(errors.ContractNotFound,), tagged=True)
def show_contract(ctx: Context, contract: str) -> dict[str, Any]:
    """Show a contract."""
    return contract_data(contract_named(ctx.session, contract))


@routes.writes(
    f"{CONTRACT}/versions",
    needs="configure",
    takes=NewVersion,
    shows=VersionShown,
    status=201,
    refuses=(errors.ContractNotFound, errors.VersionRefused),
    location="/v1/contracts/{contract}/versions/{number}",
    once="required",
    tagged=True,
    leads_to=Leads(*OF_VERSION, contract="/contract", number="/number"),
)
def add_version(ctx: Context, contract: str, **body: Any) -> dict[str, Any]:
    """Draft a contract version.

    The terms from a start on; the next start ends them. Nothing is paid by a draft: it has to be submitted, and
    approved by somebody else. A version with `termination: true` ends the contract at its start.
    """
    return version_data(draft_version(ctx, contract=contract, **body))


@routes.lists(
    f"{CONTRACT}/versions",
    needs="read",
    shows=VersionShown,
    cursor=lambda row: (str(row["number"]),),
    refuses=(errors.ContractNotFound,),
)
def list_versions(ctx: Context, contract: str, page: Page) -> Sequence[dict[str, Any]]:
    """List the versions of a contract, drafts and retired ones too, by number."""
    versions = versions_of(ctx.session, contract_named(ctx.session, contract).id)
    return [version_data(row) for row in page.rest_of(versions, lambda row: str(row.number))]


@routes.reads(VERSION, needs="read", shows=VersionShown, refuses=MISSING, tagged=True)
def show_version(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Show a contract version with its rule versions."""
    return version_data(version_numbered(ctx.session, contract, number))


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
    f"{VERSION}/submit", needs="configure", shows=VersionShown, refuses=SUBMISSION, revision=held_version, leads_to=NEXT
)
def submit(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Submit a drafted contract version for approval.

    The rule versions drafted with it are submitted with it. They are analysed and tried out on the rules
    engine first; what is proved to be a mistake is refused with an example.
    """
    return version_data(submit_version(ctx, contract=contract, number=number))


@routes.writes(
    f"{VERSION}/approve", needs="approve", shows=VersionShown, refuses=APPROVAL, revision=held_version, leads_to=NEXT
)
def approve(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Approve a submitted contract version.

    From now on it is known, and in force from its start. Whoever wrote or submitted it cannot approve it. A version
    that starts at the same instant is retired by it. Conversions it governs are decided again.
    """
    return version_data(approve_version(ctx, contract=contract, number=number))


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
    return rule_version_data(draft_rule_version(ctx, contract=contract, number=number, **body))


@routes.lists(
    f"{VERSION}/rule-versions", needs="read", shows=RuleVersionShown, cursor=lambda row: (row["id"],), refuses=MISSING
)
def list_rule_versions(ctx: Context, contract: str, number: int, page: Page) -> Sequence[dict[str, Any]]:
    """List the rule versions of a contract version, by kind and number."""
    rows = version_numbered(ctx.session, contract, number).rule_versions
    return [rule_version_data(row) for row in page.rest_of(rows, lambda row: row.id)]


@routes.reads(RULE_VERSION, needs="read", shows=RuleVersionShown, refuses=MISSING, tagged=True)
def show_rule_version(ctx: Context, contract: str, number: int, kind: str, rule_number: int) -> dict[str, Any]:
    """Show a rule version."""
    version = version_numbered(ctx.session, contract, number)
    return rule_version_data(rule_version_numbered(version, kind, rule_number))


@routes.writes(
    f"{RULE_VERSION}/submit", needs="configure", shows=RuleVersionShown, refuses=SUBMISSION, revision=held_rules
)
def submit_rules(ctx: Context, **ids: Any) -> dict[str, Any]:
    """Submit a drafted rule version for approval.

    The rules are analysed and tried out on the rules engine first.
    """
    return rule_version_data(submit_rule_version(ctx, **ids))


@routes.writes(
    f"{RULE_VERSION}/approve",
    needs="approve",
    shows=RuleVersionShown,
    refuses=(*APPROVAL, errors.OutsideContractVersion),
    revision=held_rules,
)
def approve_rules(ctx: Context, **ids: Any) -> dict[str, Any]:
    """Approve a submitted rule version.

    It is in force from its start until the next rule version of its kind, or the next contract version, starts.
    """
    return rule_version_data(approve_rule_version(ctx, **ids))


TIMES = (errors.ContractNotFound, errors.InstantRefused)


@routes.reads(f"{CONTRACT}/terms", needs="read", query=TermsQuery, shows=TermsShown, refuses=TIMES)
def show_terms(ctx: Context, contract: str, at: str | None = None, as_of: str | None = None) -> dict[str, Any]:
    """Show the terms in force at an instant, as they were known at another.

    `in_force` is null, with a reason, where there are none. The rules are shown as data and as sentences.
    """
    return terms_data(get_terms(ctx, contract=contract, at=at, as_of=as_of))


@routes.reads(f"{CONTRACT}/timeline", needs="read", query=TimelineQuery, shows=TimelineShown, refuses=TIMES)
def show_timeline(ctx: Context, contract: str, as_of: str | None = None) -> dict[str, Any]:
    """Show what was, is and will be in force, as it was known at an instant."""
    found = get_terms(ctx, contract=contract, as_of=as_of)
    return timeline_data(found.contract, found.history)
