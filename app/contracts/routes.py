"""Addresses of the contracts room: contracts, policies, and the terms in force. Versions have theirs beside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.contracts import errors
from app.contracts.clocks import as_of_for
from app.contracts.describe import (
    contract_data,
    policy_data,
    renewal_data,
    terms_data,
    timeline_data,
)
from app.contracts.known import require_known
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.renewals_due import renewals_due
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.repository import (
    contract_named,
    contracts_after,
    policies_of,
    versions_of_contracts,
)
from app.contracts.schemas import (
    ContractShown,
    NewContract,
    NewPolicy,
    PolicyShown,
    RenewalDueShown,
    RenewalsQuery,
    TermsQuery,
    TermsShown,
    TimelineShown,
)
from app.contracts.status import contract_status
from app.core.as_of import read_as_of
from app.engine.matcher import RulesNotRunnable, TrialNotRun
from app.partners.errors import PartnerNotFound, ProgramNotFound
from app.partners.repository import program_named
from app.runtime import Context
from app.web.as_of import LocalAsOf, PageAsOf
from app.web.blueprint import Room
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("contracts", __name__, "Contracts, their versions and rule versions, and the terms in force.")

CONTRACT = "/contracts/<identifier:contract>"
VERSION = f"{CONTRACT}/versions/<number:number>"
RULE_VERSION = (
    f"{VERSION}/rule-versions/<any(eligibility, attribution, payout, delivery_payout):kind>/<number:rule_number>"
)
POLICIES = "/programs/<identifier:program>/approval-policies"
TIMES = (errors.ContractNotFound, errors.InstantRefused)
MISSING = (errors.ContractNotFound, errors.VersionNotFound)
SUBMISSION = (*MISSING, errors.WrongState, errors.PartOfBundle, errors.RulesFlawed, RulesNotRunnable, TrialNotRun)
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
OF_VERSION = ("show_version", "check", "submit", "approve", "add_rule_version", "list_rule_versions")


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
    return contract_data(create_contract(ctx, **body), "draft")


@routes.lists(
    "/contracts",
    needs="read_own",
    shows=ContractShown,
    cursor=lambda row: (row["id"],),
    query=PageAsOf,
    refuses=(errors.InstantRefused,),
)
def list_contracts(ctx: Context, page: Page, as_of: datetime | None = None) -> Sequence[dict[str, Any]]:
    """List contracts in order of id."""
    then = read_as_of(as_of, ctx.now())
    rows = contracts_after(ctx.session, page.after_id, page.fetch, then)
    versions = versions_of_contracts(ctx.session, [row.id for row in rows])
    return [contract_data(row, contract_status(versions[row.id], then, then)) for row in rows]


@routes.reads(CONTRACT, needs="read_own", query=LocalAsOf, shows=ContractShown, refuses=TIMES, tagged=True)
def show_contract(ctx: Context, contract: str, as_of: str | None = None) -> dict[str, Any]:
    """Show a contract and what it is: a draft, scheduled, in force, expired or terminated."""
    row = contract_named(ctx.session, contract)
    then = as_of_for(ctx, row, as_of)
    require_known(row, then)
    versions = versions_of_contracts(ctx.session, [contract])[contract]
    return contract_data(row, contract_status(versions, then, then))


@routes.lists(
    "/renewals",
    needs="read",
    shows=RenewalDueShown,
    cursor=lambda row: (row["contract"],),
    query=RenewalsQuery,
    refuses=(errors.InstantRefused,),
)
def list_renewals(
    ctx: Context, page: Page, by: datetime | None = None, as_of: datetime | None = None
) -> Sequence[dict[str, Any]]:
    """List the terms that end and are not renewed, by contract, once their day of notice has come.

    This is looked up, not kept: no job has to run for it.
    """
    known_at = read_as_of(as_of, ctx.now())
    then = known_at if by is None else by
    found = sorted(renewals_due(ctx, by=then, as_of=known_at), key=lambda due: due.contract.id)
    return [renewal_data(due) for due in page.rest_of(found, lambda due: due.contract.id)]


@routes.writes(
    POLICIES,
    needs="approve",
    takes=NewPolicy,
    shows=PolicyShown,
    status=201,
    refuses=(ProgramNotFound, errors.PolicyRefused),
    once="required",
    leads_to=Leads("list_policies", program="/program"),
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
    query=PageAsOf,
    refuses=(ProgramNotFound, errors.InstantRefused),
)
def list_policies(ctx: Context, program: str, page: Page, as_of: datetime | None = None) -> Sequence[dict[str, Any]]:
    """List the approval policies a program has had; the last one counts. Without any, one approval is enough."""
    then = read_as_of(as_of, ctx.now())
    program_named(ctx.session, program)
    rows = [row for row in policies_of(ctx.session, program) if row.created_at <= then]
    return [policy_data(row) for row in page.rest_of(rows, lambda row: str(row.number))]


@routes.reads(f"{CONTRACT}/terms", needs="read_own", query=TermsQuery, shows=TermsShown, refuses=TIMES)
def show_terms(ctx: Context, contract: str, at: str | None = None, as_of: str | None = None) -> dict[str, Any]:
    """Show the terms in force at an instant, as they were known at another.

    `in_force` is null, with a reason, where there are none. The rules are shown as data and as sentences.
    """
    return terms_data(get_terms(ctx, contract=contract, at=at, as_of=as_of))


@routes.reads(f"{CONTRACT}/timeline", needs="read_own", query=LocalAsOf, shows=TimelineShown, refuses=TIMES)
def show_timeline(ctx: Context, contract: str, as_of: str | None = None) -> dict[str, Any]:
    """Show what was, is and will be in force, as it was known at an instant, with who approved it when.

    `gaps` has every time without terms: after a termination, and after a term that was not renewed.
    """
    return timeline_data(get_terms(ctx, contract=contract, as_of=as_of))
